"""What the map can show: a layer draws itself on the map and explains itself in the legend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from citylib.city.profile import City
from citylib.indicators.densities import told_densities, told_squares
from citylib.look import colours, figures
from citylib.look.words import say
from citylib.panels.model import CityModel
from citylib.panels.picture import reading as read
from citylib.panels.picture.choropleth import label
from citylib.panels.picture.grade import beyond, grade
from citylib.panels.picture.key import explained, key, noted

if TYPE_CHECKING:
    from citylib.panels.map import MapPanel


class Layer(Protocol):
    """Something that the map can show, one at a time.

    Attributes
    ----------
    name : str
        Short and unique; the address keeps it.
    group : str
        Layers of one group share a list in the switch, named by the word `layer.<group>`; those of
        none have a button each.
    """

    name: str
    group: str

    def words(self, lang: str) -> str:
        """What the switch calls it."""

    def draw(self, panel: MapPanel, model: CityModel) -> None:
        """Show the state of the model: colours and words of areas, things on the map.

        Called when the layer is chosen and after each change of the model.
        """

    def legend(self, model: CityModel) -> str:
        """What the map means, as HTML."""

    def on_touch(self, area: str, model: CityModel) -> None:
        """An area was touched."""

    def clear(self, panel: MapPanel) -> None:
        """Take away what is not an area's colour; another layer is coming."""


class IndicatorLayer:
    """The chosen indicator by the areas of one level.

    Parameters
    ----------
    city : City
        Profile.
    level : str
        Level of areas; choosing the layer chooses an indicator that knows it.
    group : str
        As `Layer` has it; for a city with many levels.
    """

    def __init__(self, city: City, level: str, group: str = "") -> None:
        self._city = city
        self.level = level
        self.name, self.group = level, group

    def words(self, lang: str) -> str:
        names = self._city.levels[self.level].name
        return names.get(lang) or names[self._city.languages[0]]

    def draw(self, panel: MapPanel, model: CityModel) -> None:
        values = self._values(model)
        limits = colours.breaks(values.values())
        panel.paint(
            {code: colours.paint(value, limits) for code, value in values.items()},
            {code: self._label(model, code, value) for code, value in values.items()},
            beyond(model.array, values, values),
        )

    def legend(self, model: CityModel) -> str:
        if not model.known:
            return noted("", say(model.language, "city_only"))
        return explained(
            self._values(model).values(), model.array, model.language, self.words(model.language)
        )

    def on_touch(self, area: str, model: CityModel) -> None:
        model.touch(area)

    def clear(self, panel: MapPanel) -> None:
        pass

    def _values(self, model: CityModel) -> dict[str, float]:
        values = read.at(model.array, model.time)
        level = read.level_of(model.array, model.city)
        return {code: values.get(code, np.nan) for code in model.city.levels[level].areas}

    def _label(self, model: CityModel, code: str, value: float) -> str:
        lang = model.language
        units = str(model.array.attrs.get("units", "1"))
        said = label(model.city, code, value, units, lang)
        where = grade(model.array, value, lang)
        return f"{said} · {where.word}" if where else said


class CoverageLayer:
    """How many of the indicators have a figure for an area in their newest period."""

    name, group = "coverage", ""

    def words(self, lang: str) -> str:
        return say(lang, "layer.coverage")

    def draw(self, panel: MapPanel, model: CityModel) -> None:
        counts, names = self._counts(model)
        limits = colours.breaks(counts.values())
        lang = model.language
        panel.paint(
            {code: colours.paint(count or np.nan, limits) for code, count in counts.items()},
            {
                code: f"{read.place_name(model.city, code, lang)}: "
                + say(lang, "layer.covered", count=int(count), all=names)
                for code, count in counts.items()
            },
        )

    def legend(self, model: CityModel) -> str:
        counts, names = self._counts(model)
        note = say(model.language, "layer.coverage_note", all=names)
        values = [count or np.nan for count in counts.values()]
        return noted(key(values, "1", model.language), note)

    def on_touch(self, area: str, model: CityModel) -> None:
        model.touch(area)

    def clear(self, panel: MapPanel) -> None:
        pass

    def _counts(self, model: CityModel) -> tuple[dict[str, float], int]:
        level = read.level_of(model.array, model.city)
        areas = dict.fromkeys(model.city.levels[level].areas, 0.0)
        fitting = 0
        for name in model.ids:
            array = model.figures[name]
            if not read.districts(array, model.city.code):
                continue
            if read.level_of(array, model.city) != level:
                continue
            fitting += 1
            values = read.at(array, model.times_of(name)[-1])
            for code in areas:
                areas[code] += bool(np.isfinite(values.get(code, np.nan)))
        return areas, fitting


class DensityLayer:
    """How many records lie in each cell of a grid.

    Parameters
    ----------
    dataset : str
        Whose records.
    title : dict of str to str
        What they are, by language.
    cell : float
        Width of a cell, in metres.
    squares : callable () -> list
        The cells as GeoJSON features with the property `count`; asked for when they are shown.
    """

    def __init__(
        self,
        dataset: str,
        title: Mapping[str, str],
        cell: float,
        squares: Callable[[], list[dict[str, Any]]],
    ) -> None:
        self.name, self.group = f"density-{dataset}", "density"
        self._title, self._cell = dict(title), cell
        self._read = squares
        self._drawn: Any = None

    @cached_property
    def _squares(self) -> list[dict[str, Any]]:
        return self._read()

    @property
    def _counts(self) -> list[float]:
        return [float(one["properties"]["count"]) for one in self._squares]

    def words(self, lang: str) -> str:
        return self._title.get(lang) or next(iter(self._title.values()))

    def draw(self, panel: MapPanel, model: CityModel) -> None:
        import ipyleaflet

        lang = model.language
        panel.paint({}, {code: read.place_name(model.city, code, lang) for code in panel.codes})
        if self._drawn is None:
            counts = self._counts
            limits = colours.breaks(counts)
            features = [
                {**one, "properties": {"style": {"className": f"cell {colours.paint(n, limits)}"}}}
                for one, n in zip(self._squares, counts, strict=True)
            ]
            self._drawn = ipyleaflet.GeoJSON(
                data={"type": "FeatureCollection", "features": features},
                name="cells",
                style={"weight": 0, "fillOpacity": 0.9},
            )
        panel.put(self._drawn)

    def legend(self, model: CityModel) -> str:
        lang = model.language
        size = figures.number(self._cell, lang)
        note = say(lang, "layer.density_note", size=size, title=self.words(lang))
        return noted(key(self._counts, "1", lang), note)

    def on_touch(self, area: str, model: CityModel) -> None:
        model.touch(area)

    def clear(self, panel: MapPanel) -> None:
        if self._drawn is not None:
            panel.take(self._drawn)


def density_layers(place: Path) -> tuple[Layer, ...]:
    """A layer for each map in the folder that `citylib compute` fills."""
    return tuple(
        DensityLayer(name, told["title"], float(told["cell"]), partial(told_squares, place, name))
        for name, told in told_densities(place).items()
    )
