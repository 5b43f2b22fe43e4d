"""Compiled passes over the rows of a block; they run without the GIL, so that threads help.

`groups` has the number of each row's group; rows that count nowhere have the number `size`, so
that results have one entry more than there are groups. An empty `keep` keeps every row.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

compiled: Any = numba.njit(nogil=True, cache=True, error_model="numpy")

COUNT, SUM, MIN, MAX = range(4)
"""Columns of `fused`'s result."""


@compiled
def extent(time):
    """The earliest and the latest of some moments, of which there is at least one."""
    low = high = time[0]
    for moment in time:
        low = min(low, moment)
        high = max(high, moment)
    return low, high


@compiled
def number_groups(time, codes, places, edges, periods, width, groups, records):
    """Write each row's group, and count the rows of each.

    Parameters
    ----------
    time : ndarray of int64, shape (rows,)
        Microseconds, within the edges.
    codes : ndarray of int, shape (rows,)
        Number of the row's area in `places`.
    places : ndarray of int64
        What to add to a period's first group; -1 for an area that counts nowhere.
    edges, periods : ndarray of int64, shape (periods + 1,) and (periods,)
        Where periods begin, and the number of each, counted from the block's first.
    width : int
        Groups of a period.
    groups : ndarray of uint32, shape (rows,)
        Written.
    records : ndarray of int64, shape (size + 1,)
        Added to.
    """
    nowhere = len(records) - 1
    low, high, base = 1, 0, 0
    for row in range(len(time)):
        moment = time[row]
        if not (low <= moment < high):
            at = np.searchsorted(edges, moment, side="right") - 1
            low, high, base = edges[at], edges[at + 1], periods[at] * width
        place = places[codes[row]]
        group = np.uint64(base + place) if place >= 0 else np.uint64(nowhere)
        groups[row] = group
        records[group] += 1


@compiled
def tally(keep, groups, size):
    """Rows of each group that are kept."""
    out = np.zeros(size + 1, np.int64)
    for row in range(len(groups)):
        out[groups[row]] += keep[row]
    return out


@compiled
def fused(values, keep, groups, size):
    """Count, sum, smallest and largest value of each group; shape (size + 1, 4)."""
    out = np.empty((size + 1, 4))
    out[:, 0] = 0.0
    out[:, 1] = 0.0
    out[:, 2] = np.inf
    out[:, 3] = -np.inf
    every = len(keep) == 0
    for row in range(len(groups)):
        if every or keep[row]:
            value = np.float64(values[row])
            if value - value == 0.0:
                group = groups[row]
                out[group, 0] += 1.0
                out[group, 1] += value
                if value < out[group, 2]:
                    out[group, 2] = value
                if value > out[group, 3]:
                    out[group, 3] = value
    return out


@compiled
def squares(values, keep, groups, means):
    """Sum of squares of the distances from each group's mean; shape of `means`."""
    out = np.zeros(len(means))
    every = len(keep) == 0
    for row in range(len(groups)):
        if every or keep[row]:
            group = groups[row]
            distance = np.float64(values[row]) - means[group]
            if distance - distance == 0.0:
                out[group] += distance * distance
    return out


@compiled
def paired(values, others, keep, groups, size):
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
