"""Spans of time and the periods that they touch."""

from __future__ import annotations

import numpy as np

from citylib.indicators.periods import DAY, Moments, edges

Runs = list[tuple[int, int]]
"""Periods by their numbers: first ones, and those after the last."""
BEYOND = {"hour": DAY // 4, "day": 2 * DAY, "month": 32 * DAY, "year": 367 * DAY}
"""Microseconds that hold a period of each frequency, wherever it begins."""


def periods_of(spans: Moments, zone: str, frequency: str) -> tuple[Moments, Moments]:
    """Periods of civil time that spans of time touch.

    Parameters
    ----------
    spans : ndarray of int64, shape (n, 2)
        First and last moment of each, in microseconds since 1970 (UTC), both in it.
    zone : str
        IANA name of the time zone.
    frequency : {"hour", "day", "month", "year"}

    Returns
    -------
    numbers : ndarray of int64
        Numbers of the periods, rising.
    times : ndarray of int64, shape (m, 2)
        When they are: from the first moment to before the second, in order and apart. A period
        in which clocks change may be in two parts.
    """
    if not len(spans):
        return np.empty(0, np.int64), np.empty((0, 2), np.int64)
    beyond = BEYOND[frequency]
    bounds, numbers = edges(
        zone, frequency, int(spans[:, 0].min()) - beyond, int(spans[:, 1].max()) + beyond
    )
    depth = np.zeros(len(numbers) + 1, np.int64)
    np.add.at(depth, np.searchsorted(bounds, spans[:, 0], "right") - 1, 1)
    np.add.at(depth, np.searchsorted(bounds, spans[:, 1], "right"), -1)
    touched = np.unique(numbers[np.cumsum(depth[:-1]) > 0])
    inside = np.isin(numbers, touched)
    steps = np.diff(np.concatenate([[0], inside.astype(np.int8), [0]]))
    begins, ends = np.flatnonzero(steps > 0), np.flatnonzero(steps < 0)
    return touched, np.stack([bounds[begins], bounds[ends]], axis=1)


def joined(runs: Runs) -> Runs:
    """The same periods in order, what meets or overlaps as one."""
    result: Runs = []
    for first, end in sorted(runs):
        if result and first <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((first, end))
    return result
