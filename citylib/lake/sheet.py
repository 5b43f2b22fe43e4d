"""A sheet: rows as a file or a source's answer holds them, with their place in it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from citylib.city.mapping import AreaRule, Reading
from citylib.lake.errors import FileFault

Bad = Sequence[tuple[Any, str]]
PLAIN = {str, int, float, bool, type(None), datetime}
"""Values that hold no others: rows of these alone need not be flattened."""


@dataclass
class Sheet:
    """Rows of a file, or of a part of it, as text.

    Attributes
    ----------
    file : str
        Name for reports.
    columns : dict of str to pa.Array
        An array of n rows for each header: text without nulls, or numbers as the file holds them.
    lines : ndarray of int, shape (n,)
        Line of each row in the file (for JSON, XLSX and Parquet: number of the record or row),
        from 1, rising.
    raw : callable
        Text of a row, by its line.
    bad : list of (line, reason)
        Rows that could not be cut into fields.
    twice : frozenset of str
        Headers that several columns have: it cannot be known which is meant.
    headers : tuple of str
        All headers, where `columns` has only those that the mapping speaks of.
    """

    file: str
    columns: dict[str, pa.Array]
    lines: np.ndarray
    raw: Callable[[int], str]
    bad: list[tuple[int, str]] = field(default_factory=list)
    twice: frozenset[str] = frozenset()
    headers: tuple[str, ...] = ()

    @property
    def base(self) -> str:
        """Name of the file without its folder, which patterns for names are held against."""
        return self.file if "://" in self.file else self.file.rpartition("/")[2]

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
    whole = [*rows, *(value for value, _ in bad)]
    return Sheet(
        name,
        flat_columns(rows),
        np.arange(1, len(rows) + 1),
        lambda line: json.dumps(whole[line - 1], ensure_ascii=False, default=str),
        [(len(rows) + n, reason) for n, (_, reason) in enumerate(bad, 1)],
    )


def flat_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, pa.Array]:
    """Text of the rows by dotted header, empty where a row has no such value."""
    columns: dict[str, pa.Array] = {}
    for header in dict.fromkeys(header for row in rows for header in row):
        values: list[Any] = [row.get(header) for row in rows]
        kinds = set(map(type, values))
        if not kinds <= PLAIN or not isinstance(header, str):
            break
        columns[header] = strings(values if kinds == {str} else [*map(text_of, values)])
    else:
        return columns
    flat = [_flat(row) for row in rows]
    headers = list(dict.fromkeys(header for row in flat for header in row))
    return {header: strings([row.get(header, "") for row in flat]) for header in headers}


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
            result[way] = text_of(item)
    return result


def text_of(value: Any) -> str:
    """A cell's value as text; "" for none."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return repr(value) if isinstance(value, float) else str(value)


def strings(values: Sequence[str]) -> pa.Array:
    """An array of text."""
    return pa.array(values, pa.string())


def headers_of(rows: Sequence[Sequence[str]]) -> list[str]:
    """Headers from their rows: parts joined with "/", equal neighbours once."""
    names = []
    for parts in zip(*rows, strict=False):
        clean = [re.sub(r"\s+", " ", part).strip().strip("\ufeff") for part in parts]
        names.append("/".join(dict.fromkeys(part for part in clean if part)))
    return [name or f"column {n}" for n, name in enumerate(names, 1)]


def there_twice(names: Sequence[str]) -> frozenset[str]:
    """Headers that several columns have."""
    return frozenset(name for name, number in Counter(names).items() if name and number > 1)


def wanted(reading: Reading, headers: Sequence[str]) -> set[str]:
    """Headers of a file that its mapping speaks of."""
    rules = [reading.time, *reading.columns.values()]
    result = {name for rule in rules for name in (*rule.header, *rule.join)}
    result |= {item.header for item in reading.set_aside}
    area: AreaRule | None = reading.area
    while area is not None:
        result |= {name for name in (area.header, area.lon, area.lat, area.point) if name}
        area = area.within
    if reading.unpivot:
        result |= {name for name in headers if re.fullmatch(reading.unpivot.pattern, name)}
    return result & set(headers)


def together(sheets: Sequence[Sheet]) -> Sheet:
    """Sheets that follow one another in a file, as one."""
    first = sheets[0]
    if len(sheets) == 1:
        return first
    filled = [sheet for sheet in sheets if len(sheet.lines)] or [first]
    begin = np.array([sheet.lines[0] for sheet in filled if len(sheet.lines)])
    owner = {line: sheet for sheet in sheets for line, _ in sheet.bad}

    def raw(line: int) -> str:
        place = int(np.searchsorted(begin, line, "right")) - 1
        return owner.get(line, filled[max(place, 0)]).raw(line)

    return Sheet(
        first.file,
        {
            name: pa.concat_arrays([sheet.columns[name] for sheet in sheets])
            for name in first.columns
        },
        np.concatenate([sheet.lines for sheet in sheets]),
        raw,
        [entry for sheet in sheets for entry in sheet.bad],
        first.twice,
        first.headers,
    )
