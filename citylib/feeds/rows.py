"""What a source sent, as rows: each is on the sheet, good or bad.

Nothing here asks anybody for anything, so a test can feed it values of any kind. Whatever they are,
what comes of them is a sheet or a `FeedFault`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from citylib.feeds.connector import FeedFault
from citylib.feeds.payload import Twice, what
from citylib.lake.sheet import Sheet, sheet_of

DEPTH = 64
"""Values within values, at most."""
ROWS = 200_000
"""Rows in one answer, at most."""
HEADERS = 2_000
"""Different headers in one answer, at most."""
CELLS = 20_000_000
"""Rows times headers of one answer, at most: rows that share no header are mostly empty cells."""

Make = Callable[[dict[str, Any]], "dict[str, Any] | str"]


@dataclass(frozen=True)
class Page:
    """What one answer held.

    Attributes
    ----------
    sheet : Sheet
        Its rows, good and bad.
    rows : list
        The same as they were sent.
    total : int, optional
        How many rows the source says that there are, over all pages.
    link : str, optional
        Where the source says that the next page is.
    """

    sheet: Sheet
    rows: list[Any]
    total: int | None = None
    link: str | None = None


def sheet_from(name: str, values: list[Any], make: Make | None = None) -> Sheet:
    """A sheet of what a source sent as its rows.

    Nested values get dotted headers, as `sheet_of` says; lists of lists (the positions of a line
    or an area) stay together as JSON. A row's raw text is what was sent.

    Parameters
    ----------
    name : str
        For reports: the address without key.
    values : list
        What stands where rows should.
    make : callable, optional
        Given a row, gives the row to use in its place, or the reason why it is none.

    Raises
    ------
    FeedFault
        More rows than can be meant, or values within values beyond measure.
    """
    if len(values) > ROWS:
        raise FeedFault(f"{name}: {len(values):,} rows in one answer; ask for less at once")
    good: list[tuple[Any, dict[str, Any]]] = []
    bad: list[tuple[Any, str]] = []
    headers: set[str] = set()
    most = min(HEADERS, CELLS // max(len(values), 1))
    for value in values:
        row = _row(name, value, make)
        if isinstance(row, str):
            bad.append((value, row))
        elif len(headers) + len(row.keys() - headers) > most:
            bad.append((value, f"more than {most:,} different headers on one page"))
        else:
            headers.update(row)
            good.append((value, row))
    try:
        "".join(headers).encode()
        return _sheet(name, good, bad)
    except UnicodeEncodeError:
        whole = [(value, row) for value, row in good if _is_text(row)]
        broken = [(value, "text with half a character") for value, row in good if not _is_text(row)]
        return _sheet(name, whole, bad + broken)


def _sheet(name: str, good: list[tuple[Any, dict[str, Any]]], bad: list[tuple[Any, str]]) -> Sheet:
    sheet = sheet_of(name, [row for _, row in good], [(None, reason) for _, reason in bad])
    sent = [value for value, _ in [*good, *bad]]
    sheet.raw = lambda line: _raw(sent[line - 1])
    return sheet


def _raw(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if _encodes(text) else json.dumps(value)


def _is_text(row: dict[str, Any]) -> bool:
    return all(_encodes(name) and _encodes(str(value)) for name, value in row.items())


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _row(name: str, value: Any, make: Make | None) -> dict[str, Any] | str:
    twice = _checked(name, value)
    if not isinstance(value, dict):
        return f"a row should be an object; this is {what(value)}"
    if twice:
        return "a name stands twice in it, so it is not known which value is meant"
    if not value:
        return "an empty object"
    row = make(value) if make else value
    return row if isinstance(row, str) else _flat(row)


def _checked(name: str, value: Any) -> bool:
    """Whether a name stands twice anywhere in it."""
    twice = False
    todo = [(value, 1)] if isinstance(value, (dict, list)) else []
    while todo:
        item, depth = todo.pop()
        if depth > DEPTH:
            raise FeedFault(f"{name}: values within values beyond {DEPTH}; this is no record")
        twice = twice or isinstance(item, Twice)
        inside = item.values() if isinstance(item, dict) else item
        todo += [(inner, depth + 1) for inner in inside if isinstance(inner, (dict, list))]
    return twice


def _flat(row: dict[str, Any]) -> dict[str, Any] | str:
    if not any(isinstance(item, (dict, list)) for item in row.values()):
        return row
    result: dict[str, Any] = {}
    for name, value in row.items():
        todo = [(name, value)]
        while todo:
            way, item = todo.pop()
            if isinstance(item, list) and item and isinstance(item[0], list):
                item = json.dumps(item)
            if isinstance(item, dict):
                todo += [(f"{way}.{key}", inner) for key, inner in reversed(item.items())]
            elif isinstance(item, list):
                todo += [(f"{way}.{n}", inner) for n, inner in reversed([*enumerate(item)])]
            elif way in result:
                return f"two of its values come to be called {way!r}"
            elif len(result) >= HEADERS:
                return f"more than {HEADERS:,} values in it"
            else:
                result[way] = item
    return result or "an object without values"
