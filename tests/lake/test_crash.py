"""A writer that is killed at any moment leaves nothing that its next attempt does not put right."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from support.port import COUNTS, HEADER, build_port, write

from citylib.city.profile import load_city
from citylib.lake import Delivery, Lake
from citylib.lake.sheet import sheet_of

FIRST = HEADER + "2022-01-05 07:00,East,A,3,1\n2022-01-05 08:00,North,A,3,1\n"
SECOND = HEADER + "2022-01-05 07:00,East,A,4,1\n2022-01-06 07:00,East,B,3,1\nx\n"
KILLED = -signal.SIGKILL
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["citylib.lake", "support.port"])
KILLS = 50


def _lake(folder: Path) -> Lake:
    return Lake(str(folder / "lake"), build_port(folder / "profile"))


def _deadly(commit: int, before: bool) -> None:
    """Let this process be killed before or after the commit with this number."""
    from deltalake import DeltaTable

    from citylib.lake import tables

    done: list[int] = []

    def counted(real):
        def deadly(*arguments, **options):
            if before and len(done) == commit:
                os.kill(os.getpid(), signal.SIGKILL)
            real(*arguments, **options)
            done.append(1)
            if len(done) > commit:
                os.kill(os.getpid(), signal.SIGKILL)

        return deadly

    tables.write_deltalake = counted(tables.write_deltalake)
    DeltaTable.create_write_transaction = counted(DeltaTable.create_write_transaction)


def _load_and_die(folder: str, commit: int, before: bool) -> None:
    _deadly(commit, before)
    Lake(f"{folder}/lake", load_city(Path(folder) / "profile")).load("counts")


def _killed(folder: Path, commit: int, before: bool = False) -> int | None:
    process = CONTEXT.Process(target=_load_and_die, args=(str(folder), commit, before))
    process.start()
    process.join(120)
    return process.exitcode


def _state(lake: Lake) -> tuple[list[str], list[str]]:
    columns = ["time", "area", "gate", "n", "speed", "source_file"]
    table = lake.table("counts").read(columns).to_pylist()
    aside = lake.set_aside("counts").drop_columns(["received"]).to_pylist()
    return sorted(map(str, table)), sorted(map(str, aside))


def _two_deliveries(folder: Path) -> Lake:
    """One delivery loaded, another waiting."""
    lake = _lake(folder)
    write(lake.city.folder, {"records/counts/1.csv": FIRST})
    lake.load("counts")
    write(lake.city.folder, {"records/counts/2.csv": SECOND})
    return lake


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("commit", [0, 1, 2])
def test_killed_between_commits(tmp_path, commit, before):
    whole = _two_deliveries(tmp_path / "whole")
    whole.load("counts")
    folder = tmp_path / "killed"
    lake = _two_deliveries(folder)
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
    assert _killed(tmp_path / "killed", commit) == KILLED
    lake.load("counts")
    assert _state(lake) == _state(whole)


@pytest.mark.parametrize("commit", [0, 1, 2])
def test_killed_while_the_table_is_made_anew(tmp_path, commit):
    folder = tmp_path / "killed"
    _two_deliveries(folder).load("counts")
    other = COUNTS.replace('header = "district"', 'header = "district", unknown = "city"')
    city = build_port(folder / "profile", {"datasets/counts.toml": other})
    assert _killed(folder, commit) == KILLED
    lake = Lake(str(folder / "lake"), city)
    report = lake.load("counts")
    assert report.read == 5
    areas = lake.table("counts").read(["area"])["area"].to_pylist()
    assert sorted(areas) == ["9", "9e", "9e"]
    assert lake.set_aside("counts").num_rows == 1
    assert lake.load("counts").stored == 0


def _rows(number: int) -> list[dict]:
    """A delivery: a new record, one that corrects the delivery before, one that does not fit."""

    def row(at: int, n: int) -> dict:
        when = f"2022-01-{1 + at // 24:02d} {at % 24:02d}:00"
        return {"when": when, "district": "East", "gate": "A", "n": n, "speed": 1}

    return [row(number, number), row(max(number - 1, 0), number), row(number, -1)]


def _keep_delivering(folder: str, number: int, acknowledge: Connection) -> None:
    """Deliver from a number on; compact now and then."""
    lake = Lake(f"{folder}/lake", load_city(Path(folder) / "profile"))
    reading = lake.city.datasets["counts"].read[0]
    while True:
        sheet = sheet_of(f"{number}.json", _rows(number))
        report = lake.deliver("counts", Delivery(str(number), [(sheet, reading)], "gates"))
        assert report.read == report.stored + report.duplicate + report.set_aside == 3
        acknowledge.send(number)
        number += 1
        if number % 5 == 0:
            lake.compact("counts")


def test_killed_at_random_moments_every_acknowledged_record_is_there_once(tmp_path):
    city = build_port(tmp_path / "profile")
    moments = random.Random(5)  # noqa: S311  the same moments each time
    count, needed = 0, 0.1
    for _ in range(KILLS):
        mine, theirs = CONTEXT.Pipe(duplex=False)
        writer = CONTEXT.Process(
            target=_keep_delivering, args=(str(tmp_path), count, theirs), daemon=True
        )
        writer.start()
        theirs.close()
        for _ in range(moments.randrange(3)):
            begun = time.monotonic()
            count = mine.recv() + 1
            needed = time.monotonic() - begun
        writer.join(moments.uniform(0, 1.5 * needed))
        writer.kill()
        writer.join(60)
        assert writer.exitcode == KILLED
        with suppress(EOFError):
            while mine.poll():
                count = mine.recv() + 1
    lake = Lake(str(tmp_path / "lake"), city)
    assert count > KILLS // 2
    # What was under way when the last writer was killed may be there or not: bring it again.
    sheet = sheet_of(f"{count}.json", _rows(count))
    reading = city.datasets["counts"].read[0]
    lake.deliver("counts", Delivery(str(count), [(sheet, reading)], "gates"))
    table = lake.table("counts").read(["time", "n"]).sort_by("time")
    # Each record was corrected by the delivery after it, but for the last.
    assert table["n"].to_pylist() == [*range(1, count + 1), count]
    assert lake.table("counts").rows == count + 1
    aside = lake.set_aside("counts")
    assert sorted(aside["file"].to_pylist()) == sorted(f"{n}.json" for n in range(count + 1))
    lake.compact("counts")
    assert lake.table("counts").read(["time", "n"]).sort_by("time").equals(table)
