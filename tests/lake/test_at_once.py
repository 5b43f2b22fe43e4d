"""Writers, readers and compaction at once: every record is there once, in every version."""

from __future__ import annotations

from multiprocessing import get_context
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path

import pytest
from deltalake.exceptions import CommitFailedError
from support.port import HEADER, build_port, write

from citylib.city.profile import load_city
from citylib.lake import Delivery, Lake
from citylib.lake.errors import Overtaken, storage
from citylib.lake.sheet import sheet_of

FILES = 4
ROWS = 200
WRITERS = 3
DELIVERIES = 8
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["citylib.lake", "support.port"])


def _load(folder: str, together: Barrier) -> None:
    """Load, beginning at the same moment as the other."""
    lake = Lake(f"{folder}/lake", load_city(Path(folder) / "profile"))
    together.wait(60)
    lake.load("counts")


def _rows(file: int) -> str:
    times = [f"2022-01-{1 + n // 24:02d} {n % 24:02d}:00" for n in range(ROWS)]
    return "".join(f"{time},East,{file},3,1\n" for time in times)


@pytest.mark.parametrize("attempt", range(3))
def test_two_first_loads_store_each_record_once(tmp_path, attempt):
    city = build_port(tmp_path / "profile")
    write(city.folder, {f"records/counts/{n}.csv": HEADER + _rows(n) for n in range(FILES)})
    together = CONTEXT.Barrier(2)
    loads = [CONTEXT.Process(target=_load, args=(str(tmp_path), together)) for _ in range(2)]
    for load in loads:
        load.start()
    for load in loads:
        load.join(120)
    assert [load.exitcode for load in loads] == [0, 0]
    lake = Lake(str(tmp_path / "lake"), city)
    assert lake.table("counts").rows == FILES * ROWS
    again = lake.load("counts")
    assert (again.read, again.stored, again.duplicate) == (FILES * ROWS, 0, FILES * ROWS)


def _delivery(lake: Lake, writer: int, number: int) -> Delivery:
    """The hour's own record, and one that all writers bring, with the number as its value."""
    when = f"2022-01-{1 + number:02d} 07:00"
    rows = [
        {"when": when, "district": "East", "gate": gate, "n": number, "speed": 1}
        for gate in (f"own {writer}", "shared")
    ]
    reading = lake.city.datasets["counts"].read[0]
    return Delivery(f"{writer}/{number}", [(sheet_of("gates.json", rows), reading)])


def _write(folder: str, writer: int) -> None:
    lake = Lake(f"{folder}/lake", load_city(Path(folder) / "profile"))
    for number in range(DELIVERIES):
        report = lake.deliver("counts", _delivery(lake, writer, number))
        assert report.stored + report.duplicate == 2


def _compact(folder: str, finished: Event) -> None:
    lake = Lake(f"{folder}/lake", load_city(Path(folder) / "profile"))
    while not finished.is_set():
        lake.compact("counts")


def _read(folder: str, finished: Event) -> None:
    """Look at every version that comes by: no record twice, and never fewer than before."""
    lake = Lake(f"{folder}/lake", load_city(Path(folder) / "profile"))
    before = 0
    while not finished.is_set():
        table = lake.table("counts")
        rows = table.read(["time", "gate", "n"]).to_pylist()
        assert len({(row["time"], row["gate"]) for row in rows}) == len(rows) >= before
        assert all(row["n"] == row["time"].day - 1 for row in rows)
        pieces = [row for piece in table.pieces() for row in piece.read(["gate"]).to_pylist()]
        assert len(pieces) == len(rows)
        before = len(rows)


def test_writers_readers_and_compaction_at_once(tmp_path):
    city = build_port(tmp_path / "profile")
    lake = Lake(str(tmp_path / "lake"), city)
    lake.load("counts")  # an empty table, so that readers find one
    lake.deliver("counts", _delivery(lake, 0, 0))
    finished = CONTEXT.Event()
    writers = [
        CONTEXT.Process(target=_write, args=(str(tmp_path), writer), daemon=True)
        for writer in range(WRITERS)
    ]
    others = [
        CONTEXT.Process(target=what, args=(str(tmp_path), finished), daemon=True)
        for what in (_compact, _read)
    ]
    for process in (*others, *writers):
        process.start()
    for process in writers:
        process.join(200)
    finished.set()
    for process in others:
        process.join(60)
    assert [process.exitcode for process in (*writers, *others)] == [0] * (WRITERS + 2)
    lake.compact("counts")
    table = lake.table("counts")
    assert table.rows == DELIVERIES * (WRITERS + 1)
    assert sorted(row["n"] for row in table.read(["n"]).to_pylist()) == sorted(
        n for n in range(DELIVERIES) for _ in range(WRITERS + 1)
    )


@pytest.mark.parametrize(
    "said",
    [
        "Commit failed: a concurrent transactions added new data.",
        "Metadata changed since last commit.",
        "Protocol changed since last commit: x",
    ],
)
def test_whoever_comes_second_tries_again(said):
    with pytest.raises(Overtaken), storage("a table"):
        raise CommitFailedError(f"Failed to commit transaction: {said}")
