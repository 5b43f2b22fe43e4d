"""Small multiples: one small history for each area, all on the same scale."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from citylib.city.profile import City
from citylib.look import figures as formats
from citylib.look.words import say
from citylib.panels.picture import reading as read
from citylib.panels.picture.axes import ticks
from citylib.panels.picture.charts import lines

if TYPE_CHECKING:
    import xarray as xr

POINTS = 48
"""Of a small history, at most."""
MANY = 60
"""More areas than these are not shown at once."""
SHOWN = 25
ROOM = 7.5
"""Full letters over a small history."""


def multiples(
    city: City,
    array: xr.DataArray,
    lang: str,
    area: str,
    span: slice = slice(None),
    time: np.datetime64 | None = None,
) -> str:
    """A small history for each area, with what the areas are compared with behind it.

    Parameters
    ----------
    array : xarray.DataArray
        Indicator from the cube, dims `(time, area)`.
    area : str
        Code of the chosen area.
    span : slice
        Which periods.
    time : datetime64, optional
        Period whose largest figures are shown where there are too many areas; by default the
        span's last.

    Returns
    -------
    str
        HTML: a title that says what a point and the height stand for, and a list of buttons, each
        with `data-press="area:<code>"`.
    """
    title = say(lang, "multiples.title")
    codes = read.districts(array, city.code)
    if not codes:
        return titled(title, "", f'<p class="missing-word">{say(lang, "city_only")}</p>')
    chosen, note = _shown(city, array, codes, area, time, lang)
    rows = {code: bucketed(read.settled(array, read.column(array, code))[span]) for code in chosen}
    behind = bucketed(read.settled(array, read.reference(array, city.code))[span])
    every = np.concatenate([*rows.values(), behind])
    if not np.isfinite(every).any():
        return titled(title, "", f'<p class="missing-word">{say(lang, "missing")}</p>')
    marks = ticks(every)
    scale = (marks[0], marks[-1])
    xs = np.arange(behind.size)
    box = ((0.0, 100.0), (39.0, 1.0), scale)
    back = lines(xs, behind, *box, kind="second")
    now = read.at(array, array["time"].values[-1] if time is None else time)
    units = str(array.attrs.get("units", "1"))
    items = []
    for code, values in rows.items():
        figure = formats.figure(now[code], units, lang)
        name = read.place_name(city, code, lang, True)
        items.append(
            f'<li><button type="button" class="multiple" data-press="area:{escape(code)}" '
            f'data-area="{escape(code)}" aria-pressed="{str(code == area).lower()}">'
            f'<span class="name" title="{escape(name)}">{escape(read.cut(name, ROOM))}'
            f'<span class="hidden"> {escape(figure)}</span></span>'
            f'<svg viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true">'
            f"{back}{lines(xs, values, *box, kind='first')}</svg></button></li>"
        )
    told = f"{_scale(array, scale, lang)} {_each(array, span, lang)}{note}"
    return titled(title, told, f'<ul class="multiples">{"".join(items)}</ul>')


def titled(title: str, note: str, body: str) -> str:
    """A chart's title with a line of HTML beside it, and the chart."""
    return f'<div class="chart-title"><h3>{title}</h3><p class="note">{note}</p></div>{body}'


def bucketed(values: np.ndarray, points: int = POINTS) -> np.ndarray:
    """A long history in few points, each the mean of equally many known figures in turn.

    Parameters
    ----------
    values : numpy.ndarray
        Figures over time; NaN: missing.
    points : int
        At most; a history that is not longer stays as it is.

    Examples
    --------
    >>> bucketed(np.array([1.0, 3.0, np.nan, 5.0]), 2).tolist()
    [2.0, 5.0]
    """
    size = bucket(values.size, points)
    if size == 1:
        return values
    whole = np.full(-(-values.size // size) * size, np.nan)
    # The newest bucket is a whole one; what is left over is at the beginning.
    whole[whole.size - values.size :] = values
    parts = whole.reshape(-1, size)
    known = np.isfinite(parts).sum(axis=1)
    return np.where(known > 0, np.nansum(parts, axis=1) / np.maximum(known, 1), np.nan)


def bucket(periods: int, points: int = POINTS) -> int:
    """How many periods a point of a small history stands for."""
    return max(1, -(-periods // points))


def _scale(array: xr.DataArray, scale: tuple[float, float], lang: str) -> str:
    low, high = formats.alike(scale, lang)
    unit = formats.unit(str(array.attrs.get("units", "1")), lang)
    text = say(lang, "multiples.scale", low=low, high=high)
    return escape(f"{text} {unit}".rstrip()) + "."


def _each(array: xr.DataArray, span: slice, lang: str) -> str:
    size = bucket(len(range(*span.indices(array.sizes["time"]))))
    if size == 1:
        return ""
    frequency = str(array.attrs.get("frequency", "day"))
    return say(lang, f"multiples.each_{frequency}", count=size) + " "


def _shown(
    city: City,
    array: xr.DataArray,
    codes: list[str],
    area: str,
    time: np.datetime64 | None,
    lang: str,
) -> tuple[list[str], str]:
    """Which areas there is room for, and a word about it."""
    if len(codes) <= MANY:
        return codes, ""
    above = city.ancestors(area)[0] if area in codes else area
    within = [code for code in codes if above in city.ancestors(code)]
    if above != city.code and within:
        name = city.area_name(above, lang)
        return within, escape(say(lang, "multiples.within", name=name))
    values = read.at(array, array["time"].values[-1] if time is None else time)
    first = read.ranked(values, codes)[:SHOWN]
    note = say(lang, "multiples.largest", shown=len(first), count=len(codes))
    return first, escape(note)
