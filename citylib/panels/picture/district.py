"""An area's profile: how it stands in each indicator, and where it lies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from math import isfinite, nan
from typing import TYPE_CHECKING

import numpy as np

from citylib.city.neighbours import neighbours
from citylib.city.profile import City
from citylib.look import figures as formats
from citylib.look.theme import THEMES
from citylib.look.words import say
from citylib.panels.picture import reading as read
from citylib.panels.picture.charts import sparkline
from citylib.panels.picture.choropleth import WIDTH, Projection, basemap
from citylib.panels.picture.grade import SIGNS, Grade, beyond, grade, state
from citylib.panels.picture.tile import SPARK, badges, figure, when

if TYPE_CHECKING:
    import xarray as xr

DIGITS = 3
LIGHT = THEMES["light"]


@dataclass(frozen=True)
class Standing:
    """How an area stands in an indicator, in the newest period with a figure for it.

    Attributes
    ----------
    found : Reading
        The area's own figure.
    values : dict of str to float
        Figures of all areas in that period, by code.
    reference : float
        What it is compared with: the city's figure, or of sums the areas' mean.
    around : float
        Mean of the areas that touch it; NaN: none of them has a figure.
    part : float
        Of sums, the share of the city's figure in percent; NaN for others.
    rank, count : int
        Place among the areas, the largest figure first, and how many have one.
    grade : Grade or None
        Where the figure stands among published thresholds.
    """

    found: read.Reading
    values: dict[str, float]
    reference: float
    around: float
    part: float
    rank: int
    count: int
    grade: Grade | None

    @property
    def beyond(self) -> bool:
        """Whether the figure is past the threshold that must not be passed."""
        return self.grade is not None and self.grade.beyond


def standing(city: City, array: xr.DataArray, area: str, lang: str) -> Standing | None:
    """How an area stands in an indicator; None if it has no figure for the area.

    Parameters
    ----------
    city : City
        Profile with the boundaries.
    array : xarray.DataArray
        Indicator from the cube, dims `(time, area)`.
    area : str
        Code of an area within the city.
    lang : str
        Language of the title.
    """
    if area == city.code or area not in read.areas_of(array):
        return None
    found = read.reading(array, area, lang)
    if found.time is None or not isfinite(found.value):
        return None
    values = read.at(array, found.time)
    order = read.ranked(values, read.districts(array, city.code))
    level = city.levels[read.level_of(array, city)]
    near = [values.get(code, nan) for code in neighbours(level).get(area, ())]
    near = [value for value in near if isfinite(value)]
    whole = values.get(city.code, nan)
    place = np.flatnonzero(array["time"].values == np.datetime64(found.time))
    shares = read.is_sum(array) and whole > 0
    return Standing(
        found=found,
        values={code: values[code] for code in order},
        reference=float(read.reference(array, city.code)[place[0]]),
        around=float(np.mean(near)) if near else nan,
        part=found.value / whole * 100 if shares else nan,
        rank=order.index(area) + 1,
        count=len(order),
        grade=grade(array, found.value, lang),
    )


def standings(
    city: City, figures: Mapping[str, xr.DataArray], names: Iterable[str], area: str, lang: str
) -> list[Standing]:
    """How an area stands in all indicators that know it; what is past its threshold comes first.

    Parameters
    ----------
    figures : mapping of str to xarray.DataArray
        Indicators by id.
    names : iterable of str
        Which of them, in which order.
    """
    found = [standing(city, figures[name], area, lang) for name in names]
    known = [one for one in found if one is not None]
    return sorted(known, key=lambda one: not one.beyond)


def cards(
    city: City,
    figures: Mapping[str, xr.DataArray],
    known: Iterable[Standing],
    lang: str,
    now: datetime,
) -> str:
    """How an area stands as an HTML list; each card leads to the indicator's page.

    Parameters
    ----------
    known : iterable of Standing
        From `standings`.
    now : datetime
        The city's civil time, for the age.
    """
    items = [f"<li>{_card(city, figures[one.found.id], one, lang, now)}</li>" for one in known]
    if not items:
        return f'<p class="missing-word">{say(lang, "missing")}</p>'
    return f'<ul class="standings">{"".join(items)}</ul>'


def _card(city: City, array: xr.DataArray, one: Standing, lang: str, now: datetime) -> str:
    found = one.found
    domain = city.domain_name(found.domain, lang)
    marks = badges(found, lang) if found.replayed or found.classification != "public" else ""
    recent = read.settled(array, read.column(array, found.area))
    known = np.flatnonzero(np.isfinite(recent))
    last = int(known[-1]) + 1 if known.size else 0
    line = sparkline(recent[max(0, last - SPARK[found.frequency]) : last])
    says = formats.alike([one.reference, one.around], lang, DIGITS)
    against = say(lang, "district_mean" if read.is_sum(array) else "whole_city")
    rows = [_compared("second", against, one.reference, says[0], "city")]
    if isfinite(one.around):
        rows.append(_compared("third", say(lang, "district.around"), one.around, says[1], "around"))
    if isfinite(one.part):
        text = f"{one.part:.1f}%"
        rows.append(_compared("none", say(lang, "district.part"), one.part, text, "part"))
    alarm = " beyond" if one.beyond else ""
    rank = say(lang, "of_districts", rank=one.rank, count=one.count)
    return (
        f'<button type="button" class="standing{alarm}" data-press="indicator:{escape(found.id)}" '
        f'data-indicator="{escape(found.id)}">'
        f'<span class="of-domain">{escape(domain)}</span>'
        f'<span class="tile-title">{escape(found.title)}</span>'
        f'<span class="tile-row">{figure(found, lang)}'
        f'<span class="standing-rank" data-rank="{one.rank}" data-count="{one.count}">{rank}'
        "</span></span>"
        f"{state(one.grade, found.units, lang)}{strip(one)}"
        f'<span class="against">{"".join(rows)}</span>{line}'
        f'<span class="tile-foot">{when(found, lang, now)} {marks}</span></button>'
    )


def _compared(kind: str, name: str, value: float, text: str, what: str) -> str:
    return (
        f'<span class="key-{kind}">{escape(name)} '
        f'<data class="{what}" value="{value!r}">{text}</data></span> '
    )


def strip(one: Standing) -> str:
    """All areas as strokes on one line, with the area, its neighbours' mean and the city marked."""
    every = [*one.values.values(), one.reference]
    low, high = min(every), max(every)
    width = (high - low) or 1.0

    def at(value: float) -> str:
        return f"{2 + (value - low) / width * 96:.1f}"

    body = "".join(f'<path class="one" d="M{at(value)} 5v6"/>' for value in one.values.values())
    if isfinite(one.around):
        body += f'<path class="third" d="M{at(one.around)} 3v10"/>'
    body += f'<path class="second" d="M{at(one.reference)} 3v10"/>'
    body += f'<path class="first" d="M{at(one.found.value)} 0v16"/>'
    return (
        '<svg class="strip" viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="base" d="M2 8h96"/>{body}</svg>'
    )


