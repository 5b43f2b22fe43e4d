"""Parquet: columns become text or numbers, whatever they are."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from citylib.city.mapping import Reading
from citylib.lake import columnar
from citylib.lake.errors import FileFault
from citylib.lake.files import read_sheets
from citylib.lake.sheet import together

READING = Reading.model_validate(
    {
        "format": "parquet",
        "time": {"header": "when", "formats": "%Y"},
        "area": {"level": "district", "header": "area"},
        "columns": {"n": "n"},
    }
)
PARQUET = {
    "when": pa.array(
        [datetime(2020, 1, 2, 3), datetime(2020, 1, 2, 3, 0, 1, 500_000), None],
        pa.timestamp("us"),
    ),
    "at": pa.array([datetime(2020, 1, 2, 3, tzinfo=UTC)] * 3, pa.timestamp("ms", "Asia/Seoul")),
    "day": pa.array([date(2020, 1, 2)] * 3),
    "area": pa.array(["a", None, "b"]).dictionary_encode(),
    "n": pa.array([1, None, 3], pa.int16()),
    "x": pa.array([1.5, None, 3.0], pa.float32()),
    "yes": pa.array([True, False, None]),
    "place": pa.array([{"lon": 1.0, "tag": ["a"]}, None, {"lon": 2.0, "tag": []}]),
}


def parquet():
    stream = io.BytesIO()
    pq.write_table(pa.table(PARQUET), stream)
    return io.BytesIO(stream.getvalue())


@pytest.mark.parametrize("size", [1, 2, 100])
def test_parquet(size, monkeypatch):
    monkeypatch.setattr(columnar, "ROWS", size)
    sheets = read_sheets(Path("a.parquet"), READING, parquet())
    sheet = together(list(sheets))
    assert sheet.lines.tolist() == [1, 2, 3]
    assert sheet.columns["when"].to_pylist() == [
        "2020-01-02 03:00:00",
        "2020-01-02 03:00:01.500000",
        "",
    ]
    assert sheet.columns["area"].to_pylist() == ["a", "", "b"]
    assert sheet.columns["n"].to_pylist() == [1, None, 3]
    assert json.loads(sheet.raw(3))["n"] == 3


def test_parquet_columns_become_text_or_numbers():
    (sheet,) = read_sheets(Path("a.parquet"), READING, parquet(), whole=True)
    first = {name: column[0].as_py() for name, column in sheet.columns.items()}
    assert first == {
        "when": "2020-01-02 03:00:00",
        "at": "2020-01-02 12:00:00+09:00",
        "day": "2020-01-02",
        "area": "a",
        "n": 1,
        "x": 1.5,
        "yes": "True",
        "place.lon": 1.0,
        "place.tag": '["a"]',
    }


@pytest.mark.parametrize("data", [b"PAR1 broken PAR1", b"when,area,n\n2020,a,1\n"])
def test_what_is_no_parquet_is_named(data):
    with pytest.raises(FileFault, match=r"a\.parquet: not readable as Parquet"):
        list(read_sheets(Path("a.parquet"), READING, io.BytesIO(data)))


def test_parquet_with_text_that_is_none():
    wrong = pa.StringArray.from_buffers(
        1, pa.array([0, 1], pa.int32()).buffers()[1], pa.py_buffer(b"\xff")
    )
    stream = io.BytesIO()
    pq.write_table(pa.table({"when": ["2020"], "area": wrong, "n": [1]}), stream)
    with pytest.raises(FileFault, match=r"not readable as Parquet: .*UTF8"):
        list(read_sheets(Path("a.parquet"), READING, stream))


def test_parquet_without_rows():
    stream = io.BytesIO()
    pq.write_table(pa.table(PARQUET).slice(0, 0), stream)
    with pytest.raises(FileFault, match="no rows"):
        list(read_sheets(Path("a.parquet"), READING, stream))
