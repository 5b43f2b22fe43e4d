"""Compiled passes over the rows of a block; they run without the GIL, so that threads help.

`groups` has the number of each row's group; rows that count nowhere have the number `size`, so
that results have one entry more than there are groups. An empty `keep` keeps every row.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

compiled: Any = numba.njit(nogil=True, cache=True, error_model="numpy")

NOWHERE = 1 << 31
"""Number of an area that counts nowhere; a block has fewer groups."""
RUN = 1024
"""Rows that are looked at together."""
COUNT, SUM, MIN, MAX, SQUARES = range(5)
"""Columns of what `fused` and `whole_numbers` give; the last is in the second alone."""


@compiled
def extents(time: Any) -> Any:
    """The earliest and the latest of each `RUN` moments; shape (runs, 2)."""
    out = np.empty(((len(time) + RUN - 1) // RUN, 2), np.int64)
    for run in range(len(out)):
        moments = time[run * RUN : (run + 1) * RUN]
        low = high = moments[0]
        for row in range(len(moments)):
            low = min(low, moments[row])
            high = max(high, moments[row])
        out[run, 0], out[run, 1] = low, high
    return out


@compiled
def number_groups(
    time: Any, runs: Any, codes: Any, places: Any, edges: Any, periods: Any, width: Any, size: Any
) -> Any:
    """Number of each row's group, of which there are `size`.

    Parameters
    ----------
    time : ndarray of int64, shape (rows,)
        Microseconds, within the edges.
    runs : ndarray of int64
        What `extents` gives of them.
    codes : ndarray of uint, shape (rows,)
        Number of the row's area in `places`.
    places : ndarray of uint32
        What to add to a period's first group; `NOWHERE` for an area that counts nowhere.
    edges, periods : ndarray of int64, shape (periods + 1,) and (periods,)
        Where periods begin, and the number of each, counted from the block's first.
    width : int
        Groups of a period.

    Returns
    -------
    ndarray of uint32, shape (rows,)
    """
    groups = np.empty(len(time), np.uint32)
    nowhere = np.uint32(size)
    at = 0
    for run in range(len(runs)):
        low, high = runs[run, 0], runs[run, 1]
        begin, end = run * RUN, min((run + 1) * RUN, len(time))
        area, group = codes[begin:end], groups[begin:end]
        if not (edges[at] <= low and low < edges[at + 1]):
            at = np.searchsorted(edges, low, side="right") - 1
        if high < edges[at + 1]:  # mostly, if records are in the order of their time
            base = np.uint32(periods[at] * width)
            for row in range(len(area)):
                group[row] = min(np.uint32(base + places[area[row]]), nowhere)
        else:
            moments = time[begin:end]
            for row in range(len(area)):
                if not (edges[at] <= moments[row] and moments[row] < edges[at + 1]):
                    at = np.searchsorted(edges, moments[row], side="right") - 1
                base = np.uint32(periods[at] * width)
                group[row] = min(np.uint32(base + places[area[row]]), nowhere)
    return groups


@compiled
def count(groups: Any, size: Any) -> Any:
    """Rows of each group."""
    out = np.zeros(size + 1, np.int64)
    for row in range(len(groups)):
        out[groups[row]] += 1
    return out


@compiled
def tally(keep: Any, groups: Any, size: Any) -> Any:
    """Rows of each group that are kept."""
    out = np.zeros(size + 1, np.int64)
    for row in range(len(groups)):
        out[groups[row]] += keep[row]
    return out


@compiled
def some(keep: Any, begin: Any, places: Any) -> Any:
    """Write where kept rows of the next `RUN` are; returns how many there are. Without a branch,
    because nobody could foretell it.
    """
    count = 0
    for row in range(begin, min(begin + RUN, len(keep))):
        places[count] = row
        count += keep[row]
    return count


@compiled
def fused(values: Any, keep: Any, groups: Any, size: Any) -> Any:
    """Count, sum, smallest and largest value of each group; shape (size + 1, 4)."""
    out = np.empty((size + 1, 4))
    out[:, 0] = 0.0
    out[:, 1] = 0.0
    out[:, 2] = np.inf
    out[:, 3] = -np.inf
    if len(keep) == 0:
        for row in range(len(groups)):
            _fuse(np.float64(values[row]), groups[row], out)
    else:
        places = np.empty(RUN, np.uint64)
        for begin in range(0, len(groups), RUN):
            for place in range(some(keep, begin, places)):
                row = places[place]
                _fuse(np.float64(values[row]), groups[row], out)
    return out


@compiled
def whole_numbers(values: Any, groups: Any, size: Any) -> Any:
    """Number, sum, smallest, largest and sum of the squares of each group's whole numbers; shape
    (size + 1, 5), of int64. A sum that does not fit is wrong by a multiple of 2**64.
    """
    out = np.zeros((size + 1, 5), np.int64)
    out[:, 2] = np.iinfo(np.int64).max
    out[:, 3] = np.iinfo(np.int64).min
    for row in range(len(groups)):
        value, group = np.int64(values[row]), groups[row]
        out[group, 0] += 1
        out[group, 1] += value
        out[group, 4] += value * value
        if value < out[group, 2]:  # seldom
            out[group, 2] = value
        if value > out[group, 3]:
            out[group, 3] = value
    return out


@compiled
def _fuse(value: Any, group: Any, out: Any) -> Any:
    if value - value == 0.0:  # neither NaN nor infinite
        out[group, 0] += 1.0
        out[group, 1] += value
        if value < out[group, 2]:
            out[group, 2] = value
        if value > out[group, 3]:
            out[group, 3] = value


@compiled
def squares(values: Any, keep: Any, groups: Any, means: Any) -> Any:
    """Sum of squares of the distances from each group's mean; shape of `means`."""
    out = np.zeros(len(means))
    if len(keep) == 0:
        for row in range(len(groups)):
            distance = np.float64(values[row]) - means[groups[row]]
            out[groups[row]] += distance * distance if distance - distance == 0.0 else 0.0
    else:
        places = np.empty(RUN, np.uint64)
        for begin in range(0, len(groups), RUN):
            for place in range(some(keep, begin, places)):
                row = places[place]
                distance = np.float64(values[row]) - means[groups[row]]
                out[groups[row]] += distance * distance if distance - distance == 0.0 else 0.0
    return out


@compiled
def paired(values: Any, others: Any, keep: Any, groups: Any, size: Any) -> Any:
    """Of rows that have both values: their number, and the sums of the first, of the second, and
    of their products; shape (size + 1, 4).
    """
    out = np.zeros((size + 1, 4))
    every = len(keep) == 0
    for row in range(len(groups)):
        if every or keep[row]:
            value, other = np.float64(values[row]), np.float64(others[row])
            if value - value == 0.0 and other - other == 0.0:
                group = groups[row]
                out[group, 0] += 1.0
                out[group, 1] += value
                out[group, 2] += other
                out[group, 3] += value * other
    return out
