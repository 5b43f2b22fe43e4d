"""Pieces of a table: parts of files, some times alone, and without what was corrected."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citylib.lake.pieces import Piece
from citylib.lake.probe import maybe

STAMP = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    [pa.field("time", STAMP), pa.field("area", pa.string()), pa.field("n", pa.int64())]
)


@pytest.fixture
def piece(tmp_path):
    table = pa.table(
        {
            "time": pa.array(range(100)).cast(STAMP),
            "area": [f"a{n % 3}" for n in range(100)],
            "n": range(100),
        },
        schema=SCHEMA,
    )
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=10)
    return Piece("x.parquet", str(tmp_path), SCHEMA, ("time", "area"), rows=100)


@pytest.mark.parametrize("parts", [1, 3, 10, 17])
def test_parts_are_the_whole(piece, parts):
    split = piece.split(parts)
    assert len(split) == parts
    read = [n for part in split for n in part.read(["n"])["n"].to_pylist()]
    assert read == list(range(100))


def test_only_some_times_are_read(piece):
    tables = list(piece.tables(["n", "area"], periods=[(5, 12), (30, 31), (200, 300)]))
    assert [n for table in tables for n in table["n"].to_pylist()] == [*range(5, 12), 30]
    assert len(tables) == 3, "row groups without such times are not read"
    assert tables[0].schema.equals(pa.schema([SCHEMA.field("n"), SCHEMA.field("area")]))
    assert list(piece.tables(["n"], periods=[])) == []


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["a", "b", None])), max_size=30),
    keys=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["a", "b", None])), max_size=5),
)
def test_no_record_that_was_corrected_is_overlooked(rows, keys):
    def table(pairs):
        areas = pa.array([area for _, area in pairs], pa.string()).dictionary_encode()
        return pa.table({"time": pa.array([n for n, _ in pairs], pa.int64()), "area": areas})

    found = set(maybe(table(rows), table(keys), ("time", "area")).tolist())
    assert {at for at, row in enumerate(rows) if row in keys} <= found


def test_few_others_are_taken_for_corrected():
    random = np.random.default_rng(1)
    areas = pa.array([f"a{n}" for n in range(300)]).dictionary_encode()

    def table(size, start):
        picked = areas.take(pa.array(random.integers(0, 300, size)))
        return pa.table({"time": np.arange(start, start + size), "area": picked})

    assert len(maybe(table(100_000, 0), table(500, 10**6), ("time", "area"))) < 5_000
