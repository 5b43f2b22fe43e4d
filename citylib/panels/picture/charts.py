"""Lines and bars as SVG."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from citylib.city.profile import City
from citylib.look import figures
from citylib.look.colours import nice_step
from citylib.look.words import say
from citylib.panels.picture import reading as read

if TYPE_CHECKING:
    import xarray as xr

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 84, 12, 12, 28
ROWS = 8
ROW = 34
NARROW = 420
NAMES = 190


def sparkline(values: np.ndarray) -> str:
    """A line without axes for a tile; gaps stay gaps."""
    points = lines(np.arange(values.size), values, (0, 100), (28, 2))
    return (
        '<svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">'
        f"{points}</svg>"
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


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Numbers that can be read, from at or below `low` to at or above `high`."""
    if high <= low:
        high = low + (abs(low) or 1.0)
    step = nice_step((high - low) / count)
    first, last = int(np.floor(low / step)), int(np.ceil(high / step))
    return [round(place * step, 10) for place in range(first, last + 1)]


def history(
    city: City,
    array: xr.DataArray,
    lang: str,
    area: str | None = None,
    most: int = 750,
) -> str:
    """Line of an indicator over time, with what the area is compared with.

    Parameters
    ----------
    area : str, optional
        Code; by default the whole city.
    most : int
        Newest periods that are drawn.
    """
    area = area or city.code
    own = read.column(array, area)[-most:]
    times = array["time"].values[-most:]
    series = [("second", read.reference(array, city.code)[-most:])] if area != city.code else []
    series.append(("first", own))
    known = np.concatenate([values[np.isfinite(values)] for _, values in series])
    title = read.title_of(array, lang)
    if not known.size:
        return f'<p class="missing-word">{escape(title)}: {say(lang, "missing")}</p>'
    frequency = str(array.attrs.get("frequency", "day"))
    units = str(array.attrs.get("units", "1"))
    marks = ticks(min(0.0, float(known.min())), float(known.max()))
    span = (marks[0], marks[-1])
    xs = times.astype("datetime64[s]").astype("int64")
    first, last = (
        figures.period(read.as_datetime(times[place]), frequency, lang) for place in (0, -1)
    )
    body = []
    for mark in marks:
        y = HEIGHT - BOTTOM - (mark - span[0]) / (span[1] - span[0]) * (HEIGHT - BOTTOM - TOP)
        body.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 6}" y="{y + 5:.1f}" text-anchor="end">'
            f"{figures.compact(mark, lang)}</text>"
        )
    body += [
        lines(xs, values, (LEFT, WIDTH - RIGHT), (HEIGHT - BOTTOM, TOP), span, kind)
        for kind, values in series
    ]
    body.append(f'<text x="{LEFT}" y="{HEIGHT - 6}">{first}</text>')
    body.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{last}</text>')
    name = say(lang, "history_of", title=title, first=first, last=last)
    if unit := figures.unit(units, lang):
        name += f" ({unit})"
    return _svg("chart history", name, HEIGHT, "".join(body))


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
    body = []
    for row, code in enumerate(rows):
        y = row * ROW
        width = max(0.0, values[code]) / largest * (NARROW - NAMES - 120)
        label = f"{order.index(code) + 1}. {city.area_name(code, lang)}"
        chosen = " chosen" if code == area else ""
        says = figures.figure(values[code], found.units, lang, True)
        body.append(
            f'<g class="row{chosen}"><text x="0" y="{y + 22}">{escape(label)}</text>'
            f'<rect class="bar" x="{NAMES}" y="{y + 5}" width="{width:.1f}" height="22"/>'
            f'<text x="{NAMES + 8 + width:.1f}" y="{y + 22}" data-area="{code}" '
            f'data-value="{values[code]!r}">{escape(says)}</text></g>'
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
