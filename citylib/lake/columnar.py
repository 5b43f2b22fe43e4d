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
TEXTS = 1 << 28
"""Bytes of the texts of a sheet of a file from elsewhere, at most."""


def parquet_sheets(
    path: Path, open_: Open, reading: Reading, every: bool = False, strange: bool = False
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
    strange : bool
        It is from elsewhere: a text that it holds once may stand for more than memory holds.

    Raises
    ------
    FileFault
        It is not Parquet, has no rows, or texts of more than `TEXTS` bytes in one sheet.
    """
    line = 1
    with open_() as stream:
        try:
            file = pyarrow.parquet.ParquetFile(stream)
            headers = [column.path for column in file.schema]
            used = _used(file.schema_arrow, reading, every)
            if strange:
                once = [header for header in headers if header.split(".")[0] in used]
                file = pyarrow.parquet.ParquetFile(stream, read_dictionary=once)
            for batch in file.iter_batches(ROWS, columns=used):
                if strange:
                    _check_texts(path, batch)
                yield _sheet(path, batch, line, tuple(headers))
                line += batch.num_rows
        except (pa.ArrowException, ValueError, OverflowError, OSError) as error:
            raise FileFault(f"{path}: not readable as Parquet: {error}; fetch it again") from None
    if line == 1:
        raise FileFault(f"{path}: the file has no rows; fetch it again")


def _check_texts(path: Path, batch: pa.RecordBatch) -> None:
    """Texts that are there once, each with the number of rows that have it, must not be too large.

    Raises
    ------
    FileFault
        They are.
    """
    size = 0
    columns = [*batch.columns]
    while columns:
        column = columns.pop()
        if pa.types.is_struct(column.type):
            columns += column.flatten()
        elif pa.types.is_map(column.type):
            columns += [column.keys, column.items]
        elif pa.types.is_nested(column.type):
            columns.append(column.flatten())
        elif pa.types.is_dictionary(column.type):
            lengths = pc.binary_length(column.dictionary).take(column.indices)
            size += pc.sum(lengths.cast(pa.int64())).as_py() or 0
    if size > TEXTS:
        raise FileFault(
            f"{path}: the texts of {batch.num_rows:,} of its rows have {size:,} bytes; "
            "have the file made with fewer or shorter ones"
        )


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
