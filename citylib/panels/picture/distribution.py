"""How figures are spread: a histogram, with the chosen one and what it is compared with marked."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, isfinite, nan
from typing import TYPE_CHECKING

import numpy as np

from citylib.city.profile import City
from citylib.look import figures as formats
from citylib.look.colours import nice_step
from citylib.look.words import say
from citylib.panels.picture import reading as read
from citylib.panels.picture.axes import ticks
from citylib.panels.picture.multiples import titled

if TYPE_CHECKING:
    import xarray as xr

WIDTH, HEIGHT = 560, 170
LEFT, RIGHT, TOP, BOTTOM = 40, 30, 30, 28
BINS = 10
LABELS = 6
DIGITS = 3


def distribution(
    city: City,
    array: xr.DataArray,
    lang: str,
    time: np.datetime64 | None,
    area: str,
    span: slice = slice(None),
) -> str:
    """Histogram of the areas' figures in a period; of one for the whole city, of its periods.

    Parameters
    ----------
    array : xarray.DataArray
        Indicator from the cube, dims `(time, area)`.
    time : datetime64 or None
        Start of the period.
    area : str
        Code of the chosen area.
    span : slice
        Which periods count, of a figure that exists for the whole city only.

    Returns
    -------
    str
        HTML: a title with the names of the marks, and SVG; each bar has `data-from`, `data-to` (the
        last one holds its end as well) and `data-count`, each mark `data-value`.
    """
    codes = read.districts(array, city.code)
    now = read.at(array, time)
    if codes:
        values = [now[code] for code in codes]
        marks = [("second", _reference_name(array, lang), _reference(array, city, time))]
        if area in codes:
            marks.append(("first", read.place_name(city, area, lang, True), now[area]))
        counted = "distribution.areas"
    else:
        values = read.settled(array, read.column(array, city.code))[span].tolist()
        marks = [("first", say(lang, "whole_city"), now.get(city.code, nan))]
        counted = "distribution.periods"
    known = [value for value in values if isfinite(value)]
    if not known:
        missing = f'<p class="missing-word">{say(lang, "missing")}</p>'
        return titled(say(lang, "distribution.title"), "", missing)
    keys = "".join(f'<span class="key-{kind}">{escape(name)}</span>' for kind, name, _ in marks)
    picture = _histogram(array, known, marks, say(lang, counted), lang)
    return titled(say(lang, "distribution.title"), keys, picture)


def bins(values: Sequence[float]) -> list[float]:
    """Edges of the bars: round numbers, evenly apart, that hold all values.

    >>> bins([3.0, 12.0, 41.0])
    [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0]
    """
    low, high = min(values), max(values)
    step = nice_step((high - low) / BINS * 2) if high > low else abs(high) or 1.0
    if all(value == round(value) for value in values):
        step = max(step, 1.0)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(place * step, 10) for place in range(first, max(last, first + 1) + 1)]


def _histogram(
    array: xr.DataArray,
    known: list[float],
    marks: list[tuple[str, str, float]],
    counted: str,
    lang: str,
) -> str:
    edges = bins(known)
    counts, _ = np.histogram(known, bins=edges)
    up = ticks([float(count) for count in counts])
    span = edges[-1] - edges[0]

    def x(value: float) -> float:
        share = min(max((value - edges[0]) / span, 0.0), 1.0)
        return LEFT + share * (WIDTH - RIGHT - LEFT)

    def y(count: float) -> float:
        return HEIGHT - BOTTOM - count / up[-1] * (HEIGHT - BOTTOM - TOP)

    unit = formats.unit(str(array.attrs.get("units", "1")), lang)
    says = formats.alike(edges, lang)
    body = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(mark):.1f}" '
        f'y2="{y(mark):.1f}"/><text x="{LEFT - 6}" y="{y(mark) + 5:.1f}" '
        f'text-anchor="end">{formats.number(mark, lang)}</text>'
        for mark in up
    ]
    for place, count in enumerate(counts.tolist()):
        left, right = x(edges[place]), x(edges[place + 1])
        told = f"{says[place]} – {says[place + 1]} {unit}: {count}"
        body.append(
            f'<rect class="bin" x="{left + 1:.1f}" y="{y(count):.1f}" '
            f'width="{max(1.0, right - left - 2):.1f}" height="{HEIGHT - BOTTOM - y(count):.1f}" '
            f'data-from="{edges[place]!r}" data-to="{edges[place + 1]!r}" data-count="{count}">'
            f"<title>{escape(told)}</title></rect>"
        )
    every = max(1, ceil(len(edges) / LABELS))
    body += [
        f'<text x="{x(edges[place]):.1f}" y="{HEIGHT - 8}" '
        f'text-anchor="middle">{says[place]}</text>'
        for place in range(0, len(edges), every)
    ]
    said = []
    alarm = float(array.attrs.get("alarm", nan))
    if edges[0] <= alarm <= edges[-1]:
        body.append(
            f'<line class="mark alarm" x1="{x(alarm):.1f}" x2="{x(alarm):.1f}" '
            f'y1="{TOP}" y2="{HEIGHT - BOTTOM}" data-alarm="{alarm!r}"/>'
        )
    for kind, name, value in marks:
        if isfinite(value):
            text = formats.figure(value, str(array.attrs.get("units", "1")), lang, short=True)
            said.append(f"{name} {text}")
            body.append(
                f'<line class="mark {kind}" x1="{x(value):.1f}" x2="{x(value):.1f}" '
                f'y1="{TOP - 10}" y2="{HEIGHT - BOTTOM}" data-value="{value!r}"/>'
            )
    title = read.title_of(array, lang)
    name = say(lang, "distribution.of", title=title, count=len(known))
    name = escape(f"{name}. {counted}. {', '.join(said)}")
    return (
        f'<svg class="chart distribution" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'aria-label="{name}"><title>{name}</title>'
        f'<text x="{LEFT - 32}" y="14">{escape(counted)}</text>{"".join(body)}</svg>'
    )


def _reference(array: xr.DataArray, city: City, time: np.datetime64 | None) -> float:
    if time is None:
        return nan
    values = read.reference(array, city.code)[array["time"].values == time]
    return float(values[0]) if values.size else nan


def _reference_name(array: xr.DataArray, lang: str) -> str:
    return say(lang, "district_mean" if read.is_sum(array) else "whole_city")
