"""Pieces of a table: parts of files, some times alone, and without what was corrected."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citylib.lake.pieces import Piece
from citylib.lake.probe import maybe
from citylib.lake.timed import found

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


moments = st.integers(-3, 3)
texts = st.sampled_from(["a", "b", "c", None])


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(moments, texts, texts), max_size=40),
    keys=st.lists(st.tuples(moments, texts, texts), max_size=30),
    again=st.sampled_from([1, 100]),
)
def test_records_of_a_key_are_found_in_whatever_order_they_are(rows, keys, again):
    rows, keys = rows * again, sorted(keys, key=lambda one: one[0])

    def table(every):
        time, area, kind = zip(*every, strict=True) if every else ((), (), ())
        words = [pa.array(texts, pa.string()).dictionary_encode() for texts in (area, kind)]
        return pa.table({"time": pa.array(time, STAMP), "area": words[0], "kind": words[1]})

    times = np.array([key[0] for key in keys], np.int64)
    places = found(table(rows), table(keys), times, ("area", "time", "kind"))
    assert places.tolist() == [place for place, row in enumerate(rows) if row in keys]


def test_keys_of_many_different_texts_are_told_apart():
    random = np.random.default_rng(1)
    words = [pa.array([f"{column}{n}" for n in range(3000)]).dictionary_encode() for column in "ab"]

    def table(size):
        picked = [word.take(pa.array(random.integers(0, 3000, size))) for word in words]
        time = np.sort(random.integers(0, 20, size))
        return pa.table({"time": pa.array(time, STAMP), "a": picked[0], "b": picked[1]})

    rows, keys = table(20_000), table(5_000)
    times = keys["time"].cast(pa.int64()).to_numpy()
    wanted = {tuple(key.values()) for key in keys.to_pylist()}
    expected = [n for n, row in enumerate(rows.to_pylist()) if tuple(row.values()) in wanted]
    assert expected
    assert found(rows, keys, times, ("time", "a", "b")).tolist() == expected


def test_keys_of_numbers_are_looked_for_in_another_way():
    table = pa.table({"time": pa.array([1], STAMP), "n": [1]})
    assert found(table, table, np.array([1]), ("time", "n")) is None
