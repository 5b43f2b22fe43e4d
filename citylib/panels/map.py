"""The map of the city: one layer at a time, its legend, and what is chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import ipyleaflet
from ipywidgets import Box

from citylib.look.words import say
from citylib.panels.layers import IndicatorLayer, Layer
from citylib.panels.model import CityModel
from citylib.panels.picture import reading as read
from citylib.panels.picture.basemap import layers
from citylib.panels.picture.choropleth import bounds_of
from citylib.panels.picture.grade import grade, state
from citylib.panels.picture.tile import badge, figure, local_now, replay_mark, when
from citylib.panels.touch import Areas, Markup

BUTTONS = 2
"""Levels of areas that have a button each; more of them share a list."""


class MapPanel(Box):
    """Leaflet map of the areas, with heading, switch of layers, legend and values under the finger.

    It draws the level of areas that the chosen indicator knows. Basemap and boundaries of a level
    travel to the browser once; a change of indicator, period or language sends colours and words
    alone.

    Parameters
    ----------
    model : CityModel
        What is shown; touching an area changes it.
    more : sequence of Layer
        Layers beside those of the indicators.
    """

    def __init__(self, model: CityModel, more: Sequence[Layer] = ()) -> None:
        self._model = model
        city = model.city
        known = {read.level_of(model.figures[name], city) for name in model.ids}
        group = "level" if len(known) > BUTTONS else ""
        self._indicators = {
            level: IndicatorLayer(city, level, group) for level in city.levels if level in known
        }
        self._more = {layer.name: layer for layer in more}
        self._level = city.levels[read.level_of(model.array, city)]
        self._layer: Layer = self._wanted()
        self._seen: tuple[object, ...] = ()
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
        self.areas.on_touch(lambda area: self._layer.on_touch(area, model))
        self.heading = Markup(name="city-map-heading")
        self.heading.on_press(self._pressed)
        self.legend = Markup(name="city-legend")
        super().__init__([self.heading, self.map, self.areas, self.legend])
        self.add_class("city-map")
        model.observe(self._update, ["indicator", "place", "language", "area", "version", "layer"])
        model.observe(self._name_controls, ["language"])
        self._name_controls()
        self._update()

    @property
    def codes(self) -> list[str]:
        """Codes of the areas on the map."""
        return list(self._level.areas)

    def paint(
        self, paints: Mapping[str, str], labels: Mapping[str, str], marked: Iterable[str] = ()
    ) -> None:
        """Colour the areas.

        Parameters
        ----------
        paints : mapping of str to str
            By code the name of a colour, `class-0` … `class-5` or `missing`; empty: outlines.
        labels : mapping of str to str
            By code what the area says.
        marked : iterable of str
            Areas that stand out, past a threshold.
        """
        plain = {} if paints else dict.fromkeys(labels, "plain")
        with self.areas.hold_sync():
            self.areas.labels = dict(labels)
            self.areas.colours = dict(paints) or plain
            self.areas.marked = list(marked)
            self.areas.selected = self._model.area

    def put(self, drawn: ipyleaflet.Layer) -> None:
        """Lay something over the areas; once it is there, nothing happens."""
        if drawn not in self.map.layers:
            self.map.layers = (self.map.layers[0], drawn, *self.map.layers[1:])

    def take(self, drawn: ipyleaflet.Layer) -> None:
        """Take it away again."""
        self.map.layers = tuple(layer for layer in self.map.layers if layer is not drawn)

    def _wanted(self) -> Layer:
        model = self._model
        chosen = self._more.get(model.layer)
        return chosen or self._indicators[read.level_of(model.array, model.city)]

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
        model = self._model
        kind, _, value = what.partition(":")
        if what == "city":
            model.area = model.city.code
        elif kind == "layer" and value in self._indicators:
            with model.hold_trait_notifications():
                model.layer = ""
                if value != read.level_of(model.array, model.city):
                    model.show(self._of_level(value))
        elif kind == "layer" and value in self._more:
            model.layer = value
        elif kind == "page" and value in ("district", "indicator"):
            model.page = value
        elif value == "":
            with model.hold_trait_notifications():
                model.layer = ""
                model.show(what)

    def _of_level(self, level: str) -> str:
        """An indicator that knows a level: of the same domain, if there is one."""
        model = self._model
        domain = model.array.attrs.get("domain")
        fitting = [n for n in model.ids if read.level_of(model.figures[n], model.city) == level]
        known = [n for n in fitting if read.districts(model.figures[n], model.city.code)]
        same = [name for name in known if model.figures[name].attrs.get("domain") == domain]
        return [*same, *known, *fitting][0]

    def _update(self, _change: Any = None) -> None:
        model = self._model
        if self._seen == model.seen:
            return
        self._seen = model.seen
        self._draw_level()
        wanted = self._wanted()
        if wanted is not self._layer:
            self._layer.clear(self)
            self._layer = wanted
        wanted.draw(self, model)
        self.heading.html = heading(
            model, [*self._indicators.values(), *self._more.values()], wanted
        )
        self.legend.html = wanted.legend(model)


def heading(model: CityModel, on_offer: Sequence[Layer] = (), shown: Layer | None = None) -> str:
    """What the map shows, for whom and when: indicator, layer, figure, class, period, source."""
    lang, city = model.language, model.city
    found = model.reading(model.area)
    place, back = say(lang, "whole_city"), ""
    if model.area != city.code:
        place = read.place_name(city, model.area, lang)
        back = (
            f'<button type="button" class="key back" data-press="city">'
            f'<span aria-hidden="true">↩</span> {say(lang, "whole_city")}'
            f'<span class="hidden"> ({say(lang, "back_to_city")})</span></button>'
            f'<button type="button" class="key" data-press="page:district">'
            f"{say(lang, 'open_district')}</button>"
        )
    offered = on_offer if len(on_offer) > 1 else ()
    marks = replay_mark(found, lang)
    if found.classification != "public":
        marks += badge(found.classification, lang)
    return (
        f'<div class="line"><label class="choice"><span class="hidden">{say(lang, "choose")}</span>'
        f"<select>{choices(model)}</select></label>"
        f'<div class="layers" role="group" aria-label="{say(lang, "layers")}">'
        f"{switch(offered, shown, lang)}</div></div>"
        f'<div class="line"><p class="shown" data-area="{model.area}">'
        f'<span class="place">{escape(place)}</span> '
        f"{figure(found, lang)} {state(grade(model.array, found.value, lang), found.units, lang)} "
        f"{when(found, lang, local_now(city))} {marks} "
        f'<span class="source">{say(lang, "source")}: {escape(found.source)}</span></p>'
        f'<div class="doors">{back}<button type="button" class="key" data-press="page:indicator">'
        f"{say(lang, 'open_indicator')}</button></div></div>"
    )


def switch(on_offer: Sequence[Layer], shown: Layer | None, lang: str) -> str:
    """The layers as buttons; those of a group as one list."""
    alone = "".join(
        f'<button type="button" class="key" data-press="layer:{escape(layer.name)}" '
        f'aria-pressed="{str(layer is shown).lower()}">{escape(layer.words(lang))}</button>'
        for layer in on_offer
        if not layer.group
    )
    lists = []
    first = on_offer and on_offer[0].group  # the levels of areas lead in either form
    for group in dict.fromkeys(layer.group for layer in on_offer if layer.group):
        members = [layer for layer in on_offer if layer.group == group]
        chosen = " chosen" if any(layer is shown for layer in members) else ""
        options = "".join(
            f'<option value="layer:{escape(layer.name)}"{" selected" if layer is shown else ""}>'
            f"{escape(layer.words(lang))}</option>"
            for layer in members
        )
        name = say(lang, f"layer.{group}")
        lists.append(
            f'<select class="key{chosen}" aria-label="{name}">'
            f"<option disabled{'' if chosen else ' selected'}>{name}</option>{options}</select>"
        )
    return "".join(lists[:1] if first else []) + alone + "".join(lists[bool(first) :])


def choices(model: CityModel) -> str:
    """All indicators as options, grouped by domain."""
    return "".join(
        f'<optgroup label="{escape(domain.name)}">'
        + "".join(
            f'<option value="{escape(one.id)}"{" selected" if one.id == model.indicator else ""}>'
            f"{escape(read.title_of(model.figures[one.id], model.language))}</option>"
            for one in domain.members
        )
        + "</optgroup>"
        for domain in model.domains
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
