"""Conditions on records: `{ station_kind = "district", pm25 = { gt = 35 } }`."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Value = str | int | float
Condition = dict[str, Any]
"""For each column a value, several of which one must be met, or comparisons that must all hold."""

COMPARISONS = {
    "gt": pc.greater,
    "ge": pc.greater_equal,
    "lt": pc.less,
    "le": pc.less_equal,
    "eq": pc.equal,
    "ne": pc.not_equal,
    "in": pc.is_in,
}
"""Greater than, greater or equal, less than, less or equal, equal, not equal, one of. A record
without a value in the column meets none of them."""

ORDERED = ("gt", "ge", "lt", "le")


def checked(condition: object) -> Condition:
    """A condition as it was written, if it is one.

    Raises
    ------
    ValueError
        It is none; says what to write.

    Examples
    --------
    >>> checked({"pm25": {"gt": 35, "le": 75}, "kind": ["a", "b"]})
    {'pm25': {'gt': 35, 'le': 75}, 'kind': ['a', 'b']}
    """
    if not isinstance(condition, dict):
        raise ValueError('write columns and values, as in { kind = "a", pm25 = { gt = 35 } }')
    for column, wanted in condition.items():
        if isinstance(wanted, Mapping) and not wanted:
            raise ValueError(f"{column!r} has no comparison; write {{ gt = 35 }}, or a value")
        for word, value in comparisons(wanted):
            if word not in COMPARISONS:
                near = difflib.get_close_matches(str(word), list(COMPARISONS), 1, 0.4)
                meant = f"did you mean {near[0]!r}? " if near else ""
                raise ValueError(
                    f"{column!r} has the comparison {word!r}; {meant}"
                    f"known are {', '.join(COMPARISONS)}"
                )
            values = value if isinstance(value, list) else [value]
            if isinstance(value, list) != (word == "in"):
                form = "a list of values" if word == "in" else "one value"
                raise ValueError(f"{column!r}: {word!r} takes {form} (it is {value!r})")
            for one in values:
                bad = isinstance(one, bool) or not isinstance(one, str | int | float)
                if bad or (isinstance(one, float) and not math.isfinite(one)):
                    raise ValueError(f"{column!r}: write text or a number (it is {one!r})")
            if len({isinstance(one, str) for one in values}) != 1:
                raise ValueError(f"{column!r}: write at least one value, and only texts or numbers")
            if word in ORDERED and isinstance(value, str):
                raise ValueError(
                    f"{column!r}: {word!r} compares numbers; for text take 'eq', 'ne' or 'in' "
                    f"(it is {value!r})"
                )
    return condition


def comparisons(wanted: Any) -> Iterator[tuple[str, Any]]:
    """What must hold for a column: a word of `COMPARISONS`, and the value it compares with."""
    if isinstance(wanted, Mapping):
        yield from wanted.items()
    elif isinstance(wanted, list):
        yield "in", wanted
    else:
        yield "eq", wanted


def values_of(wanted: Any) -> list[Value]:
    """Every value that a column is compared with."""
    pairs = [value for _, value in comparisons(wanted)]
    return [one for value in pairs for one in (value if isinstance(value, list) else [value])]


def meets(table: pa.Table, condition: Condition) -> pa.ChunkedArray:
    """Whether each record meets a condition.

    Parameters
    ----------
    table : pa.Table
        With the condition's columns.
    condition : dict
        See `Condition`; an empty one is met by all.

    Returns
    -------
    pa.ChunkedArray of bool
        Without nulls.
    """
    keep = pa.chunked_array([pa.repeat(True, table.num_rows)])
    for column, wanted in condition.items():
        for word, value in comparisons(wanted):
            values = table[column]
            if word == "in":
                holds = pc.is_in(values, value_set=pa.array(value).cast(values.type))
            else:
                holds = COMPARISONS[word](values, pa.scalar(value))
            keep = pc.and_(keep, pc.fill_null(holds, False))
    return keep
