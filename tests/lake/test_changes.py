"""What changed in a table since a version: applied to the records of then it gives those of now."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st
from support.port import build_port

from citylib.lake import Delivery, Lake, compact, receive
from citylib.lake.changes import Seen, within
from citylib.lake.known import DataFile
from citylib.lake.sheet import sheet_of
from tests.lake.test_laws import DELIVERY, KINDS, QUICK

STEP = st.one_of(*[DELIVERY] * 6, st.just("compact"), st.just("look"), st.just("clean up"))
NAMES = ["time", "area", "gate", "n", "speed"]
ROWS = [{"when": "2022-01-01 07:00", "district": "East", "gate": "A", "n": "1", "speed": "1"}]


@pytest.fixture
def lake(tmp_path):
    city = build_port(tmp_path / "profile", {"datasets/counts.toml": KINDS["by day"]})
    return Lake(str(tmp_path / "lake"), city)


def deliver(lake, number, *sheets):
    reading = lake.city.datasets["counts"].read[0]
    brought = [(sheet_of(f"{number}.json", rows), reading) for rows in sheets]
    return lake.deliver("counts", Delivery(str(number), brought))


def rows_of(table: pa.Table) -> list[tuple]:
    times = table["time"].cast(pa.int64()).to_pylist()
    return [(time, *row.values()) for time, row in zip(times, table.to_pylist(), strict=True)]


def clean_up(uri: str) -> None:
    """What deltalake does after a week: entries before the last checkpoint go."""
    DeltaTable(uri).create_checkpoint()
    for path in Path(uri, "_delta_log").glob("*.json"):
        if path.name[0].isdigit() and int(path.stem) < DeltaTable(uri).version():
            path.unlink()


def brought_forward(before: list[tuple], table, changes) -> list[tuple]:
    """Records of now, from those of then and what changed."""
    now = rows_of(table.read(NAMES))
    if changes.everything:
        return now

    def touched(row):
        spans = changes.touched
        return bool(((spans[:, 0] <= row[0]) & (row[0] <= spans[:, 1])).any())

    added = [row for piece in table.added(changes.added) for row in rows_of(piece.read(NAMES))]
    again = [row for piece in table.pieces(changes.touched) for row in rows_of(piece.read(NAMES))]
    kept = [row for row in [*before, *added] if not touched(row)]
    return kept + [row for row in again if touched(row)]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None, phases=QUICK)
@given(steps=st.lists(STEP, min_size=3, max_size=9))
def test_records_of_then_and_changes_are_the_records_of_now(kind, steps):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact, "TARGET", 4)
        patch.setattr(compact, "SMALL", 3)
        patch.setattr(receive, "BATCH", 3)
        city = build_port(Path(folder) / "profile", {"datasets/counts.toml": KINDS[kind]})
        lake = Lake(f"{folder}/lake", city)
        deliver(lake, "first", ROWS)
        table = lake.table("counts")
        before, seen = rows_of(table.read(NAMES)), table.seen
        for number, step in enumerate([*steps, "look"]):
            if step == "compact":
                lake.compact("counts")
            elif step == "clean up":
                clean_up(f"{folder}/lake/counts")
            elif step == "look":
                table = table.newer()
                fresh = lake.table("counts")
                assert (table.version, table.seen) == (fresh.version, fresh.seen)
                assert sorted(map(str, rows_of(table.read(NAMES)))) == sorted(
                    map(str, rows_of(fresh.read(NAMES)))
                )
                found = brought_forward(before, table, table.changes(seen))
                before = rows_of(table.read(NAMES))
                assert sorted(map(str, found)) == sorted(map(str, before))
                seen = Seen.from_bytes(table.seen.to_bytes())
                assert seen == table.seen
            else:
                deliver(lake, number, *step)


def test_what_is_new_is_added_and_what_is_corrected_is_touched(lake):
    deliver(lake, 1, ROWS)
    table = lake.table("counts")
    seen = table.seen
    assert table.changes(seen).nothing
    deliver(lake, 2, [{**ROWS[0], "gate": "Ç"}])
    changes = table.newer().changes(seen)
    assert [file.rows for file in changes.added] == [1]
    assert not len(changes.touched)
    assert not changes.everything
    deliver(lake, 3, [{**ROWS[0], "n": "2"}])
    changes = table.newer().changes(seen)
    assert len(changes.added) == 1
    moment = 1641016800 * 1_000_000
    assert changes.touched.tolist() == [[moment, moment]]


def test_compaction_changes_nothing(lake):
    deliver(lake, 1, ROWS)
    deliver(lake, 2, [{**ROWS[0], "gate": "Ç", "n": "2"}], [{**ROWS[0], "n": "2"}])
    seen = lake.table("counts").seen
    lake.compact("counts")
    table = lake.table("counts")
    assert table.version > seen.version
    assert table.changes(seen).nothing


def test_late_files_that_are_gone_are_not_missed(lake):
    deliver(lake, 1, ROWS)
    seen = lake.table("counts").seen
    late = [{**ROWS[0], "n": "2"}, {**ROWS[0], "when": "2021-12-31 07:30", "n": "2"}]
    deliver(lake, 2, [{**late[1], "n": "1"}])
    deliver(lake, 3, late)
    lake.compact("counts")
    for path in Path(lake.uri, "counts", "partition=late").glob("*.parquet"):
        path.unlink()
    changes = lake.table("counts").changes(seen)
    assert not changes.added
    span = [changes.touched[:, 0].min(), changes.touched[:, 1].max()]
    assert span == [1640932200 * 1_000_000, 1641016800 * 1_000_000]


def test_a_table_that_was_made_again_is_all_new(lake):
    deliver(lake, 1, ROWS)
    deliver(lake, 2, [{**ROWS[0], "gate": "Ç"}])
    table = lake.table("counts").newer()
    shutil.rmtree(f"{lake.uri}/counts")
    lake = Lake(lake.uri, lake.city)
    for number in range(3, 6):
        deliver(lake, number, [{**ROWS[0], "gate": "A" * number}])
    again = table.newer()
    assert again.read().num_rows == 3
    assert again.changes(table.seen).everything


def test_spans_choose_files():
    files = [DataFile(str(n), "", 1, 1, first, first + 10) for n, first in enumerate((0, 20, 40))]
    for spans, names in [
        ([[5, 5]], "0"),
        ([[11, 19]], ""),
        ([[10, 20]], "01"),
        ([[0, 100], [12, 13]], "012"),
        ([[45, 45], [3, 3]], "02"),
        ([], ""),
    ]:
        times = np.array(spans, np.int64).reshape(-1, 2)
        assert "".join(file.path for file in within(files, times)) == names


def test_following_reads_only_what_was_written_since(lake, monkeypatch):
    deliver(lake, 1, ROWS)
    table = lake.table("counts").newer()
    monkeypatch.setattr("citylib.lake.table.snapshot", lambda _: pytest.fail("read as a whole"))
    assert table.newer() is table
    deliver(lake, 2, [{**ROWS[0], "gate": "Ç"}])
    assert table.newer().rows == 2
