"""Reading a file: opened, decompressed, and handed on as sheets, one after the other."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import numpy as np

from citylib.city.mapping import Reading
from citylib.lake.columnar import parquet_sheets
from citylib.lake.delimited import csv_sheets
from citylib.lake.errors import FileFault
from citylib.lake.packed import unpacked
from citylib.lake.sheet import (
    Sheet,
    flat_columns,
    headers_of,
    strings,
    text_of,
    there_twice,
    together,
)
from citylib.lake.text import Open, line_blocks, whole_text

Item = TypeVar("Item")
_END = object()
LARGEST = 1 << 29
"""Bytes of a file that must be read as a whole, at most, decompressed."""


def read_sheets(
    path: Path, reading: Reading, stream: BinaryIO | None = None, whole: bool = False
) -> Iterator[Sheet]:
    """Read a file in sheets of about a hundred thousand rows, so that memory stays flat.

    CSV and Parquet are read piece by piece, the next piece while the caller works on the last;
    JSON and XLSX as a whole.

    Parameters
    ----------
    path : Path
        Its place, for messages and for the compression (`.xz`, `.gz`).
    reading : Reading
        How it is read.
    stream : binary file, optional
        Where its bytes come from, if not from the path; it can be sought.
    whole : bool
        All of it in one sheet, with all its columns: see `across.needs_whole_files`.

    Yields
    ------
    Sheet
        All with the same name; lines are counted from the beginning of the file.

    Raises
    ------
    FileFault
        It is empty, cannot be decompressed or decoded, is not of the format declared, or is too
        large to be read as a whole. This may come after some sheets.
    """
    sheets = _sheets(path, reading, opener(path, stream), whole, stream is not None)
    if whole:
        yield together(list(sheets))
    else:
        yield from ahead(sheets)


def _sheets(
    path: Path, reading: Reading, open_: Open, whole: bool, strange: bool
) -> Iterator[Sheet]:
    try:
        with open_() as file:
            if not file.read(1):
                raise FileFault(f"{path}: the file is empty; fetch it again from its publisher")
        if whole or reading.format in ("json", "xlsx"):
            _check_size(path, open_)
        if reading.format == "csv":
            blocks = line_blocks(path, open_, reading.encodings)
            yield from csv_sheets(path, blocks, reading, every=whole)
        elif reading.format == "parquet":
            yield from parquet_sheets(path, open_, reading, whole, strange)
        elif reading.format == "json":
            yield _json(path, whole_text(path, open_, reading.encodings), reading)
        else:
            yield _xlsx(path, open_, reading)
    except (lzma.LZMAError, zlib.error, gzip.BadGzipFile, EOFError) as error:
        raise FileFault(f"{path}: cannot be decompressed ({error}); fetch it again") from None
    except OSError as error:
        raise FileFault(f"{path}: cannot be read: {error.strerror or error}") from None


def opener(path: Path, stream: BinaryIO | None) -> Open:
    """What opens a file, or a stream in its place, at its beginning, decompressed."""

    def open_() -> BinaryIO:
        source = path.open("rb") if stream is None else cast(BinaryIO, _Kept(stream))
        return unpacked(path, source)

    return open_


class _Kept(io.RawIOBase):
    """A stream from its beginning; closing it leaves the caller's open."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        stream.seek(0)

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be sought, as Parquet must be."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read as much as the buffer holds."""
        data = self.stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        return self.stream.seek(offset, whence)

    def tell(self) -> int:
        """The place."""
        return self.stream.tell()


def _check_size(path: Path, open_: Open) -> None:
    size = 0
    with open_() as file:
        while piece := file.read(1 << 20):
            size += len(piece)
            if size > LARGEST:
                raise FileFault(
                    f"{path}: more than {LARGEST >> 20} MB that can only be read as a whole; "
                    "divide the file, by month for instance, or fetch it as CSV or Parquet"
                )


def ahead(items: Iterator[Item], many: int = 1) -> Iterator[Item]:
    """The same items, up to `many` made in another thread while the caller works on one."""
    coming: deque[Future[object]] = deque()
    with ThreadPoolExecutor(1, "ahead") as thread:
        try:
            item = next(items, _END)
            while item is not _END:
                while len(coming) < many:
                    coming.append(thread.submit(next, items, _END))
                yield cast(Item, item)
                item = coming.popleft().result()
        finally:  # who goes away does not wait for what nobody will look at
            for later in coming:
                later.cancel()


def _json(path: Path, text: str, reading: Reading) -> Sheet:
    if not text.strip():
        raise FileFault(f"{path}: the file is empty; fetch it again from its publisher")
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileFault(f"{path}: not readable as JSON: {error}") from None
    for key in (reading.records or "").split("."):
        if key:
            value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, list):
        raise FileFault(f"{path}: no list of records at {reading.records!r}; it begins {text[:80]}")
    rows = [row for row in value if isinstance(row, dict)]
    if not rows:
        raise FileFault(f"{path}: the file has no records; fetch it again from its publisher")
    return Sheet(
        path.name,
        flat_columns(rows),
        np.array([n for n, row in enumerate(value, 1) if isinstance(row, dict)], int),
        lambda line: json.dumps(value[line - 1], ensure_ascii=False),
        [(n, "not a record") for n, row in enumerate(value, 1) if not isinstance(row, dict)],
    )


def _xlsx(path: Path, open_: Open, reading: Reading) -> Sheet:
    import openpyxl

    with open_() as file:
        data = io.BytesIO(file.read())
    try:
        book = openpyxl.load_workbook(data, read_only=True, data_only=True)
        cells = list(book.worksheets[0].iter_rows(values_only=True))
    except Exception as error:  # openpyxl raises whatever its parts raise
        raise FileFault(f"{path}: not readable as XLSX ({type(error).__name__}: {error})") from None
    rows = [[text_of(cell) for cell in row] for row in cells]
    kept = [n for n, row in enumerate(rows) if any(row)]
    if len(kept) < reading.header_rows:
        raise FileFault(f"{path}: the sheet is empty; fetch it again from its publisher")
    names = list(reading.names) or headers_of([rows[n] for n in kept[: reading.header_rows]])
    body = kept[reading.header_rows :]
    full = [rows[n] + [""] * (len(names) - len(rows[n])) for n in body]
    return Sheet(
        path.name,
        {name: strings([row[i] for row in full]) for i, name in enumerate(names) if name},
        np.array(body, int) + 1,
        lambda line: ",".join(rows[line - 1]),
        twice=there_twice(names),
    )
