"""Lines and bars as SVG."""

from __future__ import annotations

import re
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from citylib.city.profile import City
from citylib.look import figures
from citylib.look.words import say
from citylib.panels.picture import reading as read
from citylib.panels.picture.axes import date_ticks, ticks

if TYPE_CHECKING:
    import xarray as xr

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 84, 56, 12, 34
# Periods that a history shows at most.
WINDOW = {"hour": 24 * 14, "day": 366, "month": 120, "year": 60}
ROWS = 8
ROW = 34
NARROW = 455
NAMES = 225
# Full letters of 16 px between the rank and the bar.
NAME_ROOM = 11.5
DIGITS = 3


def sparkline(values: np.ndarray) -> str:
    """A line without axes for a tile; gaps stay gaps."""
    points = stretched(lines(np.arange(values.size), values, (0, 100), (28, 2)))
    return (
        '<svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">'
        f"{points}</svg>"
    )


def stretched(drawn: str) -> str:
    """Lines of a picture that is stretched, and a dot with it: the round end of a line is not."""
    return re.sub(
        r'<circle class="line" cx="(.+?)" cy="(.+?)" r="2"/>',
        r'<polyline class="line dot" points="\1,\2 \1,\2"/>',
        drawn,
    )


def lines(
    xs: np.ndarray,
    ys: np.ndarray,
    across: tuple[float, float],
    up: tuple[float, float],
    span: tuple[float, float] | None = None,
    kind: str = "line",
) -> str:
    """Polylines through known figures, one for each run without a gap.

    Parameters
    ----------
    xs, ys : numpy.ndarray
        Same length; NaN in `ys` is a gap.
    across, up : tuple of float
        Coordinates of the first and last x, and of the lowest and highest y.
    span : tuple of float, optional
        Lowest and highest y; by default those of `ys`.
    """
    known = np.isfinite(ys)
    if not known.any():
        return ""
    low, high = span or (float(ys[known].min()), float(ys[known].max()))
    width = float(xs[-1] - xs[0]) or 1.0
    px = across[0] + (xs - xs[0]) / width * (across[1] - across[0])
    py = up[0] + (ys - low) / ((high - low) or 1.0) * (up[1] - up[0])
    if high == low:
        py = np.where(known, (up[0] + up[1]) / 2, np.nan)
    result = []
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(int), [0]])))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        points = [f"{px[i]:.1f},{py[i]:.1f}" for i in range(start, stop)]
        if len(points) == 1:
            x, y = points[0].split(",")
            result.append(f'<circle class="{kind}" cx="{x}" cy="{y}" r="2"/>')
        else:
            result.append(f'<polyline class="{kind}" fill="none" points="{" ".join(points)}"/>')
    return "".join(result)


def history(
    city: City,
    array: xr.DataArray,
    lang: str,
    area: str | None = None,
) -> str:
    """Line of an indicator up to its newest figure, with what the area is compared with.

    Parameters
    ----------
    area : str, optional
        Code; by default the whole city.
    """
    area = area or city.code
    title = read.title_of(array, lang)
    if (alone := single(array, area, lang)) is not None:
        return f'<p class="missing-word">{escape(alone)}</p>'
    frequency = str(array.attrs.get("frequency", "day"))
    own = read.settled(array, read.column(array, area))
    there = np.flatnonzero(np.isfinite(own))
    span = slice(max(int(there[0]), int(there[-1]) + 1 - WINDOW[frequency]), int(there[-1]) + 1)
    times = array["time"].values[span]
    series = (
        [("second", read.settled(array, read.reference(array, city.code))[span])]
        if area != city.code
        else []
    )
    series.append(("first", own[span]))
    known = np.concatenate([values[np.isfinite(values)] for _, values in series])
    marks = ticks(known)
    heights = (marks[0], marks[-1])
    xs = times.astype("datetime64[s]").astype("int64")
    first, last = (
        figures.period(read.as_datetime(times[place]), frequency, lang) for place in (0, -1)
    )
    body = [_height_axis(marks, lang), _date_axis(times, frequency, lang)]
    body += [
        lines(xs, values, (LEFT, WIDTH - RIGHT), (HEIGHT - BOTTOM, TOP), heights, kind)
        for kind, values in series
    ]
    name = say(lang, "history_of", title=title, first=first, last=last)
    if unit := figures.unit(str(array.attrs.get("units", "1")), lang):
        name += f" ({unit})"
    return _svg("chart history", name, HEIGHT, "".join(body))


