"""A file as rows of text: decompressed, decoded, cut into fields, with line numbers kept."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from citylib.city.mapping import Reading
from citylib.lake.commas import put_together
from citylib.lake.errors import FileFault

Bad = Sequence[tuple[Any, str]]
JOINED = 20
"""A record in quotes has fewer lines than these."""


@dataclass
class Sheet:
    """Rows of a file as text.

    Attributes
    ----------
    file : str
        Name for reports.
    columns : dict of str to pa.Array
        A string array of n rows for each header.
    lines : ndarray of int, shape (n,)
        Line of each row in the file (for JSON and XLSX: number of the record or row), from 1.
    raw : callable
        Text of a row, by its line.
    bad : list of (line, reason)
        Rows that could not be cut into fields.
    twice : frozenset of str
        Headers that several columns have: it cannot be known which is meant.
    """

    file: str
    columns: dict[str, pa.Array]
    lines: np.ndarray
    raw: Callable[[int], str]
    bad: list[tuple[int, str]] = field(default_factory=list)
    twice: frozenset[str] = frozenset()

    def check(self, header: str) -> None:
        """Raise FileFault if several columns have this header."""
        if header in self.twice:
            raise FileFault(
                f"{self.file}: several columns have the header {header!r}; give each its own by "
                "`names` in the mapping, or fetch the file again"
            )


def sheet_of(name: str, rows: Sequence[Mapping[str, Any]], bad: Bad = ()) -> Sheet:
    """Rows of a source's answer.

    Parameters
    ----------
    name : str
        Name for reports.
    rows : sequence of mapping
        Nested values get dotted headers, such as `location.coordinates.0`.
    bad : sequence of (object, reason)
        What stood among the rows and is none, with the reason.

    Examples
    --------
    >>> sheet_of("stations", [{"id": "a", "at": {"lat": 37.5}}]).columns["at.lat"][0].as_py()
    '37.5'
    """
    flat = [_flat(row) for row in rows]
    headers = list(dict.fromkeys(header for row in flat for header in row))
    columns = {header: _strings([row.get(header, "") for row in flat]) for header in headers}
    whole = [*rows, *(value for value, _ in bad)]
    return Sheet(
        name,
        columns,
        np.arange(1, len(rows) + 1),
        lambda line: json.dumps(whole[line - 1], ensure_ascii=False, default=str),
        [(len(rows) + n, reason) for n, (_, reason) in enumerate(bad, 1)],
    )


def _flat(value: Mapping[str, Any]) -> dict[str, str]:
    """Text of each value, by its dotted way."""
    result: dict[str, str] = {}
    todo: list[tuple[str, Any]] = [(str(key), value[key]) for key in reversed([*value])]
    while todo:
        way, item = todo.pop()
        if isinstance(item, Mapping):
            todo += [(f"{way}.{key}", item[key]) for key in reversed([*item])]
        elif isinstance(item, (list, tuple)):
            todo += [(f"{way}.{n}", inner) for n, inner in reversed([*enumerate(item)])]
        else:
            result[way] = _text(item)
    return result


def read_sheet(path: Path, data: bytes, source: Reading) -> Sheet:
    """Read a file.

    Parameters
    ----------
    path : Path
        Its place, for messages and for the compression (`.xz`, `.gz`).
    data : bytes
        Its bytes.
    source : Reading
        How it is read.

    Raises
    ------
    FileFault
        It is empty, cannot be decompressed or decoded, or is not of the format declared.
    """
    data = _unpacked(path, data)
    if not data.strip():
        raise FileFault(f"{path}: the file is empty; fetch it again from its publisher")
    if source.format == "xlsx":
        return _xlsx(path, data, source)
    text = _decoded(path, data, source)
    return _json(path, text, source) if source.format == "json" else _csv(path, text, source)


def _unpacked(path: Path, data: bytes) -> bytes:
    try:
        if path.suffix == ".xz":
            return lzma.decompress(data)
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (lzma.LZMAError, zlib.error, OSError, EOFError) as error:
        raise FileFault(f"{path}: cannot be decompressed ({error}); fetch it again") from None


def _decoded(path: Path, data: bytes, source: Reading) -> str:
    places = []
    for encoding in source.encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            places.append(f"{encoding} fails at byte {error.start}")
    raise FileFault(
        f"{path}: the text is not in the encoding declared ({'; '.join(places)}); "
        "add its encoding to `encodings`"
    )


def _json(path: Path, text: str, source: Reading) -> Sheet:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileFault(f"{path}: not readable as JSON: {error}") from None
    for key in (source.records or "").split("."):
        if key:
            value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, list):
        raise FileFault(f"{path}: no list of records at {source.records!r}; it begins {text[:80]}")
    rows = [row for row in value if isinstance(row, dict)]
    if not rows:
        raise FileFault(f"{path}: the file has no records; fetch it again from its publisher")
    lines = np.array([n for n, row in enumerate(value, 1) if isinstance(row, dict)], int)
    bad = [(n, "not a record") for n, row in enumerate(value, 1) if not isinstance(row, dict)]
    names = list(dict.fromkeys(key for row in rows for key in row))
    columns = {name: _strings([_text(row.get(name)) for row in rows]) for name in names}
    return Sheet(
        path.name,
        columns,
        lines,
        lambda line: json.dumps(value[line - 1], ensure_ascii=False),
        bad,
    )


def _xlsx(path: Path, data: bytes, source: Reading) -> Sheet:
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        cells = list(book.worksheets[0].iter_rows(values_only=True))
    except Exception as error:  # openpyxl raises whatever its parts raise
        raise FileFault(f"{path}: not readable as XLSX ({type(error).__name__}: {error})") from None
    rows = [[_text(cell) for cell in row] for row in cells]
    kept = [n for n, row in enumerate(rows) if any(row)]
    if len(kept) < source.header_rows:
        raise FileFault(f"{path}: the sheet is empty; fetch it again from its publisher")
    names = list(source.names) or _names([rows[n] for n in kept[: source.header_rows]])
    body = kept[source.header_rows :]
    full = [rows[n] + [""] * (len(names) - len(rows[n])) for n in body]
    columns = {name: _strings([row[i] for row in full]) for i, name in enumerate(names) if name}
    return Sheet(
        path.name,
        columns,
        np.array(body, int) + 1,
        lambda line: ",".join(rows[line - 1]),
        twice=_twice(names),
    )


def _twice(names: list[str]) -> frozenset[str]:
    return frozenset(name for name, number in Counter(names).items() if name and number > 1)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return repr(value) if isinstance(value, float) else str(value)


def _strings(values: list[str]) -> pa.Array:
    return pa.array(values, pa.string())


def _names(rows: list[list[str]]) -> list[str]:
    """Headers from their rows: parts joined with "/", equal neighbours once."""
    names = []
    for parts in zip(*rows, strict=False):
        clean = [re.sub(r"\s+", " ", part).strip().strip("\ufeff") for part in parts]
        names.append("/".join(dict.fromkeys(part for part in clean if part)))
    return [name or f"column {n}" for n, name in enumerate(names, 1)]


def _csv(path: Path, text: str, source: Reading) -> Sheet:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    empty = source.separator + ' \t"'
    kept = [n for n, line in enumerate(lines) if line.strip(empty)]
    if source.quoting and any(lines[n].count('"') % 2 for n in kept):
        lines, kept = _joined(lines, source)
    head = [_fields(lines[n], source) for n in kept[: source.header_rows]]
    body = kept[source.header_rows :]
    names = list(source.names) or _names(head)
    opened = [n for n in body if source.quoting and lines[n].count('"') % 2]
    body = [n for n in body if n not in set(opened)] if opened else body
    if source.names and body:
        first = _fields(lines[body[0]], source)[0].strip('"\ufeff ')
        body = body[1:] if first == source.names[0] else body
    if not names or not body:
        raise FileFault(f"{path}: the file has no rows below its header; fetch it again")
    sheet = _cut(path, lines, body, names, source)
    sheet.bad += [(n + 1, "a quote is not closed") for n in opened]
    return sheet


def _joined(lines: list[str], source: Reading) -> tuple[list[str], list[int]]:
    """Put together lines that a quoted line break cut; the record keeps its first line's number.

    A quote that is never closed must not swallow what follows: lines are joined only if that
    gives a row of the right length.
    """
    lines, kept, n = list(lines), [], 0
    width = len(source.names) or None
    while n < len(lines):
        if lines[n].count('"') % 2:
            rest = range(n + 1, min(n + JOINED, len(lines)))
            end = next((m for m in rest if lines[m].count('"') % 2), None)
            whole = lines[n] if end is None else "\v".join(lines[n : end + 1])
            fields = _fields(whole, source)
            if end is not None and (width is None or _fits(fields, width)):
                lines[n : end + 1] = [whole, *[""] * (end - n)]
        if lines[n].strip(source.separator + ' \t"'):
            kept.append(n)
            if len(kept) == source.header_rows and width is None:
                width = len(_fields(lines[n], source))
        n += 1
    return lines, kept


def _fits(fields: list[str], width: int) -> bool:
    return len(fields) >= width and not any(fields[width:])


def _fields(line: str, source: Reading) -> list[str]:
    if not source.quoting:
        return line.split(source.separator)
    return next(csv.reader([line], delimiter=source.separator), [])


def _cut(path: Path, lines: list[str], body: list[int], names: list[str], source: Reading) -> Sheet:
    """Cut lines into fields; rows of another length are mended one by one, or are bad."""
    width = len(names)
    first = _fields(lines[body[0]], source)
    if len(first) > width and not any(first[width:]):
        names = names + [""] * (len(first) - width)
    odd: list[int] = []

    def other_length(row: Any) -> str:
        odd.append(row.number - 1)
        return "skip"

    keys = [str(i) for i in range(len(names))]
    try:
        table = pyarrow.csv.read_csv(
            io.BytesIO("\n".join(lines[n] for n in body).encode()),
            pyarrow.csv.ReadOptions(column_names=keys, use_threads=False, block_size=1 << 26),
            pyarrow.csv.ParseOptions(
                delimiter=source.separator,
                quote_char='"' if source.quoting else False,
                ignore_empty_lines=False,
                invalid_row_handler=other_length,
            ),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(keys, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise FileFault(f"{path}: not readable as CSV: {error}") from None
    skipped = set(odd)
    rows = [n for i, n in enumerate(body) if i not in skipped]
    if len(rows) != table.num_rows:
        raise FileFault(f"{path}: quotes are not closed where they should be; mend the file")
    bad: list[tuple[int, str]] = []
    mended: list[list[str]] = []
    for i in odd:
        fields = put_together(_fields(lines[body[i]], source), names, width, source)
        if isinstance(fields, str):
            bad.append((body[i] + 1, fields))
        else:
            mended.append(fields)
            rows.append(body[i])
    if mended:
        extra = pa.table([_strings(list(column)) for column in zip(*mended, strict=True)], keys)
        table = pa.concat_tables([table, extra]).take(np.argsort(rows, kind="stable"))
        rows.sort()
    columns = {name: table.column(i).combine_chunks() for i, name in enumerate(names) if name}
    return Sheet(
        path.name,
        columns,
        np.array(rows, int) + 1,
        lambda line: lines[line - 1].replace("\v", "\n"),
        bad,
        _twice(names),
    )
