"""Figures made from figures: by head, differences, running totals, windows, changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from citylib.city.model import Plain

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]

if TYPE_CHECKING:
    from citylib.indicators.declaration import Indicator

Periods = Field(default=None, ge=1, le=10_000)


class _OneOf(Plain):
    """A word of several, with a number of periods."""

    @model_validator(mode="after")
    def _one(self) -> _OneOf:
        words = list(type(self).model_fields)
        if len(self.model_fields_set) != 1:
            raise ValueError(f"write one of {', '.join(words)}, as in {{ {words[0]} = 7 }}")
        return self

    @property
    def said(self) -> tuple[str, int]:
        """The word and its number of periods."""
        word = next(iter(self.model_fields_set))
        return word, getattr(self, word)


class Rolling(_OneOf):
    """A window of so many periods, the figure's own the last of them.

    Attributes
    ----------
    mean, sum, min, max, median : int
        What is made of the figures in the window, and its length in periods.

    Examples
    --------
    >>> Rolling(mean=7).said
    ('mean', 7)
    """

    mean: int | None = Periods
    sum: int | None = Periods
    min: int | None = Periods
    max: int | None = Periods
    median: int | None = Periods


class Change(_OneOf):
    """What a figure has changed by since so many periods before.

    Attributes
    ----------
    percent, difference : int
        By how many percent, or by how much; and how many periods before.

    Examples
    --------
    >>> Change(percent=12).said
    ('percent', 12)
    """

    percent: int | None = Periods
    difference: int | None = Periods


REDUCE: dict[str, Callable[..., Any]] = {
    "mean": np.mean,
    "sum": np.sum,
    "min": np.min,
    "max": np.max,
    "median": np.median,
}


def derived(
    indicator: Indicator,
    time: Times,
    values: Floats,
    head: tuple[Times, Floats] | None = None,
) -> Floats:
    """Figures made from those of all periods: `per`, then `derive`, `rolling` and `change`.

    Parameters
    ----------
    indicator : Indicator
    time : ndarray of datetime64, shape (time,)
        Where the periods begin, without gaps.
    values : ndarray of float64, shape (time, area)
        NaN: missing.
    head : (time, values), optional
        The figures that the indicator is declared to be `per`.

    Returns
    -------
    ndarray of float64, shape (time, area)
        NaN wherever a figure is missing that it would be made from; a running total goes on after
        a gap.
    """
    derive, rolling, change = indicator.derive, indicator.rolling, indicator.change
    if head is not None:
        values = by_head(time, values, *head)
    if derive == "difference":
        values = _before(values, 1, np.subtract)
    elif derive == "running_total":
        values = np.where(np.isnan(values), np.nan, np.nancumsum(values, axis=0))
    if rolling is not None:
        word, periods = rolling.said
        out = np.full_like(values, np.nan)
        if len(values) >= periods:
            windows = np.lib.stride_tricks.sliding_window_view(values, periods, axis=0)
            out[periods - 1 :] = REDUCE[word](windows, axis=-1)
        values = out
    if change is not None:
        word, periods = change.said
        values = _before(values, periods, np.subtract if word == "difference" else _percent)
    return values


def reach(derive: str | None, rolling: Rolling | None, change: Change | None) -> int | None:
    """How many periods after a record's own have figures that it bears on; None: all."""
    if derive == "running_total":
        return None
    window = rolling.said[1] - 1 if rolling else 0
    return (derive == "difference") + window + (change.said[1] if change else 0)


def by_head(time: Times, values: Floats, head_time: Times, head: Floats) -> Floats:
    """Figures by those of another indicator, as for a rate per inhabitant.

    Parameters
    ----------
    time, head_time : ndarray of datetime64, shape (n,) and (m,)
        Where the periods begin, rising; the other's are as long or longer.
    values, head : ndarray of float64, shape (n, areas) and (m, areas)
        Of the same areas.

    Returns
    -------
    ndarray of float64, shape (n, areas)
        Each by the other's figure of the period that holds its own; where that is missing by the
        newest before it, and where there is none by the first. NaN where it is 0 or there is none.
    """
    if not len(head):
        return np.full(values.shape, np.nan)
    known = ~np.isnan(head)
    first = known.argmax(axis=0)
    newest = np.maximum.accumulate(np.where(known, np.arange(len(head))[:, None], -1), axis=0)
    filled = np.take_along_axis(head, np.where(newest < 0, first, newest), axis=0)
    at = np.searchsorted(head_time, time, side="right") - 1
    below = filled[np.maximum(at, 0)]
    return np.divide(values, below, out=np.full(values.shape, np.nan), where=below != 0)


def _before(values: Floats, periods: int, how: Callable[[Floats, Floats], Floats]) -> Floats:
    out = np.full_like(values, np.nan)
    out[periods:] = how(values[periods:], values[:-periods])
    return out


def _percent(now: Floats, before: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(before > 0, (now / before - 1) * 100, np.nan)
