"""A compiled look for the records of a few keys, where records are in the order of their time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from citylib.lake.probe import one_array

RUN = 1024
"""Rows that are looked at together."""
MARKS = 1 << 16
"""Places for the keys of one moment; keys that share one are compared."""
compiled: Any = numba.njit(nogil=True, cache=True)


def found(table: pa.Table, keys: pa.Table, times: np.ndarray, key: Sequence[str]) -> Any:
    """Places of the records that have one of some keys, compared by the keys themselves.

    It is quickest where both are in the order of their time; records that are not are found too.

    Parameters
    ----------
    table, keys : pa.Table
        Records, and the keys in the order of their times; texts as dictionaries.
    times : ndarray of int64
        Times of the keys, in microseconds since 1970.
    key : sequence of str
        Columns, `time` among them.

    Returns
    -------
    ndarray of int64, optional
        None: keys of such columns cannot be compared in this way.
    """
    if table["time"].null_count:
        return None
    codes, mine, room = [], np.zeros(len(times), np.uint64), 1
    there = np.ones(len(times), bool)
    for name in key:
        if name == "time":
            continue
        column, other = one_array(table[name]), one_array(keys[name])
        if not isinstance(column, pa.DictionaryArray):
            return None
        words = column.dictionary
        width = len(words) + 1  # the last for none
        room *= width
        if words.null_count or pc.count_distinct(words).as_py() < len(words) or room >= 1 << 63:
            return None
        same = pc.index_in(other.dictionary, words).fill_null(width).to_numpy()
        theirs = np.append(same, width - 1)[_codes(other)]
        there &= theirs < width
        codes.append((_codes(column), width))
        mine = mine * np.uint64(width) + theirs.astype(np.uint64)
    if not codes:
        return None
    columns, widths = zip(*codes, strict=True)
    moments = one_array(table["time"]).cast(pa.int64()).to_numpy()
    return _found(moments, columns, np.array(widths, np.uint64), times[there], mine[there])


def _codes(column: pa.DictionaryArray) -> np.ndarray:
    indices = column.indices
    if indices.null_count:
        indices = pc.fill_null(indices, len(column.dictionary))
    return indices.to_numpy().view(np.uint32)


@compiled
def _place(code: Any) -> Any:
    """Where a key is marked; keys of small numbers each have a place of their own."""
    spread = (code >> np.uint64(16)) * np.uint64(0x9E3779B97F4A7C15)
    return (code ^ spread ^ (spread >> np.uint64(32))) & np.uint64(MARKS - 1)


@compiled
def _found(time: Any, columns: Any, widths: Any, times: Any, keys: Any) -> Any:
    out, count = np.empty(len(time), np.int64), 0
    marks = np.zeros(MARKS, np.uint32)  # number of the moment at which a key was marked last
    mixed, places = np.empty(RUN, np.uint64), np.empty(RUN, np.uint64)
    some = np.empty(RUN + 1, np.int64)
    number, first, end = np.uint32(0), 0, 0
    now = np.int64(0)
    for begin in range(0, len(time), RUN):
        moments = time[begin : begin + RUN]
        mixed[:] = 0
        for column in range(len(columns)):
            code, width = columns[column][begin : begin + RUN], widths[column]
            for row in range(len(code)):
                mixed[row] = mixed[row] * width + np.uint64(code[row])
        for row in range(RUN):
            places[row] = _place(mixed[row])
        row = more = 0
        while row < len(moments):
            if moments[row] != now or number == 0:
                if moments[row] < now:
                    first = np.searchsorted(times, moments[row])
                now = moments[row]
                while first < len(times) and times[first] < now:
                    first += 1
                number += np.uint32(1)
                end = first
                while end < len(times) and times[end] == now:
                    marks[_place(keys[end])] = number
                    end += 1
            then = row
            while then < len(moments) and moments[then] == now:
                then += 1
            if first < end:
                here = more
                for one in range(row, then):  # without a branch, which nobody could foretell
                    some[more] = one
                    more += marks[places[one]] == number
                marked, more = more, here
                for one in range(here, marked):
                    for wanted in keys[first:end]:
                        if wanted == mixed[some[one]]:
                            some[more] = some[one]
                            more += 1
                            break
            row = then
        out[count : count + more] = begin + some[:more]
        count += more
    return out[:count].copy()
