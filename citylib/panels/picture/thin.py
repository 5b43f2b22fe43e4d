"""Fewer points for a long line, without losing what stands out."""

from __future__ import annotations

import numpy as np

AROUND = 400
"""Points of what lies beside the part that is looked at, on each side."""


def thinned(values: np.ndarray, span: slice, points: int) -> np.ndarray:
    """Which points of a line to draw, when a part of it is looked at.

    Within the part all are drawn if they are few; otherwise the lowest and the highest of each of
    equally long runs, at their own time, so that no peak is lost. What lies beside it is drawn
    more coarsely, for who moves on. A run without a figure stays a gap.

    Parameters
    ----------
    values : numpy.ndarray
        Figures over time; NaN: missing.
    span : slice
        The part that is looked at, in whole steps.
    points : int
        How many of it at most, give or take the gaps.

    Returns
    -------
    numpy.ndarray of int
        Places in `values`, rising.

    Examples
    --------
    >>> thinned(np.array([1.0, 5.0, 2.0, 4.0, 9.0, 3.0]), slice(0, 6), 4).tolist()
    [0, 1, 4, 5]
    """
    start, stop, _ = span.indices(values.size)
    parts = [(0, start, AROUND), (start, stop, points), (stop, values.size, AROUND)]
    found = [_part(values[a:b], count) + a for a, b, count in parts if b > a]
    return np.concatenate(found) if found else np.array([], dtype=int)


def _part(values: np.ndarray, points: int) -> np.ndarray:
    if values.size <= points:
        return np.arange(values.size)
    size = -(-values.size * 2 // points)
    whole = np.full(-(-values.size // size) * size, np.nan)
    whole[: values.size] = values
    rows = whole.reshape(-1, size)
    known = np.isfinite(rows)
    some = known.any(axis=1)
    low = np.where(known, rows, np.inf).argmin(axis=1)
    high = np.where(known, rows, -np.inf).argmax(axis=1)
    begin = np.arange(len(rows)) * size
    # Of a run without a figure its first place stands for the gap.
    places = np.concatenate([begin + np.where(some, low, 0), begin + np.where(some, high, 0)])
    return np.unique(places[places < values.size])