def locator(city: City, level: str, area: str) -> str:
    """Where an area lies: a map whose areas can be touched.

    It says nothing to a screen reader: the list of the areas beside it does.

    Parameters
    ----------
    level : str
        Key of the city's levels.
    area : str
        Code of the marked area; of the city: none is marked.
    """
    shapes = city.levels[level].geojson()
    draw = Projection(shapes)
    around = neighbours(city.levels[level]).get(area, ())
    parts = []
    for feature in shapes["features"]:
        code = str(feature["properties"]["code"])
        kind = "own" if code == area else "around" if code in around else "other"
        parts.append(
            f'<path class="place {kind}" stroke="{LIGHT["edge"]}" '
            f'data-press="district:{escape(code)}" '
            f'd="{draw.polygons(feature["geometry"])}"/>'
        )
    # What is marked lies over its neighbours' edges.
    parts.sort(key=lambda part: ('place own"' in part, 'place around"' in part))
    return (
        f'<svg class="locator" aria-hidden="true" viewBox="0 0 {WIDTH} {draw.height}">'
        f"{''.join(parts)}{basemap(city, draw)}</svg>"
    )


def near_by(city: City, level: str, area: str, lang: str) -> str:
    """The areas that touch an area, as keys that lead to them."""
    codes = neighbours(city.levels[level]).get(area, ())
    if not codes:
        return f'<p class="note">{say(lang, "district.alone")}</p>'
    keys = "".join(
        f'<li><button type="button" class="key" data-press="district:{escape(code)}">'
        f"{escape(read.place_name(city, code, lang, True))}</button></li>"
        for code in codes
    )
    return f'<ul class="near">{keys}</ul>'


def key(lang: str) -> str:
    """What the marks of a card stand for, as an HTML list."""
    rows = [
        ("first", say(lang, "district.own")),
        ("second", say(lang, "district.against")),
        ("third", say(lang, "district.around_detail")),
        ("one", say(lang, "district.each")),
    ]
    items = "".join(f'<li><span class="key-{kind}">{text}</span></li>' for kind, text in rows)
    return f'<ul class="strip-key">{items}</ul>'


def choice(
    city: City, figures: Mapping[str, xr.DataArray], names: Iterable[str], level: str, lang: str
) -> str:
    """All areas of a level as keys, with how many figures are past their threshold in each.

    Parameters
    ----------
    names : iterable of str
        Indicators that count; each in the newest period with a figure for the city.
    """
    areas = city.levels[level].areas
    past = dict.fromkeys(areas, 0)
    for name in names:
        array = figures[name]
        if "alarm" in array.attrs:
            values = read.at(array, read.reading(array, city.code, lang).time)
            for code in beyond(array, values, areas):
                past[code] += 1
    items = []
    for code in sorted(areas, key=lambda code: -past[code]):
        alarm = ""
        if past[code]:
            words = say(lang, "district.past", count=past[code])
            alarm = f'<span class="state beyond">{SIGNS["beyond"]} {words}</span>'
        items.append(
            f'<li><button type="button" class="key area-key" data-press="district:{escape(code)}" '
            f'data-past="{past[code]}"><span>{escape(read.place_name(city, code, lang, True))}'
            f"</span>{alarm}</button></li>"
        )
    return f'<ul class="area-keys">{"".join(items)}</ul>'
