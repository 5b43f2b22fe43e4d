"""A disk that is full, a real one: a clear error, nothing half-written, and on it goes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support.port import HEADER, build_port

from citylib.lake import Delivery, Lake, StorageFault, load
from citylib.lake.sheet import sheet_of

ROWS, BATCH = 60_000, 10_000


class Disk:
    """A disk in memory with so many bytes."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()

    def mount(self, how: str, size: int) -> None:
        options = f"size={size}" if how == "new" else f"remount,size={size}"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")

    def files(self) -> list[Path]:
        return sorted(path for path in self.place.rglob("*") if path.is_file())


@pytest.fixture
def disk(tmp_path) -> Iterator[Disk]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    disk = Disk(tmp_path / "disk")
    disk.mount("new", 1 << 20)
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk.place)], check=False)


def test_a_load_that_fills_the_disk_goes_on_where_there_is_room(disk, tmp_path, monkeypatch):
    monkeypatch.setattr(load, "BATCH", BATCH)
    monkeypatch.setattr("citylib.lake.text.BLOCK", 1 << 18)
    lines = [f"2022-01-05 07:00,East,{os.urandom(16).hex()},{n},1\n" for n in range(ROWS)]
    city = build_port(
        tmp_path / "profile", {"records/counts/a.csv": HEADER + "".join(lines) + "x\n"}
    )
    lake = Lake(str(disk.place), city)
    with pytest.raises(StorageFault, match=r"counts.*make room, then run it again"):
        lake.load("counts")
    table = lake.table("counts")
    assert 0 < table.rows < ROWS
    kept = {Path(path) for path in table.files()}
    assert {path for path in disk.files() if "partition=" in str(path)} == kept
    assert sorted(table.read(["n"])["n"].to_pylist()) == list(range(table.rows))
    with pytest.raises(StorageFault, match="make room"):  # nothing is worse for being tried again
        lake.load("counts")
    disk.mount("again", 64 << 20)
    report = lake.load("counts")
    assert (report.read, report.set_aside) == (ROWS + 1, 1)
    assert report.stored + report.duplicate == ROWS
    assert sorted(lake.table("counts").read(["n"])["n"].to_pylist()) == list(range(ROWS))
    assert lake.set_aside("counts").num_rows == 1


def test_a_disk_that_others_have_filled_to_the_last_byte(disk, tmp_path):
    lake = Lake(str(disk.place), build_port(tmp_path / "profile"))
    reading = lake.city.datasets["counts"].read[0]

    def deliver(hour: int) -> int:
        row = {"when": f"2022-01-05 {hour:02d}:00", "district": "East", "gate": "A", "speed": 1}
        sheet = sheet_of("a", [{**row, "n": hour}, {**row, "n": -1}])
        return lake.deliver("counts", Delivery(str(hour), [(sheet, reading)])).stored

    assert deliver(7) == 1
    ballast = disk.place / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    assert shutil.disk_usage(disk.place).free == 0
    for _ in range(3):
        with pytest.raises(StorageFault, match="make room"):
            deliver(8)
        with pytest.raises(StorageFault, match="make room"):
            lake.compact("counts")
    assert lake.table("counts").read(["n"])["n"].to_pylist() == [7]
    ballast.unlink()
    assert deliver(8) == 1
    lake.compact("counts")
    assert sorted(lake.table("counts").read(["n"])["n"].to_pylist()) == [7, 8]
    assert lake.set_aside("counts").num_rows == 2
