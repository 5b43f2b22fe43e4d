"""An indicator's page: its history, how the areas stand in it, and how it is made."""

from __future__ import annotations

from html import escape
from typing import Any

from ipywidgets import Box

from citylib.city.errors import CityError
from citylib.look.words import say
from citylib.panels.download import take_away
from citylib.panels.history import HistoryPanel
from citylib.panels.links import go
from citylib.panels.map import choices
from citylib.panels.model import CityModel
from citylib.panels.picture import reading as read
from citylib.panels.picture.distribution import distribution
from citylib.panels.picture.grade import grade, state
from citylib.panels.picture.method import method
from citylib.panels.picture.multiples import multiples
from citylib.panels.picture.ranks import ranks
from citylib.panels.picture.tile import badges, change, figure, local_now, when
from citylib.panels.touch import Markup

FOLLOWED = ["page", "indicator", "place", "area", "language", "version"]


class IndicatorPage(Box):
    """History with a range, ranking, small multiples, distribution, method and download.

    Parameters
    ----------
    model : CityModel
        Says which indicator, period and area. As one of a dashboard's pages it lies still while
        another is shown; in a notebook it always follows.

    Examples
    --------
    >>> in_notebook(model, IndicatorPage(model))  # doctest: +SKIP
    """

    def __init__(self, model: CityModel) -> None:
        self._model = model
        self._paged = model.page == "indicator"
        self.heading = Markup(name="page-heading")
        self.take = take_away(model)
        self.history = HistoryPanel(model)
        self.ranking, self.multiples, self.distribution, self.method = (
            Markup(name=f"chart-{name}")
            for name in ("ranks", "multiples", "distribution", "method")
        )
        self.heading.on_press(self._pressed)
        for part in (self.ranking, self.multiples):
            part.on_press(lambda what: go(model, what))
        self.history.on_range(self._draw_range)
        top = Box([self.heading, self.take])
        top.add_class("page-top")
        for part in (self.ranking, self.multiples, self.distribution, self.method):
            part.add_class("city-chart")
        parts = [self.history, self.ranking, self.multiples, self.distribution, self.method]
        super().__init__([top, *parts])
        self.add_class("city-indicator")
        self._declared = _Declared(model)
        model.observe(self._update, FOLLOWED)
        model.observe(self._fit, ["rem"])
        self._fit()
        self._update()

    def fit(self, rem: int) -> None:
        """Leave room for type of `rem` pixels."""
        self.history.fit(rem)

    def _fit(self, _change: Any = None) -> None:
        self.fit(self._model.rem)

    def _pressed(self, what: str) -> None:
        if what in self._model.ids:  # chosen from the list
            self._model.show(what)
        else:
            go(self._model, what)

    def _update(self, _change: Any = None) -> None:
        model = self._model
        if self._paged and model.page != "indicator":
            return
        lang, city, array = model.language, model.city, model.array
        # A figure for the whole city has no ranking and no other areas.
        (self.remove_class if model.known else self.add_class)("whole")
        self.heading.html = heading(model, back=self._paged)
        self.history.update()
        time = model.times[model.place] if model.times.size else None
        self.ranking.html = ranks(city, array, lang, time, model.area)
        title = say(lang, "method.title")
        told = method(city, array, lang, self._declared.of(model.indicator))
        # What scrolls must be reached by key.
        self.method.html = (
            f'<h3>{title}</h3><div class="scroll" tabindex="0" role="region" '
            f'aria-label="{title}">{told}</div>'
        )
        self._draw_range()

    def _draw_range(self) -> None:
        """What goes with the range of the history."""
        model, span = self._model, self.history.span
        lang, city, array = model.language, model.city, model.array
        time = model.times[model.place] if model.times.size else None
        self.multiples.html = multiples(city, array, lang, model.area, span, time)
        self.distribution.html = distribution(city, array, lang, time, model.area, span)


class _Declared:
    """Declarations of the city's indicators, read when they are first asked for."""

    def __init__(self, model: CityModel) -> None:
        self._folder = model.city.folder
        self._read: dict[str, Any] | None = None

    def of(self, indicator: str) -> Any:
        if self._read is None:
            from citylib.indicators.declared import FOLDER, load_indicators

            try:
                self._read = load_indicators(self._folder / FOLDER)
            except CityError:  # a mistake in a file of today takes no figure off the screen
                self._read = {}
        return self._read.get(indicator)


def heading(model: CityModel, back: bool) -> str:
    """Which indicator, of where and when: the choice of both, figure, change, age.

    Parameters
    ----------
    back : bool
        Whether there is a first page that a key leads back to.
    """
    lang, city, array = model.language, model.city, model.array
    area = model.area if model.area in read.areas_of(array) else city.code
    found = model.reading(area)
    where = grade(array, found.value, lang)
    name = say(lang, "whole_city") if area == city.code else read.place_name(city, area, lang)
    keys = back_key(lang) if back else ""
    profile = ""
    if back and area != city.code:
        text = escape(say(lang, "district.open", name=name))
        profile = (
            f'<button type="button" class="key" data-press="district:{escape(area)}" '
            f'aria-label="{text}">{say(lang, "district.profile")}</button>'
        )
    replay = ""
    if found.replayed:
        replay = f'<span class="note">{say(lang, "replayed_detail")}</span>'
    return (
        f'{keys}<h2 class="hidden">{escape(found.title)}</h2>'
        f'<label class="choice"><span class="hidden">{say(lang, "choose")}</span>'
        f"<select>{choices(model)}</select></label>"
        f'<p class="shown" data-area="{escape(area)}"><span class="place">{escape(name)}</span> '
        f"{figure(found, lang)} {state(where, found.units, lang)} {change(found, lang)} "
        f'<span class="when">{when(found, lang, local_now(city))}</span> '
        f"{badges(found, lang)}{replay}</p>{profile}"
    )


def back_key(lang: str) -> str:
    """The way back to the dashboard's first page."""
    return (
        f'<button type="button" class="key back" data-press="page:glance">'
        f'<span aria-hidden="true">←</span> {say(lang, "page.glance")}</button>'
    )
