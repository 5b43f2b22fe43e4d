"""The map of the city, coloured by the chosen indicator."""

from __future__ import annotations

from html import escape
from typing import Any

import ipyleaflet
import numpy as np
from ipywidgets import Box

from citylib.look import colours
from citylib.look.words import say
from citylib.panels.model import CityModel
from citylib.panels.picture import reading as read
from citylib.panels.picture.basemap import layers
from citylib.panels.picture.choropleth import bounds_of, label, legend
from citylib.panels.picture.tile import badges, figure, local_now, when
from citylib.panels.touch import Areas, Markup


class MapPanel(Box):
    """Leaflet map of the areas, with heading, legend and values under the finger.

    It draws the level of areas that the chosen indicator knows. Basemap and boundaries of a level
    travel to the browser once; a change of indicator, period or language sends colours and words
    alone.

    Parameters
    ----------
    model : CityModel
        What is shown; touching an area changes it.
    """

    def __init__(self, model: CityModel) -> None:
        self._model = model
        city = model.city
        self._level = city.levels[read.level_of(model.array, city)]
        shapes = self._level.geojson()
        self._drawn = {self._level.id: _areas(shapes)}
        west, south, east, north = bounds_of(shapes)
        self.map = ipyleaflet.Map(
            center=((south + north) / 2, (west + east) / 2),
            zoom=11,
            zoom_snap=0,
            zoom_delta=0.5,
            layers=(self._drawn[self._level.id], *_basemap(model)),
            attribution_control=False,
            zoom_control=False,
            scroll_wheel_zoom=False,
            box_zoom=False,
            keyboard=False,
        )
        self.areas = Areas(map=self.map, bounds=[[south, west], [north, east]])
        self.areas.on_touch(model.touch)
        self.heading = Markup(name="city-map-heading")
        self.heading.on_press(self._pressed)
        self.legend = Markup(name="city-legend")
        super().__init__([self.heading, self.map, self.areas, self.legend])
        self.add_class("city-map")
        model.observe(self._update, ["indicator", "place", "language", "area", "version"])
        model.observe(self._name_controls, ["language"])
        self._name_controls()
        self._update()

    def _name_controls(self, _change: Any = None) -> None:
        """Zoom keys in the reader's language: leaflet takes their names when it makes them."""
        lang = self._model.language
        zoom = ipyleaflet.ZoomControl(
            zoom_out_text="−",
            zoom_in_title=say(lang, "zoom_in"),
            zoom_out_title=say(lang, "zoom_out"),
        )
        self.map.controls = (zoom,)

    def _draw_level(self) -> None:
        """Put the areas of the indicator's level in the place of those of another."""
        level = self._model.city.levels[read.level_of(self._model.array, self._model.city)]
        if level.id == self._level.id:
            return
        self._level = level
        if level.id not in self._drawn:
            self._drawn[level.id] = _areas(level.geojson())
        self.map.layers = (self._drawn[level.id], *self.map.layers[1:])

    def _pressed(self, what: str) -> None:
        if what == "city":
            self._model.area = self._model.city.code
        else:
            self._model.show(what)

    def _update(self, _change: Any = None) -> None:
        model, city, lang = self._model, self._model.city, self._model.language
        self._draw_level()
        found = model.reading()
        values = read.at(model.array, model.time)
        inner = {code: values.get(code, np.nan) for code in self._level.areas}
        limits = colours.breaks(inner.values())
        with self.areas.hold_sync():
            self.areas.labels = {
                code: label(city, code, value, found.units, lang) for code, value in inner.items()
            }
            self.areas.colours = {
                code: colours.paint(value, limits) for code, value in inner.items()
            }
            self.areas.selected = model.area
        self.heading.html = heading(model)
        if model.known:
            self.legend.html = legend(inner.values(), found.units, lang)
        else:
            self.legend.html = f'<p class="note">{say(lang, "city_only")}</p>'


def heading(model: CityModel) -> str:
    """What the map shows, for whom and when: the choice of indicators, figure, period, source."""
    lang, city = model.language, model.city
    found = model.reading(model.area)
    place, back = say(lang, "whole_city"), ""
    if model.area != city.code:
        place = read.place_name(city, model.area, lang)
        back = (
            f'<button type="button" class="key back" data-press="city">'
            f'<span aria-hidden="true">↩</span> {say(lang, "whole_city")}'
            f'<span class="hidden"> ({say(lang, "back_to_city")})</span></button>'
        )
    return (
        f'<label class="choice"><span class="hidden">{say(lang, "choose")}</span>'
        f"<select>{choices(model)}</select></label>"
        f'<p class="shown" data-area="{model.area}"><span class="place">{escape(place)}</span> '
        f"{figure(found, lang)} {when(found, lang, local_now(city))} "
        f"{badges(found, lang)} "
        f'<span class="source">{say(lang, "source")}: {escape(found.source)}</span></p>{back}'
    )


def choices(model: CityModel) -> str:
    """All indicators as options, grouped by domain."""
    groups: dict[str, list[str]] = {}
    for name in model.ids:
        array = model.figures[name]
        chosen = " selected" if name == model.indicator else ""
        text = escape(read.title_of(array, model.language))
        option = f'<option value="{escape(name)}"{chosen}>{text}</option>'
        groups.setdefault(str(array.attrs.get("domain", "")), []).append(option)
    return "".join(
        f'<optgroup label="{escape(say(model.language, f"domain.{domain}", default=domain))}">'
        f"{''.join(options)}</optgroup>"
        for domain, options in groups.items()
    )


def _areas(shapes: dict[str, Any]) -> ipyleaflet.GeoJSON:
    features = [
        {
            **feature,
            "properties": {
                **feature["properties"],
                "style": {"className": f"area area-{feature['properties']['code']}", "weight": 1},
            },
        }
        for feature in shapes["features"]
    ]
    return ipyleaflet.GeoJSON(
        data={"type": "FeatureCollection", "features": features},
        name="areas",
        style={"fillOpacity": 1},
    )


def _basemap(model: CityModel) -> list[ipyleaflet.GeoJSON]:
    return [
        ipyleaflet.GeoJSON(
            data=shapes,
            name=layer.id,
            style={"className": "basemap-water" if layer.kind == "water" else "basemap-rail"},
        )
        for layer, shapes in layers(model.city)
    ]
