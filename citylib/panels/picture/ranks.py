"""The ranking of all areas, as a list whose rows can be touched."""

from __future__ import annotations

from html import escape
from math import isfinite, nan
from typing import TYPE_CHECKING

import numpy as np

from citylib.city.profile import City
from citylib.look import figures as formats
from citylib.look.words import say
from citylib.panels.picture import reading as read
from citylib.panels.picture.grade import SIGNS, beyond
from citylib.panels.picture.multiples import titled

if TYPE_CHECKING:
    import xarray as xr

DIGITS = 3


def ranks(city: City, array: xr.DataArray, lang: str, time: np.datetime64 | None, area: str) -> str:
    """All areas with their figures in a period, the largest first; then those without one.

    Parameters
    ----------
    array : xarray.DataArray
        Indicator from the cube, dims `(time, area)`.
    time : datetime64 or None
        Start of the period.
    area : str
        Code of the chosen area.

    Returns
    -------
    str
        HTML: a title with the chosen area's place and the median, and a list of buttons, each with
        `data-press="area:<code>"` and, in `<data>`, the cube's figure; the city's own comes first.
    """
    title = say(lang, "ranking")
    codes = read.districts(array, city.code)
    if not codes:
        return titled(title, "", f'<p class="missing-word">{say(lang, "city_only")}</p>')
    values = read.at(array, time)
    order = read.ranked(values, codes)
    missing = [code for code in codes if code not in set(order)]
    says = formats.alike([values[code] for code in order], lang, DIGITS)
    low = min([0.0, *(values[code] for code in order)])
    width = (max([0.0, *(values[code] for code in order)]) - low) or 1.0
    past = set(beyond(array, values, order))
    items = []
    whole = values.get(city.code, nan)
    if isfinite(whole):
        text = formats.figure(whole, str(array.attrs.get("units", "1")), lang, short=True)
        told = f'<data value="{whole!r}">{escape(text)}</data>'
        items.append(_row(city, city.code, area, lang, "", "", told))
    for place, (code, text) in enumerate(zip(order, says, strict=True), 1):
        value = values[code]
        start, end = sorted((0.0 - low, value - low))
        bar = (
            f'<span class="track"><span class="bar" style="margin-left:{start / width:.2%};'
            f'width:{(end - start) / width:.2%}"></span></span>'
        )
        says_it = f'{_alarm(lang) if code in past else ""}<data value="{value!r}">{text}</data>'
        items.append(_row(city, code, area, lang, f"{place}.", bar, says_it))
    for code in missing:
        word = f'<span class="missing-word">{say(lang, "missing")}</span>'
        items.append(_row(city, code, area, lang, "", "", word))
    return titled(
        title,
        _summary(values, order, area, str(array.attrs.get("units", "1")), lang),
        f'<ol class="ranks">{"".join(items)}</ol>',
    )


def _alarm(lang: str) -> str:
    return (
        f'<span class="state beyond">{SIGNS["beyond"]}'
        f'<span class="hidden">{say(lang, "beyond")} </span></span> '
    )


def _row(city: City, code: str, area: str, lang: str, place: str, bar: str, figure: str) -> str:
    whole = code == city.code
    name = escape(say(lang, "whole_city") if whole else read.place_name(city, code, lang, True))
    return (
        f'<li><button type="button" class="rank-row" data-press="area:{escape(code)}" '
        f'data-area="{escape(code)}" aria-pressed="{str(code == area).lower()}">'
        f'<span class="place">{place}</span> <span class="name">{name}</span>{bar}'
        f'<span class="says">{figure}</span></button></li>'
    )


def _summary(values: dict[str, float], order: list[str], area: str, units: str, lang: str) -> str:
    """Where the chosen area stands, and the figure in the middle."""
    if not order:
        return ""
    median = float(np.median([values[code] for code in order]))
    told = [f"{say(lang, 'middle')} {formats.figure(median, units, lang, short=True)}"]
    if area in order:
        told.insert(0, say(lang, "of_districts", rank=order.index(area) + 1, count=len(order)))
    return escape(" · ".join(told))
