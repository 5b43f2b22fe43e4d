"""Two loads at once: every record is stored once, whichever of them is first."""

from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import BrokenBarrierError

import pytest
from support.port import HEADER, build_port, write

from citylib.city.profile import load_city
from citylib.lake import Lake, LakeBusy

FILES = 4
ROWS = 200


def _load(folder: str, together: Barrier) -> None:
    """Load, and begin each commit at the same moment as the other."""
    from citylib.lake import store

    real = store._commit

    def commit_together(*arguments: object, **options: object) -> None:
        with suppress(BrokenBarrierError):  # the other has given up
            together.wait(60)
        real(*arguments, **options)

    store._commit = commit_together
    lake = Lake(f"{folder}/lake", load_city(Path(folder) / "profile"))
    try:
        lake.load("counts")
    except LakeBusy:
        together.abort()
        raise SystemExit(3) from None


def _rows(file: int) -> str:
    times = [f"2022-01-{1 + n // 24:02d} {n % 24:02d}:00" for n in range(ROWS)]
    return "".join(f"{time},East,{file},3,1\n" for time in times)


@pytest.mark.parametrize("attempt", range(4))
def test_two_first_loads_store_each_record_once(tmp_path, attempt):
    city = build_port(tmp_path / "profile")
    write(city.folder, {f"records/counts/{n}.csv": HEADER + _rows(n) for n in range(FILES)})
    context = get_context("spawn")
    together = context.Barrier(2)
    loads = [context.Process(target=_load, args=(str(tmp_path), together)) for _ in range(2)]
    for load in loads:
        load.start()
    for load in loads:
        load.join(120)
    assert sorted(load.exitcode for load in loads) == [0, 3]
    lake = Lake(str(tmp_path / "lake"), city)
    assert lake.table("counts").rows == FILES * ROWS
    again = lake.load("counts")
    assert (again.read, again.stored, again.duplicate) == (FILES * ROWS, 0, FILES * ROWS)
    assert lake.table("counts").rows == FILES * ROWS
