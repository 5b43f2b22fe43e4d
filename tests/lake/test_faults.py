"""Storage that is full, closed or gone: a clear error, nothing half-written, and on it goes."""

import errno
import os
import resource
import shutil
import tempfile
from multiprocessing import get_context
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from support.port import build_port

from citylib.city.profile import load_city
from citylib.lake import Delivery, Lake, StorageFault, tables
from citylib.lake.sheet import sheet_of

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["citylib.lake", "support.port"])
NOBODY = 65534


@pytest.fixture
def lake(tmp_path):
    lake = Lake(str(tmp_path / "lake"), build_port(tmp_path / "profile"))
    deliver(lake, "a", 7)
    return lake


def deliver(lake, name, hour, rows=1):
    given = [
        {
            "when": f"2022-01-05 {hour:02d}:00",
            "district": "East",
            "gate": f"gate {n} {os.urandom(8).hex() if rows > 1 else ''}",
            "n": n,
            "speed": 1,
        }
        for n in range(rows)
    ]
    given.append({"when": "never", "district": "East", "gate": "A", "n": 1, "speed": 1})
    reading = lake.city.datasets["counts"].read[0]
    return lake.deliver("counts", Delivery(name, [(sheet_of(name, given), reading)]))


def files(lake):
    """Every Parquet file that is there, committed or not."""
    return sorted((Path(lake.uri) / "counts").rglob("*.parquet"))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("where", ["records", "commit", "set aside"])
def test_a_storage_that_fails_is_named_and_goes_on_when_it_is_back(lake, monkeypatch, code, where):
    before = files(lake)

    def fail(*arguments, **options):
        if where == "records":  # after a part of the file
            arguments[1].write(b"half")
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        if where == "records":
            patch.setattr(pq, "write_table", fail)
        elif where == "commit":
            patch.setattr(DeltaTable, "create_write_transaction", fail)
        else:
            patch.setattr(tables, "write_deltalake", fail)
        with pytest.raises(StorageFault, match=rf"{lake.uri}.*{os.strerror(code)}"):
            deliver(lake, "b", 8)
        assert lake.table("counts").rows == 1
        if where != "commit":
            assert files(lake) == before
    report = deliver(lake, "b", 8)
    assert (report.read, report.stored, report.set_aside) == (2, 1, 1)
    assert lake.table("counts").rows == 2
    assert lake.set_aside("counts").num_rows == 2


def _fails(what):
    """Exit with 3 if the storage fails and the error says what to do."""
    try:
        what()
    except StorageFault as error:
        raise SystemExit(3 if "make room" in str(error) or "permissions" in str(error) else 4)  # noqa: B904


def _fill(folder, limit):
    """Deliver more than fits under a limit on the size of files."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    lake = Lake(f"{folder}/lake", load_city(Path(folder) / "profile"))
    _fails(lambda: deliver(lake, "b", 8, rows=40_000))


def test_no_room_for_a_file(lake, tmp_path):
    before = files(lake)
    process = CONTEXT.Process(target=_fill, args=(str(tmp_path), 100_000))
    process.start()
    process.join(120)
    assert process.exitcode == 3
    assert files(lake) == before
    assert lake.table("counts").rows == 1
    assert deliver(lake, "b", 8, rows=40_000).stored == 40_000


def _deliver_as_nobody(folder):
    lake = Lake(f"{folder}/lake", load_city(Path(folder) / "profile"))
    lake.table("counts").read()  # with all that Python must read for it
    os.setuid(NOBODY)
    _fails(lambda: deliver(lake, "b", 8))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become nobody")
def test_permission_lost():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        lake = Lake(f"{folder}/lake", build_port(Path(folder) / "profile"))
        deliver(lake, "a", 7)
        process = CONTEXT.Process(target=_deliver_as_nobody, args=(folder,))
        process.start()
        process.join(120)
        assert process.exitcode == 3
        assert lake.table("counts").rows == 1
        assert deliver(lake, "b", 8).stored == 1


def test_a_store_that_is_gone_and_back(lake, tmp_path):
    kept = tmp_path / "elsewhere"
    table = lake.table("counts")
    shutil.move(lake.uri, kept)
    Path(lake.uri).write_text("the disk is not mounted")
    with pytest.raises(StorageFault, match="counts"):
        deliver(lake, "b", 8)
    with pytest.raises(StorageFault, match="counts"):
        table.read()
    Path(lake.uri).unlink()
    shutil.move(kept, lake.uri)
    assert deliver(lake, "b", 8).stored == 1
    assert lake.table("counts").rows == 2


def test_a_file_of_the_table_that_is_gone_is_named(lake):
    (path,) = lake.table("counts").files()
    Path(path).unlink()
    with pytest.raises(StorageFault, match="counts"):
        lake.table("counts").read()