def single(array: xr.DataArray, area: str, lang: str) -> str | None:
    """What is said in the place of a history of fewer than two periods; None if there are more.

    Parameters
    ----------
    area : str
        Code of the city or of an area.
    """
    count = int(np.isfinite(read.settled(array, read.column(array, area))).sum())
    if count > 1:
        return None
    found = read.reading(array, area, lang)
    if not count:
        return f"{found.title}: {say(lang, 'missing')}"
    return say(lang, "single", period=found.when(lang), figure=found.says(lang))


def _height_axis(marks: list[float], lang: str) -> str:
    body = []
    for mark, text in zip(marks, figures.alike(marks, lang), strict=True):
        share = (mark - marks[0]) / (marks[-1] - marks[0])
        y = HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
        body.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 6}" y="{y + 5:.1f}" text-anchor="end">{text}</text>'
        )
    return "".join(body)


def _date_axis(times: np.ndarray, frequency: str, lang: str) -> str:
    seconds = times.astype("datetime64[s]").astype("int64")
    unit, dates = date_ticks(times, frequency)
    body = []
    for date in dates:
        share = (date.astype("int64") - seconds[0]) / (seconds[-1] - seconds[0])
        x = LEFT + share * (WIDTH - RIGHT - LEFT)
        text = figures.axis_date(read.as_datetime(date), unit, lang)
        body.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{HEIGHT - BOTTOM}" '
            f'y2="{HEIGHT - BOTTOM + 5}"/>'
            f'<text x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{text}</text>'
        )
    return "".join(body)


def ranking(
    city: City,
    array: xr.DataArray,
    lang: str,
    time: datetime | np.datetime64 | None = None,
    area: str | None = None,
) -> str:
    """Bars of the areas with the largest figures, the chosen one and the smallest."""
    found = read.reading(array, city.code, lang, time)
    values = read.at(array, found.time)
    order = read.ranked(values, read.districts(array, city.code))
    if not order:
        return f'<p class="missing-word">{say(lang, "city_only")}</p>'
    rows = shown_ranks(order, area)
    largest = max(abs(values[code]) for code in order) or 1.0
    says = figures.alike([values[code] for code in rows], lang, DIGITS)
    body = []
    for row, code in enumerate(rows):
        y = row * ROW
        width = max(0.0, values[code]) / largest * (NARROW - NAMES - 120)
        place = read.place_name(city, code, lang, True)
        label = f"{order.index(code) + 1}. {read.cut(place, NAME_ROOM)}"
        chosen = " chosen" if code == area else ""
        body.append(
            f'<g class="row{chosen}"><title>{escape(place)}</title>'
            f'<text x="0" y="{y + 22}">{escape(label)}</text>'
            f'<rect class="bar" x="{NAMES}" y="{y + 5}" width="{width:.1f}" height="22"/>'
            f'<text x="{NAMES + 8 + width:.1f}" y="{y + 22}" data-area="{code}" '
            f'data-value="{values[code]!r}">{says[row]}</text></g>'
        )
    name = say(lang, "ranking_of", title=found.title, period=found.when(lang))
    return _svg("chart ranking", name, len(rows) * ROW, "".join(body), NARROW)


def shown_ranks(order: list[str], area: str | None, rows: int = ROWS) -> list[str]:
    """Whom a ranking shows when it has no room for all: the first, the chosen, the last two.

    >>> shown_ranks(list("abcdefghij"), "g", 5)
    ['a', 'b', 'g', 'i', 'j']
    """
    if len(order) <= rows:
        return order
    shown = set(order[: rows - 2] + order[-2:])
    if area in order and area not in shown:
        shown.discard(order[rows - 3])
        shown.add(area)
    return [code for code in order if code in shown]


def _svg(kind: str, name: str, height: float, body: str, width: int = WIDTH) -> str:
    return (
        f'<svg class="{kind}" role="img" viewBox="0 0 {width} {height:.0f}" '
        f'aria-label="{escape(name)}"><title>{escape(name)}</title>{body}</svg>'
    )
