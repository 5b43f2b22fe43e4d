"""Parquet as sheets: numbers as they are, everything else as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from citylib.city.mapping import Reading
from citylib.lake.errors import FileFault
from citylib.lake.sheet import Sheet, text_of, there_twice, wanted
from citylib.lake.text import Open

ROWS = 100_000
"""Rows of a sheet."""


def parquet_sheets(
    path: Path, open_: Open, reading: Reading, every: bool = False
) -> Iterator[Sheet]:
    """A sheet for every `ROWS` rows.

    Times are read as `%Y-%m-%d %H:%M:%S` with `.%f` where they have fractions and `%z` where they
    are instants, dates as `%Y-%m-%d`; nested values get dotted headers, lists are JSON.

    Parameters
    ----------
    path : Path
        Place of the file.
    open_ : callable
        Opens it.
    reading : Reading
        Which columns are read.
    every : bool
        Read all columns, not only those that the mapping speaks of.

    Raises
    ------
    FileFault
        It is not Parquet, or has no rows.
    """
    line = 1
    with open_() as stream:
        try:
            file = pyarrow.parquet.ParquetFile(stream)
            headers = [column.path for column in file.schema]
            used = _used(file.schema_arrow, reading, every)
            for batch in file.iter_batches(ROWS, columns=used):
                yield _sheet(path, batch, line, tuple(headers))
                line += batch.num_rows
        except (pa.ArrowException, ValueError, OverflowError, OSError) as error:
            raise FileFault(f"{path}: not readable as Parquet: {error}; fetch it again") from None
    if line == 1:
        raise FileFault(f"{path}: the file has no rows; fetch it again")


def _used(schema: pa.Schema, reading: Reading, every: bool) -> list[str]:
    """Columns that are read; of a nested one all parts."""
    parts = {name: field.name for field in schema for name in _parts(field)}
    headers = wanted(reading, list(parts)) if not every else set(parts)
    names = {parts[header] for header in headers}
    return [name for name in schema.names if name in names] or schema.names[:1]


def _parts(field: pa.Field) -> list[str]:
    if not pa.types.is_struct(field.type):
        return [field.name]
    return [f"{field.name}.{name}" for inner in field.type for name in _parts(inner)]


def _sheet(path: Path, batch: pa.RecordBatch, first: int, headers: tuple[str, ...]) -> Sheet:
    table = pa.Table.from_batches([batch])
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return Sheet(
        path.name,
        {
            name: _column(table.column(n).combine_chunks())
            for n, name in enumerate(table.column_names)
        },
        np.arange(first, first + table.num_rows),
        lambda line: _json(batch.slice(line - first, 1).to_pylist()[0]),
        twice=there_twice(table.column_names),
        headers=headers,
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _column(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return array.cast(pa.int64())
    if pa.types.is_floating(kind):
        return array.cast(pa.float64())
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        array.validate(full=True)  # whoever wrote the file may have called any bytes text
        return pc.fill_null(array, "").cast(pa.string())
    if pa.types.is_nested(kind) or pa.types.is_binary(kind):
        return _texts(array, lambda value: value if isinstance(value, str) else _json(value))
    short = array.dictionary_encode() if not pa.types.is_null(kind) else array.cast(pa.string())
    if not isinstance(short, pa.DictionaryArray):
        return pc.fill_null(short, "")
    values = _texts(short.dictionary, _plain)
    return pc.fill_null(values.take(short.indices), "")


def _texts(array: pa.Array, text: Callable[[Any], str]) -> pa.Array:
    values = ["" if value is None else text(value) for value in array.to_pylist()]
    return pa.array(values, pa.string())


def _plain(value: Any) -> str:
    if isinstance(value, datetime) and value.utcoffset() == timedelta(0):
        return value.replace(tzinfo=None).isoformat(" ") + "Z"
    return text_of(value)
