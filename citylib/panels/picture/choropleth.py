"""A map of areas coloured by an indicator, as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from html import escape
from itertools import pairwise
from math import cos, radians
from typing import TYPE_CHECKING, Any

import numpy as np

from citylib.city.profile import City
from citylib.look import colours, figures
from citylib.look.theme import CLASSES, THEMES
from citylib.look.words import say
from citylib.panels.picture import reading as read
from citylib.panels.picture.basemap import layers

if TYPE_CHECKING:
    import xarray as xr

WIDTH = 1000
PAD = 12
DIGITS = 3
LIGHT = THEMES["light"]


def choropleth(
    city: City,
    array: xr.DataArray,
    lang: str,
    time: datetime | np.datetime64 | None = None,
) -> str:
    """Map of an indicator in one period.

    Parameters
    ----------
    city : City
        Profile: boundaries and basemap.
    array : xarray.DataArray
        Indicator from the cube, dims `(time, area)`.
    lang : str
        Language.
    time : datetime, optional
        Start of the period; by default the last one with a figure for the city.

    Returns
    -------
    str
        SVG. Each area is a `<path>` with `data-area`, `data-value` (the cube's figure, `nan` if
        missing) and a `<title>`; missing ones are hatched.
    """
    found = read.reading(array, city.code, lang, time)
    values = read.at(array, found.time)
    level = city.levels[read.level_of(array, city)]
    shapes = level.geojson()
    limits = colours.breaks(values.get(code, np.nan) for code in level.areas)
    draw = Projection(shapes)
    name = say(lang, "map_of", title=found.title, period=found.when(lang))
    # One pattern for each picture on a page, or hiding the first would blank the others.
    hatch = f"hatch-{found.id}-{lang}"
    areas = []
    for feature in shapes["features"]:
        code = str(feature["properties"]["code"])
        value = values.get(code, np.nan)
        kind = colours.paint(value, limits)
        fill = f"url(#{hatch})" if kind == colours.MISSING else _light(kind)
        areas.append(
            f'<path class="area {kind}" fill="{fill}" stroke="{LIGHT["edge"]}" '
            f'data-area="{code}" data-value="{value!r}" d="{draw.polygons(feature["geometry"])}">'
            f"<title>{escape(label(city, code, value, found.units, lang))}</title></path>"
        )
    return (
        f'<svg class="map" role="img" viewBox="0 0 {WIDTH} {draw.height}" '
        f'aria-label="{escape(name)}"><title>{escape(name)}</title>'
        f"<defs>{hatching(hatch)}</defs>{''.join(areas)}{basemap(city, draw)}</svg>"
    )


def label(city: City, code: str, value: float, units: str, lang: str) -> str:
    """What an area says when it is pointed at."""
    text = figures.figure(value, units, lang) if np.isfinite(value) else say(lang, "missing")
    return f"{read.place_name(city, code, lang)}: {text}"


def legend(values: Iterable[float], units: str, lang: str) -> str:
    """Legend of a map as an HTML list: each class with its limits, and what missing looks like."""
    given = list(values)
    known = [value for value in given if np.isfinite(value)]
    limits = colours.breaks(known)
    classes = len(limits) + 1
    rows = [
        (colours.shade(place, classes), text) for place, text in enumerate(class_texts(known, lang))
    ]
    if len(known) < len(given):
        rows.append((colours.MISSING, say(lang, "missing")))
    items = "".join(
        f'<li><svg class="key" viewBox="0 0 20 20" aria-hidden="true">'
        f'<rect class="area {kind}" width="20" height="20" fill="{_light(kind)}"/></svg>'
        f"{text}</li>"
        for kind, text in reversed(rows)
    )
    mark = figures.unit(units, lang) if known else ""
    head = escape(mark) if mark else say(lang, "legend")
    return f'<div class="legend"><span class="legend-unit">{head}</span><ul>{items}</ul></div>'


def class_texts(known: list[float], lang: str) -> list[str]:
    """Each class in words of which no two hold the same figure: `10–19`, or `1.0 – < 1.5`."""
    limits = colours.breaks(known)
    if not limits:
        return figures.alike(known[:1], lang, DIGITS)
    whole = all(value == round(value) for value in known) and max(map(abs, known)) < figures.ROOMY
    if whole:
        starts = [min(known), *limits]
        ends = [*(limit - 1 for limit in limits), max(known)]
        return [
            figures.number(first, lang)
            if first == last
            else f"{figures.number(first, lang)}–{figures.number(last, lang)}"
            for first, last in zip(starts, ends, strict=True)
        ]
    texts = figures.alike(limits, lang)
    between = [f"{first} – &lt; {last}" for first, last in pairwise(texts)]
    return [f"&lt; {texts[0]}", *between, f"≥ {texts[-1]}"]


def hatching(name: str) -> str:
    """SVG pattern for missing figures."""
    return (
        f'<pattern id="{name}" width="10" height="10" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect class="hatch-ground" width="10" height="10" '
        f'fill="{LIGHT["raised"]}"/><rect class="hatch-line" width="3" height="10" '
        f'fill="{LIGHT["missing"]}"/></pattern>'
    )


def basemap(city: City, draw: Projection) -> str:
    """Water and lines of the city, drawn over the areas so that people find their way."""
    parts = []
    for layer, shapes in layers(city):
        features = shapes["features"]
        if layer.kind == "water":
            path = "".join(draw.polygons(feature["geometry"]) for feature in features)
            style = f'class="water" fill="{LIGHT["water"]}"'
        else:
            path = "".join(draw.lines(feature["geometry"]) for feature in features)
            style = f'class="rail" fill="none" stroke="{LIGHT["rail"]}"'
        parts.append(f'<path {style} d="{path}"/>')
    return f'<g class="basemap" aria-hidden="true">{"".join(parts)}</g>'


def bounds_of(shapes: dict[str, Any]) -> tuple[float, float, float, float]:
    """West, south, east, north of a FeatureCollection, degrees."""
    points = np.array(
        [
            p[:2]
            for feature in shapes["features"]
            for ring in _rings(feature["geometry"])
            for p in ring
        ]
    )
    west, south = points.min(axis=0)
    east, north = points.max(axis=0)
    return float(west), float(south), float(east), float(north)


class Projection:
    """From degrees to whole units of a picture `WIDTH` wide: true to scale at the middle."""

    def __init__(self, shapes: dict[str, Any]) -> None:
        self.west, south, east, self.north = bounds_of(shapes)
        squeeze = cos(radians((south + self.north) / 2))
        self.scale_x = (WIDTH - 2 * PAD) / (east - self.west)
        self.scale_y = self.scale_x / squeeze
        self.height = round((self.north - south) * self.scale_y) + 2 * PAD

    def polygons(self, geometry: dict[str, Any]) -> str:
        """Path of the rings of a Polygon or MultiPolygon."""
        return "".join(path + "z" for ring in _rings(geometry) if (path := self._path(ring, 3)))

    def lines(self, geometry: dict[str, Any]) -> str:
        """Path of a LineString or MultiLineString."""
        kind, parts = geometry["type"], geometry["coordinates"]
        runs = parts if kind == "MultiLineString" else [parts] if kind == "LineString" else []
        return "".join(self._path(run, 2) for run in runs)

    def _path(self, points: list[list[float]], least: int) -> str:
        xy = np.array([point[:2] for point in points])
        x = np.rint(PAD + (xy[:, 0] - self.west) * self.scale_x).astype(int)
        y = np.rint(PAD + (self.north - xy[:, 1]) * self.scale_y).astype(int)
        moved = np.ones(x.size, dtype=bool)
        moved[1:] = (np.diff(x) != 0) | (np.diff(y) != 0)
        x, y = x[moved], y[moved]
        if x.size < least:
            return ""
        steps = [f"{dx} {dy}" for dx, dy in zip(np.diff(x), np.diff(y), strict=True)]
        return f"M{x[0]} {y[0]}l{' '.join(steps)}".replace(" -", "-")


def _rings(geometry: dict[str, Any]) -> Iterator[list[list[float]]]:
    if geometry["type"] == "Polygon":
        yield from geometry["coordinates"]
    elif geometry["type"] == "MultiPolygon":
        for polygon in geometry["coordinates"]:
            yield from polygon


def _light(kind: str) -> str:
    if kind == colours.MISSING:
        return LIGHT["missing"]
    return CLASSES["light"][int(kind.removeprefix("class-"))]
