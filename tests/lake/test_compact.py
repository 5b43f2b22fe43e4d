"""Compaction changes nothing that a reader sees but how fast it comes."""

import os
import time
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from support.port import COUNTS, build_port

from citylib.city.errors import CityError
from citylib.lake import Delivery, Lake, compact, tables
from citylib.lake.sheet import sheet_of

SPEC = 'partition = "month"\nwindow = "P1D"\n' + COUNTS


@pytest.fixture
def lake(tmp_path):
    city = build_port(tmp_path / "profile", {"datasets/counts.toml": SPEC})
    return Lake(str(tmp_path / "lake"), city)


def deliver(lake, name, days, n=1, district="East"):
    rows = [
        {"when": f"2022-{day}", "district": district, "gate": "A", "n": n, "speed": 1}
        for day in days
    ]
    reading = lake.city.datasets["counts"].read[0]
    return lake.deliver("counts", Delivery(name, [(sheet_of(name, rows), reading)]))


def records(lake):
    table = lake.table("counts").read(["time", "n", "area"])
    return table.sort_by("time").to_pylist()


def test_late_records_go_where_they_belong(lake):
    deliver(lake, "a", ["01-05 07:00", "02-05 07:00", "03-05 07:00"])
    deliver(lake, "b", ["01-05 07:00", "01-05 08:00", "03-05 07:00"], n=2)
    assert lake.table("counts").late == 2  # nothing was there at eight, so that one needs no look
    with pytest.raises(CityError, match="compact"):
        lake.table("counts").files()
    before = records(lake)
    assert [row["n"] for row in before] == [2, 2, 1, 2]
    done = lake.compact("counts")
    assert (done.late, done.before, done.after) == (2, 5, 3)
    table = lake.table("counts")
    assert (records(lake), table.late, table.rows) == (before, 0, 4)
    assert len(table.files()) == 3
    assert [path.split("partition=")[1][:7] for path in table.files()] == [
        "2022-01",
        "2022-02",
        "2022-03",
    ]


def test_who_reads_keeps_the_version_that_they_opened(lake):
    for n in range(4):
        deliver(lake, str(n), [f"01-0{n + 1} 07:00"])
    table = lake.table("counts")
    lake.compact("counts")
    assert len(lake.table("counts").files()) == 1
    assert len(table.files()) == 4
    assert table.read(["n"]).num_rows == 4


def test_nothing_to_do_makes_no_version(lake):
    for n in range(3):
        deliver(lake, str(n), [f"01-0{n + 1} 07:00"])
    lake.compact("counts")
    version = lake.table("counts").version
    assert lake.compact("counts").after == 1
    assert lake.table("counts").version == version


def test_files_are_in_the_order_of_time_and_area(lake, monkeypatch):
    monkeypatch.setattr(compact, "TARGET", 3)
    monkeypatch.setattr(compact, "SMALL", 100)
    monkeypatch.setattr(compact, "EVERY", 1)
    days = [f"01-0{day} 0{hour}:00" for day in (3, 1, 2) for hour in (7, 8)]
    deliver(lake, "a", days, district="West")
    deliver(lake, "b", [day.replace(":00", ":30") for day in days])
    before = records(lake)
    lake.compact("counts")
    assert records(lake) == before
    parts = [pq.read_table(path) for path in lake.table("counts").files()]
    assert max(part.num_rows for part in parts) <= 5
    times = np.concatenate([part["time"].cast(pa.int64()).to_numpy() for part in parts])
    assert (np.diff(times) >= 0).all()


def test_old_files_go_when_nobody_can_need_them(lake, tmp_path, monkeypatch):
    for n in range(3):
        deliver(lake, str(n), [f"01-0{n + 1} 07:00"])
    stray = tmp_path / "lake" / "counts" / "partition=2022-01" / "killed.parquet"
    stray.write_bytes(b"half a file")
    assert lake.compact("counts").cleaned == 0
    old = time.time() - 3 * 24 * 3600
    for path in (tmp_path / "lake" / "counts").rglob("*.parquet"):
        if str(path) not in lake.table("counts").files():
            os.utime(path, (old, old))
    assert lake.compact("counts").cleaned >= 1
    assert not stray.exists()
    assert lake.table("counts").read(["n"]).num_rows == 3


def test_two_compactions_at_once_leave_each_record_once(lake, monkeypatch):
    for n in range(3):
        deliver(lake, str(n), [f"01-0{n + 1} 07:00"])
    other = Lake(lake.uri, lake.city)
    real = compact.commit

    def meanwhile(*arguments, **options):
        monkeypatch.setattr(compact, "commit", real)
        other.compact("counts")
        return real(*arguments, **options)

    monkeypatch.setattr(compact, "commit", meanwhile)
    lake.compact("counts")
    assert len(records(lake)) == 3
    assert len(lake.table("counts").files()) == 1


def test_what_is_written_meanwhile_stays(lake, monkeypatch):
    deliver(lake, "a", ["01-05 07:00", "01-05 08:00"])
    deliver(lake, "b", ["01-05 07:00"], n=2)
    other = Lake(lake.uri, lake.city)
    real = compact.commit

    def meanwhile(*arguments, **options):
        monkeypatch.setattr(compact, "commit", real)
        deliver(other, "c", ["01-05 07:00", "01-05 09:00"], n=3)
        return real(*arguments, **options)

    monkeypatch.setattr(compact, "commit", meanwhile)
    lake.compact("counts")
    assert [row["n"] for row in records(lake)] == [3, 1, 3]
    assert lake.table("counts").late == 1


def test_the_log_forgets_old_deliveries_and_never_the_order_of_commits(lake, monkeypatch):
    class Ago(datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) - timedelta(days=40)

    with monkeypatch.context() as patch:
        patch.setattr(tables, "datetime", Ago)
        deliver(lake, "old", ["01-05 07:00", "never"])
        deliver(lake, "old", ["01-05 07:00", "never"])
    deliver(lake, "new", ["01-06 07:00", "never"])
    lake.compact("counts")
    deltas = [DeltaTable(f"{lake.uri}/{name}counts") for name in ("", "_set_aside/")]
    old, new = (Delivery(name, []).digest for name in ("old", "new"))
    for delta in deltas:
        assert (delta.transaction_version(old), delta.transaction_version(new)) == (None, 1)
    assert deltas[0].transaction_version(tables.WRITER) == 2
