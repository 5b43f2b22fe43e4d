"""Where the ticks of an axis are."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, floor, isclose, isfinite

import numpy as np

from citylib.look.colours import nice_step

INTERVALS = 5
DATES = 4
"""At most; more would not fit a phone."""
# Distances of dates, from fine to coarse: years by their number, the others since 1970.
DISTANCES = (
    *(("hour", step) for step in (1, 3, 6, 12)),
    *(("day", step) for step in (1, 2, 7, 14)),
    *(("month", step) for step in (1, 2, 3, 6)),
    *(("year", step) for step in (1, 2, 5, 10, 20, 50, 100)),
)
UNITS = {"hour": "h", "day": "D", "month": "M", "year": "Y"}
"""numpy's unit for each frequency."""


def ticks(values: Iterable[float]) -> list[float]:
    """Round numbers, evenly apart, that hold nought and all of the values.

    Whole numbers (people, fires) have no ticks between them.

    >>> ticks([3.0, 92.3]), ticks([0.0, 2.0])
    ([0.0, 20.0, 40.0, 60.0, 80.0, 100.0], [0.0, 1.0, 2.0])
    """
    known = [value for value in values if isfinite(value)]
    low, high = min([0.0, *known]), max([0.0, *known])
    if high == low:
        high = low + 1.0
    step = nice_step((high - low) / INTERVALS)
    while (high - low) / step > INTERVALS and not isclose((high - low) / step, INTERVALS):
        step = nice_step(step * 2.5)  # the next of 1, 2, 5
    if all(value == round(value) for value in known):
        step = max(step, 1.0)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(place * step, 10) for place in range(first, last + 1)]


def date_ticks(times: np.ndarray, frequency: str) -> tuple[str, np.ndarray]:
    """Dates at even distances within a stretch of time.

    Parameters
    ----------
    times : numpy.ndarray
        datetime64, rising; not empty.
    frequency : {"hour", "day", "month", "year"}
        Length of a period; ticks are never finer.

    Returns
    -------
    unit : {"hour", "day", "month", "year"}
        What their distance is counted in.
    dates : numpy.ndarray
        datetime64[s], at most `DATES`.
    """
    begin = list(UNITS).index(frequency)
    for unit, step in DISTANCES:
        if list(UNITS).index(unit) < begin:
            continue
        first, last = (times[place].astype(f"datetime64[{UNITS[unit]}]") for place in (0, -1))
        if int((last - first).astype(int)) // step > DATES:
            continue
        starts = np.arange(first, last + 1)
        number = starts.astype(int) + (1970 if unit == "year" else 0)
        dates = starts[number % step == 0].astype("datetime64[s]")
        dates = dates[dates >= times[0]]
        if dates.size <= DATES:
            return unit, dates
    return "year", times[:1].astype("datetime64[s]")
