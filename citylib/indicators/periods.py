"""Where the periods of a city's civil time begin."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

UNIT = {"hour": "h", "day": "D", "month": "M", "year": "Y"}
"""numpy's unit of a period for each frequency; a period's number counts these since 1970."""

Moments = npt.NDArray[np.int64]
DAY = 86_400_000_000
ERA = 3650 * DAY
"""Changes of a zone's time are looked up for about ten years at once."""
STEP = DAY // 4
"""Microseconds: no two changes of a zone's time are as close."""


def edges(zone: str, frequency: str, first: int, last: int) -> tuple[Moments, Moments]:
    """Periods from one moment to another.

    Parameters
    ----------
    zone : str
        IANA name of the time zone.
    frequency : {"hour", "day", "month", "year"}
    first, last : int
        Microseconds since 1970 (UTC), both included.

    Returns
    -------
    edges : ndarray of int64, shape (n + 1,)
        Where each begins and the last one ends, rising; the first edge is at or before `first`.
    numbers : ndarray of int64, shape (n,)
        Number of each. The hour that occurs twice when clocks are put back has the same number.
    """
    begin, end = first // DAY * DAY, (last // DAY + 1) * DAY
    every, numbers = _edges(zone, frequency, begin, end)
    low = int(np.searchsorted(every, first, "right")) - 1
    high = int(np.searchsorted(every, last, "right"))
    return every[low : high + 1], numbers[low:high]


@lru_cache(maxsize=16)
def _edges(zone: str, frequency: str, first: int, last: int) -> tuple[Moments, Moments]:
    starts, numbers = [], []
    changes, offsets = _offsets(zone, first, last)
    for begin, end, offset in zip(changes[:-1], changes[1:], offsets, strict=True):
        local = np.array([begin, end - 1]) + offset
        low, high = local.astype("datetime64[us]").astype(f"datetime64[{UNIT[frequency]}]")
        period = np.arange(low, high + 1)
        start = period.astype("datetime64[us]").astype(np.int64) - offset
        starts.append(np.maximum(start, begin))
        numbers.append(period.astype(np.int64))
    return np.concatenate([*starts, [last]]), np.concatenate(numbers)


def _offsets(zone: str, first: int, last: int) -> tuple[Moments, Moments]:
    """Moments from which on civil time is ahead of UTC by so much, from first to last."""
    changes, offsets = _changes(zone, first // ERA, last // ERA + 1)
    low = int(np.searchsorted(changes, first, "right")) - 1
    high = int(np.searchsorted(changes, last))
    return np.array([first, *changes[low + 1 : high], last]), offsets[low:high]


@lru_cache(maxsize=64)
def _changes(zone: str, first: int, last: int) -> tuple[Moments, Moments]:
    """The same from one era to another, the first moment included."""
    looked = np.append(np.arange(first * ERA, last * ERA, STEP), last * ERA)
    ahead = _ahead(zone, looked)
    changes, offsets = [first * ERA], [int(ahead[0])]
    for at in np.flatnonzero(ahead[1:] != ahead[:-1]):
        low, high = int(looked[at]), int(looked[at + 1])
        while high - low > 1:
            middle = (low + high) // 2
            before = _ahead(zone, np.array([middle]))[0] == ahead[at]
            low, high = (middle, high) if before else (low, middle)
        changes.append(high)
        offsets.append(int(ahead[at + 1]))
    return np.array(changes), np.array(offsets)


def _ahead(zone: str, moments: Moments) -> Moments:
    stamps = pd.DatetimeIndex(moments.astype("datetime64[us]"), tz="UTC")
    return stamps.tz_convert(zone).tz_localize(None).to_numpy().astype(np.int64) - moments
