"""Targets with a date: what is met, on track, or late, from the figures alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from ipywidgets import Box

from citylib.city.profile import City
from citylib.look import figures as look
from citylib.panels.links import go
from citylib.panels.model import CityModel
from citylib.panels.picture import reading as read
from citylib.panels.picture.pledges import pledges
from citylib.panels.picture.tile import local_now
from citylib.panels.touch import Markup

if TYPE_CHECKING:
    import xarray as xr

STATES = ("late", "on_track", "met", "unknown")
"""In the order in which they are shown."""
RECENT = 5
"""How many of the newest figures a trend is drawn through."""


@dataclass(frozen=True)
class Pledge:
    """A target and how far the city has come.

    Attributes
    ----------
    id : str
        Of the indicator.
    value : float
        What was promised: at most or at least, as `lower` says.
    by : datetime
        Start of the period that must reach it.
    lower : bool
        Whether smaller figures are better.
    source : str
        Who promised it.
    since : datetime or None
        Start of the period from which the way is counted, with the figure `start` of then.
    start : float
    now : datetime or None
        Start of the newest period that has ended, with its figure `figure`.
    figure : float
    path : float
        What the straight way from start to target asks for in the newest period; NaN once the
        target's own period is over.
    trend : float
        What the newest figures come to in the target's period if they go on as they do; NaN where
        they are fewer than three, or the period is over.
    state : {"late", "on_track", "met", "unknown"}
    reached : datetime or None
        First period from `since` on whose figure was good enough.
    """

    id: str
    value: float
    by: datetime
    lower: bool
    source: str
    since: datetime | None
    start: float
    now: datetime | None
    figure: float
    path: float
    trend: float
    state: str
    reached: datetime | None


def pledges_of(
    city: City,
    figures: Mapping[str, xr.DataArray],
    ids: Sequence[str],
    lang: str,
    today: datetime | None = None,
) -> list[Pledge]:
    """Targets of all indicators for the city as a whole: late ones first, then by their date.

    `today` is a local time; by default that of the city's clock.

    - **met**: the figure of the target's own period was good enough; before that period, the newest
      figure is.
    - **on track**: the newest figure is at least as good as the straight way from start to target
      asks for.
    - **late**: neither; also after a target's period that ended without reaching it.
    - **unknown**: there is no figure, or the target's period is over and has none yet.
    """
    today = today or local_now(city)
    found = [
        _pledge(city, figures[name], number, lang, today)
        for name in ids
        for number in range(len(_listed(figures[name], "target")))
    ]
    return sorted(found, key=lambda one: (STATES.index(one.state), one.by, one.id))


def _pledge(city: City, array: xr.DataArray, number: int, lang: str, today: datetime) -> Pledge:
    lower = array.attrs.get("better") != "higher"
    value = float(_listed(array, "target")[number])
    by = _moment(str(_listed(array, "target_by")[number]))
    values = read.settled(array, read.column(array, city.code))
    known = np.flatnonzero(np.isfinite(values))
    times = [read.as_datetime(array["time"].values[place]) for place in known]
    own = values[known]
    since, start = _start(array, number, times, own)
    sources = _listed(array, f"target_source_{lang}") or _listed(array, "target_source")
    source = str(sources[number]) if len(sources) > number else ""
    reached = next(
        (
            time
            for time, one in zip(times, own, strict=True)
            if (since is None or time > since) and _reaches(one, value, lower)
        ),
        None,
    )
    common = (str(array.name), value, by, lower, source, since, start)
    if not times or since is None:
        return Pledge(*common, None, np.nan, np.nan, np.nan, "unknown", reached)
    now, figure = times[-1], float(own[-1])
    due = [float(one) for time, one in zip(times, own, strict=True) if time == by]
    end = look.end_of(by, str(array.attrs.get("frequency", "day")))
    over = now >= end or bool(due)
    if over:
        last = due[0] if due else figure
        state = "met" if due and _reaches(last, value, lower) else "late"
        return Pledge(*common, now, figure, np.nan, np.nan, state, reached)
    path = start + (value - start) * _share(since, by, now)
    trend = _trend(times, own, by)
    if today >= end:
        state = "unknown"
    elif _reaches(figure, value, lower):
        state = "met"
    else:
        state = "on_track" if _reaches(figure, path, lower) else "late"
    return Pledge(*common, now, figure, path, trend, state, reached)


def _start(
    array: xr.DataArray, number: int, times: list[datetime], values: np.ndarray
) -> tuple[datetime | None, float]:
    """Where the way begins: as promised, else at the first figure."""
    said = _listed(array, "target_since")
    if len(said) > number and said[number]:
        return _moment(str(said[number])), float(_listed(array, "target_start")[number])
    return (times[0], float(values[0])) if times else (None, np.nan)


def _listed(array: xr.DataArray, key: str) -> list[Any]:
    value = array.attrs.get(key, [])
    return list(value) if isinstance(value, (list, tuple, np.ndarray)) else [value]


def _moment(period: str) -> datetime:
    year, month, day = [*map(int, period.split("-")), 1, 1][:3]
    return datetime(year, month, day)


def _reaches(figure: float, wanted: float, lower: bool) -> bool:
    slack = 1e-9 * max(1.0, abs(wanted))
    return figure <= wanted + slack if lower else figure >= wanted - slack


def _years(time: datetime) -> float:
    """A moment in years, each as long as the others."""
    begin, end = datetime(time.year, 1, 1), datetime(time.year + 1, 1, 1)
    return time.year + (time - begin) / (end - begin)


def _share(since: datetime, by: datetime, now: datetime) -> float:
    """How much of the way is over, from 0 to 1."""
    whole = _years(by) - _years(since)
    return min(max((_years(now) - _years(since)) / whole, 0.0), 1.0) if whole > 0 else 1.0


def _trend(times: list[datetime], values: np.ndarray, by: datetime) -> float:
    """Straight line through the newest figures (least squares), at the target's period."""
    if len(times) < 3:
        return float("nan")
    years = np.array([_years(time) - _years(by) for time in times[-RECENT:]])
    return float(np.polyfit(years, values[-RECENT:], 1)[1])


class PledgesPage(Box):
    """Page of the targets; touching one leads to its indicator.

    Parameters
    ----------
    model : CityModel
        City and figures.
    """

    def __init__(self, model: CityModel) -> None:
        self._model = model
        self.list = Markup(name="city-pledges")
        self.list.on_press(lambda what: go(model, what))
        super().__init__([self.list])
        model.observe(self._draw, ["language", "version"])
        self._draw()

    def _draw(self, _change: Any = None) -> None:
        model = self._model
        found = pledges_of(model.city, model.figures, model.ids, model.language)
        self.list.html = pledges(model.city, model.figures, found, model.language)
