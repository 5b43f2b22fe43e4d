"""Quotes: lines that belong together, and lines whose quote is never closed."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field

import numpy as np

from citylib.city.mapping import Reading

JOINED = 20
"""A record in quotes has fewer lines than these."""
BREAK, QUOTE, INNER = ord("\n"), ord('"'), ord("\v")


@dataclass
class Part:
    """Lines of a block that are rows.

    Attributes
    ----------
    data : bytes
        One row a line; a line break within quotes is a "\\v".
    rows : ndarray of int
        Where each row begins, in lines of the block from 0.
    spans : dict of int to int
        Last line of a row that has several.
    bad : list of int
        Lines with a quote that is not closed.
    lines : int
        All lines.
    """

    data: bytes
    rows: np.ndarray
    lines: int
    spans: dict[int, int] = field(default_factory=dict)
    bad: list[int] = field(default_factory=list)


def closed(block: bytes, reading: Reading, width: int, last: bool) -> tuple[Part, bytes]:
    """Put together lines that a quoted line break cut; the record keeps its first line's number.

    A quote that is never closed must not swallow what follows: lines are joined only if that
    gives a row of the right length. What is returned besides is the end of the block, if its last
    row may go on in the next.
    """
    if not reading.quoting or b'"' not in block:
        total = block.count(b"\n")
        return Part(block, np.arange(total), total), b""
    data = np.frombuffer(block, np.uint8)
    marks = np.flatnonzero((data == QUOTE) | (data == BREAK))
    breaks = np.flatnonzero(data[marks] == BREAK)
    ends = marks[breaks]
    odd = np.flatnonzero(np.diff(breaks, prepend=-1) % 2 == 0).tolist()
    total, spans, lone, at = len(ends), {}, set(), 0
    while at < len(odd):
        n = odd[at]
        m = odd[at + 1] if at + 1 < len(odd) else total
        if m == total and not last and total < n + JOINED:
            total = n
            break
        begin = int(ends[n - 1]) + 1 if n else 0
        at += 1
        if m < min(n + JOINED, total):
            text = block[begin : ends[m]].decode().replace("\n", "\v")
            if fits(fields_of(text, reading), width):
                spans[n] = m
                at += 1
                continue
        lone.add(n)
    length = int(ends[total - 1]) + 1 if total else 0
    rest = block[length:]
    if not spans and not lone:
        return Part(block[:length], np.arange(total), total), rest
    joined = bytearray(block[:length])
    kept = np.ones(total, bool)
    for n, m in spans.items():
        for end in ends[n:m].tolist():
            joined[end] = INNER
        kept[n + 1 : m + 1] = False
    part = Part(bytes(joined), np.flatnonzero(kept), total, spans)
    blank = blanks(reading).encode()
    part.bad = [n for n in sorted(lone) if block[start_of(ends, n) : ends[n]].strip(blank)]
    if lone:
        drop(part, set(np.flatnonzero(np.isin(part.rows, list(lone))).tolist()))
    return part, rest


def start_of(ends: np.ndarray, line: int) -> int:
    return int(ends[line - 1]) + 1 if line else 0


def drop(part: Part, places: set[int]) -> None:
    """Take rows out, by their number in the part."""
    lines = part.data.split(b"\n")
    part.data = b"\n".join(line for n, line in enumerate(lines) if n not in places)
    part.rows = np.delete(part.rows, list(places))


def closed_line(separator: str) -> re.Pattern[str]:
    """What a line looks like whose quotes are closed at its end."""
    sep = re.escape(separator)
    one = rf'(?:"(?:[^"]|"")*+"(?!")[^{sep}]*+|[^"{sep}][^{sep}]*+|)'
    return re.compile(rf"{one}(?:{sep}{one})*+")


def blanks(reading: Reading) -> str:
    """What a blank line may hold."""
    return reading.separator + ' \t"'


def fields_of(line: str, reading: Reading) -> list[str]:
    if not reading.quoting:
        return line.split(reading.separator)
    try:
        return next(csv.reader([line], delimiter=reading.separator), [])
    except csv.Error:  # a field longer than any
        return line.split(reading.separator)


def fits(fields: list[str], width: int) -> bool:
    return len(fields) >= width and not any(fields[width:])
