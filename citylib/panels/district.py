"""An area's page: all its indicators, against the city and the areas around it."""

from __future__ import annotations

from html import escape
from typing import Any

from ipywidgets import Box

from citylib.city.areas import AreaLevel
from citylib.look.words import say
from citylib.panels.cameras import NAME
from citylib.panels.indicator import FOLLOWED, back_key
from citylib.panels.links import go
from citylib.panels.model import CityModel
from citylib.panels.picture import reading as read
from citylib.panels.picture.district import (
    Standing,
    cards,
    choice,
    key,
    locator,
    near_by,
    standings,
)
from citylib.panels.picture.grade import SIGNS
from citylib.panels.picture.tile import local_now
from citylib.panels.touch import Markup


class DistrictPage(Box):
    """The profile of the chosen area; without one, the choice of an area.

    Parameters
    ----------
    model : CityModel
        Says which area. As one of a dashboard's pages it lies still while another is shown; in a
        notebook it always follows.

    Examples
    --------
    >>> in_notebook(model, DistrictPage(model))  # doctest: +SKIP
    """

    def __init__(self, model: CityModel) -> None:
        self._model = model
        self._paged = model.page == "district"
        self._drawn: tuple[Any, ...] = ()
        self.heading = Markup(name="page-heading")
        self.place = Markup(name="district-place")
        self.place.add_class("city-chart")
        self.standings = Markup(name="district-standings")
        self.others = Markup(name="district-others")
        self.others.add_class("city-chart")
        for part in (self.heading, self.place, self.standings, self.others):
            part.on_press(self._pressed)
        top = Box([self.heading])
        top.add_class("page-top")
        super().__init__([top, self.place, self.standings, self.others])
        self.add_class("city-district")
        model.observe(self._update, FOLLOWED)
        self._update()

    def _pressed(self, what: str) -> None:
        model = self._model
        kind, _, value = what.partition(":")
        if kind == "district" and not self._paged:
            what = f"area:{value}"
        go(model, what)

    def _update(self, _change: Any = None) -> None:
        model = self._model
        if self._paged and model.page != "district":
            return
        lang, city, area = model.language, model.city, model.area
        if (shown := (area, lang, model.version)) == self._drawn:
            return  # another indicator or period of the other pages
        self._drawn = shown
        level = self._level()
        known = standings(city, model.figures, model.ids, area, lang)
        self.heading.html = heading(model, level, known, back=self._paged)
        around = ""
        if area != city.code:
            around = f"<h3>{say(lang, 'district.neighbours')}</h3>"
            around += near_by(city, level.id, area, lang)
            around += f"<h3>{say(lang, 'district.key')}</h3>{key(lang)}"
        self.place.html = f'<div class="where">{locator(city, level.id, area)}</div>{around}'
        self.others.html = _others(model)
        (self.others.remove_class if self.others.html else self.others.add_class)("empty")
        if area == city.code:
            self.add_class("choosing")
            self.standings.html = choice(city, model.figures, model.ids, level.id, lang)
        else:
            self.remove_class("choosing")
            self.standings.html = cards(city, model.figures, known, lang, local_now(city))

    def _level(self) -> AreaLevel:
        city, area = self._model.city, self._model.area
        if area != city.code:
            return city.levels[city.level_of(area)]
        known = read.level_of(self._model.array, city)
        return city.levels[known] if city.levels[known].parent is None else _coarsest(city)


def _coarsest(city: Any) -> AreaLevel:
    level: AreaLevel = next(iter(city.levels.values()))
    return level


def heading(model: CityModel, level: AreaLevel, known: list[Standing], back: bool) -> str:
    """Which area: its name, the choice of another, and the way to the area around it.

    Parameters
    ----------
    known : list of Standing
        How the area stands in its indicators.
    back : bool
        Whether there is a first page that a key leads back to.
    """
    lang, city, area = model.language, model.city, model.area
    name = read.place_name(city, area, lang) if area != city.code else say(lang, "district.choose")
    options = "".join(
        f'<option value="district:{escape(code)}"{" selected" if code == area else ""}>'
        f"{escape(read.place_name(city, code, lang, True))}</option>"
        for code in level.areas
    )
    none = "" if area != city.code else f'<option value="" selected>{name}</option>'
    above = ""
    if area != city.code and (outer := city.ancestors(area)[0]) != city.code:
        above = (
            f'<button type="button" class="key" data-press="district:{escape(outer)}">'
            f"{escape(city.area_name(outer, lang))}</button>"
        )
    kind = level.name.get(lang) or level.id
    return (
        f'{back_key(lang) if back else ""}<h2 class="hidden">{escape(name)}</h2>'
        f'<label class="choice"><span class="hidden">{escape(kind)}</span>'
        f"<select>{none}{options}</select></label>{above}{_cameras(model) if back else ''}"
        f"{_summary(known, lang)}"
    )


def _summary(known: list[Standing], lang: str) -> str:
    """How many indicators there are, and how many are past their threshold."""
    if not known:
        return ""
    past = sum(one.beyond for one in known)
    alarm = ""
    if past:
        words = say(lang, "district.past", count=past)
        alarm = f' <span class="state beyond">{SIGNS["beyond"]} {words}</span>'
    return f'<p class="shown">{say(lang, "district.count", count=len(known))}{alarm}</p>'


def _cameras(model: CityModel) -> str:
    """The way to the cameras of the area, where the map has some."""
    if model.area == model.city.code or NAME not in {layer.name for layer in model.layers}:
        return ""
    return (
        f'<button type="button" class="key" data-press="layer:{NAME}">'
        f"{say(model.language, 'cameras.here')}</button>"
    )


def _others(model: CityModel) -> str:
    """Indicators that know nothing of the area, as keys that lead to their pages."""
    keys = "".join(
        f'<li><button type="button" class="key" data-press="indicator:{escape(name)}">'
        f"{escape(read.title_of(model.figures[name], model.language))}</button></li>"
        for name in model.ids
        if model.area not in read.areas_of(model.figures[name])
    )
    if not keys or model.area == model.city.code:
        return ""
    return f'<h3>{say(model.language, "district.others")}</h3><ul class="near">{keys}</ul>'
