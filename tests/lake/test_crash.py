"""A load that is killed at any moment leaves nothing that the next load does not put right."""

from __future__ import annotations

import os
import signal
from multiprocessing import get_context
from pathlib import Path

import pytest
from support.port import COUNTS, HEADER, build_port, write

from citylib.lake import Lake

FIRST = HEADER + "2022-01-05 07:00,East,A,3,1\n2022-01-05 08:00,North,A,3,1\n"
SECOND = HEADER + "2022-01-05 07:00,East,A,4,1\n2022-01-06 07:00,East,B,3,1\nx\n"
KILLED = -signal.SIGKILL


def _lake(folder: Path) -> Lake:
    return Lake(str(folder / "lake"), build_port(folder / "profile"))


def _load_and_die(folder: str, commit: int, before: bool) -> None:
    """Load, and be killed before or after the commit with this number."""
    from citylib.lake import store

    real, done = store.write_deltalake, []

    def deadly(*arguments: object, **options: object) -> None:
        if before and len(done) == commit:
            os.kill(os.getpid(), signal.SIGKILL)
        real(*arguments, **options)
        done.append(1)
        if len(done) > commit:
            os.kill(os.getpid(), signal.SIGKILL)

    store.write_deltalake = deadly
    _lake(Path(folder)).load("counts")


def _killed(folder: Path, commit: int, before: bool) -> int | None:
    process = get_context("spawn").Process(target=_load_and_die, args=(str(folder), commit, before))
    process.start()
    process.join(120)
    return process.exitcode


def _state(lake: Lake) -> tuple[list[str], list[str]]:
    columns = ["time", "area", "gate", "n", "speed", "source_file"]
    table = lake.table("counts").read(columns).to_pylist()
    return sorted(map(str, table)), sorted(
        map(str, lake.set_aside("counts").drop_columns(["received"]).to_pylist())
    )


def _deliver(folder: Path) -> Lake:
    """One delivery loaded, another waiting."""
    lake = _lake(folder)
    write(lake.city.folder, {"records/counts/1.csv": FIRST})
    lake.load("counts")
    write(lake.city.folder, {"records/counts/2.csv": SECOND})
    return lake


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("commit", [0, 1, 2])
def test_killed_between_commits(tmp_path, commit, before):
    whole = _deliver(tmp_path / "whole")
    whole.load("counts")
    folder = tmp_path / "killed"
    lake = _deliver(folder)
    assert _killed(folder, commit, before) == KILLED
    report = lake.load("counts")
    assert report.read == report.stored + report.duplicate + report.set_aside == 5
    assert _state(lake) == _state(whole)
    again = lake.load("counts")
    assert (again.read, again.stored, again.set_aside) == (5, 0, report.set_aside)


@pytest.mark.parametrize("commit", [0, 1, 2])
def test_killed_in_the_first_load(tmp_path, commit):
    whole = _lake(tmp_path / "whole")
    write(whole.city.folder, {"records/counts/1.csv": FIRST})
    whole.load("counts")
    lake = _lake(tmp_path / "killed")
    write(lake.city.folder, {"records/counts/1.csv": FIRST})
    assert _killed(tmp_path / "killed", commit, before=False) == KILLED
    lake.load("counts")
    assert _state(lake) == _state(whole)


@pytest.mark.parametrize("commit", [0, 1, 2])
def test_killed_while_the_table_is_made_anew(tmp_path, commit):
    folder = tmp_path / "killed"
    _deliver(folder).load("counts")
    other = COUNTS.replace('header = "district"', 'header = "district", unknown = "city"')
    process = get_context("spawn").Process(
        target=_load_other_and_die, args=(str(folder), other, commit)
    )
    process.start()
    process.join(120)
    assert process.exitcode == KILLED
    city = build_port(folder / "profile", {"datasets/counts.toml": other})
    lake = Lake(str(folder / "lake"), city)
    report = lake.load("counts")
    assert report.read == 5
    areas = lake.table("counts").read(["area"])["area"].to_pylist()
    assert sorted(areas) == ["9", "9e", "9e"]
    assert lake.set_aside("counts").num_rows == 2
    assert lake.load("counts").stored == 0


def _load_other_and_die(folder: str, other: str, commit: int) -> None:
    from citylib.lake import store

    real, done = store.write_deltalake, []

    def deadly(*arguments: object, **options: object) -> None:
        real(*arguments, **options)
        done.append(1)
        if len(done) > commit:
            os.kill(os.getpid(), signal.SIGKILL)

    store.write_deltalake = deadly
    city = build_port(Path(folder) / "profile", {"datasets/counts.toml": other})
    Lake(str(Path(folder) / "lake"), city).load("counts")
