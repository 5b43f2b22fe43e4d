"""Delimited text as sheets: headers found, quotes closed, lines cut into fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from citylib.city.mapping import Reading
from citylib.lake.commas import put_together
from citylib.lake.errors import FileFault
from citylib.lake.quotes import (
    BREAK,
    JOINED,
    Part,
    blanks,
    closed,
    closed_line,
    drop,
    fields_of,
    fits,
    start_of,
)
from citylib.lake.sheet import Sheet, headers_of, strings, there_twice, wanted
from citylib.lake.text import with_last

OPEN = "a quote is not closed"


@dataclass(frozen=True)
class _Layout:
    """Headers ("" for a column without), fields of a row, and the columns that are read."""

    names: list[str]
    width: int
    used: list[int]


def csv_sheets(
    path: Path, blocks: Iterable[bytes], reading: Reading, every: bool = False
) -> Iterator[Sheet]:
    """A sheet for each block of lines.

    Parameters
    ----------
    path : Path
        Place of the file.
    blocks : iterable of bytes
        Whole lines as UTF-8, each ended by one "\\n".
    reading : Reading
        Separator, quoting, headers.
    every : bool
        Read all columns, not only those that the mapping speaks of.

    Raises
    ------
    FileFault
        It has no rows, or cannot be cut into fields.
    """
    names: list[str] = []
    layout: _Layout | None = None
    line, rest, found = 1, b"", False
    for block, last in with_last(blocks):
        block = rest + block
        if not names:
            names, begin, skipped = head_of(block, reading)
            block, line = block[begin:], line + skipped
        part, rest = closed(block, reading, len(names), last)
        if layout is None and (first := _first(part, reading)) is not None:
            place, fields = first
            if reading.names and fields[0].strip('"\ufeff ') == names[0]:
                drop(part, {place})
                first = _first(part, reading)
            if first is not None:
                layout = _layout(names, first[1], reading, every)
        if layout is None and part.bad:
            layout = _layout(names, names, reading, every)
        if layout is not None:
            sheet = _sheet(path, block, line, part, layout, reading)
            found = found or bool(len(sheet.lines) or sheet.bad)
            if len(sheet.lines) or sheet.bad:
                yield sheet
        line += part.lines
    if not names:
        raise FileFault(f"{path}: the file is empty; fetch it again from its publisher")
    if layout is None or not found:
        raise FileFault(f"{path}: the file has no rows below its header; fetch it again")


def head_of(block: bytes, reading: Reading) -> tuple[list[str], int, int]:
    """Headers, and where the body begins: byte and line of the block."""
    head: list[list[str]] = []
    begin = line = 0
    while len(head) < reading.header_rows and begin < len(block):
        text, end, lines = _record(block, begin, reading)
        if text.strip(blanks(reading)):
            head.append(fields_of(text, reading))
        begin, line = end, line + lines
    return list(reading.names) or headers_of(head), begin, line


def _record(block: bytes, begin: int, reading: Reading) -> tuple[str, int, int]:
    """A row of the header, where it ends, and how many lines it has."""
    end = block.index(b"\n", begin) + 1
    text = block[begin : end - 1].decode()
    if not reading.quoting or text.count('"') % 2 == 0:
        return text, end, 1
    parts, stop = [text], end
    while stop < len(block) and len(parts) < JOINED:
        start, stop = stop, block.index(b"\n", stop) + 1
        parts.append(block[start : stop - 1].decode())
        if parts[-1].count('"') % 2:
            whole = "\v".join(parts)
            if not reading.names or fits(fields_of(whole, reading), len(reading.names)):
                return whole, stop, len(parts)
            break
    return text, end, 1


def _layout(names: list[str], first: list[str], reading: Reading, every: bool) -> _Layout:
    """Columns of the file; further ones that are empty in its first row have no header."""
    width = len(names)
    if len(first) > width and not any(first[width:]):
        names = names + [""] * (len(first) - width)
    headers = set(names) if every else wanted(reading, names)
    used = [i for i, name in enumerate(names) if name and name in headers]
    return _Layout(names, width, used or [0])


def _first(part: Part, reading: Reading) -> tuple[int, list[str]] | None:
    """The first row that is not blank: its number and its fields."""
    begin = 0
    for place in range(len(part.rows)):
        end = part.data.index(b"\n", begin)
        text = part.data[begin:end].decode()
        if text.strip(blanks(reading)):
            return place, fields_of(text, reading)
        begin = end + 1
    return None


def _sheet(
    path: Path, block: bytes, first: int, part: Part, layout: _Layout, reading: Reading
) -> Sheet:
    raw = _raw(block, first, part.spans)
    table, odd = _cut(path, part, layout, reading)
    rows = part.rows
    if odd:
        rows = np.delete(rows, [place for place, _ in odd])
    blank = _blank(table, lambda n: raw(int(rows[n]) + first), reading)
    if len(blank):
        rows = np.delete(rows, blank)
        table = table.take(np.delete(np.arange(table.num_rows), blank))
    bad = [(n + first, OPEN) for n in part.bad]
    mended: dict[int, list[str]] = {}
    for place, text in odd:
        if not text.strip(blanks(reading)):
            continue
        fields = put_together(fields_of(text, reading), layout.names, layout.width, reading)
        line = int(part.rows[place])
        if isinstance(fields, str):
            bad.append((line + first, fields))
        else:
            mended[line] = [fields[i] for i in layout.used]
    if mended:
        extra = [strings(column) for column in zip(*mended.values(), strict=True)]
        table = pa.concat_tables([table, pa.table(extra, table.column_names)])
        rows = np.concatenate([rows, list(mended)])
        table = table.take(np.argsort(rows, kind="stable"))
        rows = np.sort(rows)
    return Sheet(
        path.name,
        {
            layout.names[i]: table.column(n).combine_chunks()
            for n, i in enumerate(layout.used)
            if layout.names[i]
        },
        rows + first,
        raw,
        bad,
        there_twice(layout.names),
        tuple(name for name in layout.names if name),
    )


def _cut(
    path: Path, part: Part, layout: _Layout, reading: Reading
) -> tuple[pa.Table, list[tuple[int, str]]]:
    """Fields of the columns used, and the rows of another length: their number and text."""
    for again in (True, False):
        odd: list[tuple[int, str]] = []
        if not len(part.rows):
            return pa.table([strings([])] * len(layout.used), [str(i) for i in layout.used]), odd
        table = _parsed(path, part.data, layout, reading, odd)
        whole = table.num_rows + len(odd) == len(part.rows)
        if whole and (not reading.quoting or _ends_closed(part.data, reading.separator)):
            return table, odd
        if again:  # a quote was opened within a line and not closed before its end
            form = closed_line(reading.separator)
            lines = part.data.decode().split("\n")[:-1]
            wrong = {n for n, line in enumerate(lines) if not form.fullmatch(line)}
            part.bad += [int(part.rows[n]) for n in sorted(wrong)]
            drop(part, wrong)
    raise FileFault(f"{path}: quotes are not closed where they should be; mend the file")


def _ends_closed(data: bytes, separator: str) -> bool:
    """Whether the last line has no open quote: nothing would follow that it could swallow."""
    last = data[data.rfind(b"\n", 0, -1) + 1 : -1]
    return b'"' not in last or closed_line(separator).fullmatch(last.decode()) is not None


def _parsed(
    path: Path, data: bytes, layout: _Layout, reading: Reading, odd: list[tuple[int, str]]
) -> pa.Table:
    keys = [str(i) for i in range(len(layout.names))]

    def other_length(row: Any) -> str:
        odd.append((row.number - 1, row.text))
        return "skip"

    try:
        return pyarrow.csv.read_csv(
            pa.BufferReader(data),
            pyarrow.csv.ReadOptions(column_names=keys, use_threads=False, block_size=len(data) + 1),
            pyarrow.csv.ParseOptions(
                delimiter=reading.separator,
                quote_char='"' if reading.quoting else False,
                ignore_empty_lines=False,
                invalid_row_handler=other_length,
            ),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(keys, pa.string()),
                include_columns=[keys[i] for i in layout.used],
                strings_can_be_null=False,
                check_utf8=False,  # the text was decoded before
            ),
        )
    except pa.ArrowInvalid as error:
        raise FileFault(f"{path}: not readable as CSV: {error}") from None


def _blank(table: pa.Table, text: Callable[[int], str], reading: Reading) -> list[int]:
    """Rows in which nothing is written."""
    is_empty = np.zeros(256, bool)
    is_empty[list(blanks(reading).encode())] = True
    rows: np.ndarray | None = None
    for column in table.columns:
        array = column.combine_chunks()
        offsets = np.frombuffer(array.buffers()[1], np.int32)[array.offset :][: len(array) + 1]
        data = np.frombuffer(array.buffers()[2] or b"\0", np.uint8)
        begin, end = offsets[:-1], offsets[1:]
        if rows is not None:
            begin, end = begin[rows], end[rows]
        maybe = end == begin
        maybe |= is_empty[data[np.minimum(begin, len(data) - 1)]]
        rows = np.flatnonzero(maybe) if rows is None else rows[maybe]
        if not len(rows):
            return []
    found = [] if rows is None else rows.tolist()
    return [n for n in found if not text(n).strip(blanks(reading) + "\n")]


def _raw(block: bytes, first: int, spans: dict[int, int]) -> Callable[[int], str]:
    ends: list[np.ndarray] = []

    def raw(line: int) -> str:
        if not ends:
            ends.append(np.flatnonzero(np.frombuffer(block, np.uint8) == BREAK))
        n = line - first
        return block[start_of(ends[0], n) : ends[0][spans.get(n, n)]].decode("utf-8", "replace")

    return raw
