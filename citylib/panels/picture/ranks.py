"""The ranking of all areas, as a list whose rows can be touched."""

from __future__ import annotations

from html import escape
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from citylib.city.profile import City
from citylib.look import figures as formats
from citylib.look.words import say
from citylib.panels.picture import reading as read
from citylib.panels.picture.grade import SIGNS, beyond

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
        An HTML list of buttons, each with `data-press="area:<code>"` and, in `<data>`, the cube's
        figure. Where the city's figure or the areas' mean would stand, a line says it.
    """
    codes = read.districts(array, city.code)
    if not codes:
        return f'<p class="missing-word">{say(lang, "city_only")}</p>'
    values = read.at(array, time)
    order = read.ranked(values, codes)
    missing = [code for code in codes if code not in set(order)]
    says = formats.alike([values[code] for code in order], lang, DIGITS)
    low = min([0.0, *(values[code] for code in order)])
    width = (max([0.0, *(values[code] for code in order)]) - low) or 1.0
    past = set(beyond(array, values, order))
    items = []
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
    return f'<ol class="ranks">{"".join(items)}</ol>'


def _alarm(lang: str) -> str:
    return (
        f'<span class="state beyond">{SIGNS["beyond"]}'
        f'<span class="hidden">{say(lang, "beyond")} </span></span> '
    )


def _row(city: City, code: str, area: str, lang: str, place: str, bar: str, figure: str) -> str:
    name = escape(read.place_name(city, code, lang, True))
    return (
        f'<li><button type="button" class="rank-row" data-press="area:{escape(code)}" '
        f'data-area="{escape(code)}" aria-pressed="{str(code == area).lower()}">'
        f'<span class="place">{place}</span> <span class="name">{name}</span>{bar}'
        f'<span class="says">{figure}</span></button></li>'
    )


def summary(
    city: City, array: xr.DataArray, lang: str, time: np.datetime64 | None, area: str
) -> str:
    """Where the chosen area stands, and between which figures: a line over the ranking."""
    values = read.at(array, time)
    order = read.ranked(values, read.districts(array, city.code))
    if not order:
        return ""
    units = str(array.attrs.get("units", "1"))
    told = [
        f"{say(lang, 'middle')} "
        + formats.figure(float(np.median([values[code] for code in order])), units, lang, True)
    ]
    if area in order and isfinite(values[area]):
        told.insert(0, say(lang, "of_districts", rank=order.index(area) + 1, count=len(order)))
    return escape(" · ".join(told))
