"""The first page: the state of the city in one view."""

from __future__ import annotations

from typing import Any

from ipywidgets import Box

from citylib.look.figures import period
from citylib.look.words import say
from citylib.panels.layers import CoverageLayer
from citylib.panels.map import MapPanel
from citylib.panels.model import CityModel
from citylib.panels.picture.aside import ranks, trend
from citylib.panels.picture.domain import opened, overview
from citylib.panels.picture.tile import local_now
from citylib.panels.touch import Markup, TimeControl

STEPS = {"hour": 24, "day": 7}
SHOWN = ["indicator", "place", "area", "language", "version"]


class Glance(Box):
    """Domains, map and time, and the chosen place among the others.

    Parameters
    ----------
    model : CityModel
        City and figures.
    """

    def __init__(self, model: CityModel) -> None:
        self._model = model
        self._seen: dict[str, tuple[object, ...]] = {}
        self.domains = Markup(name="city-domains")
        self.domains.on_press(self._pressed)
        self.time = TimeControl()
        # Before map and charts, which take longer: what is named never lags behind them.
        model.observe(self._draw_domains, ["indicator", "domain", "language", "version"])
        model.observe(self._draw_time, ["indicator", "place", "language", "version"])
        self.map = MapPanel(model, [CoverageLayer(), *model.layers])
        self.trend, self.ranks = Markup(name="city-trend"), Markup(name="city-ranks")
        self.ranks.on_press(self._pressed)
        aside = Box([self.trend, self.ranks])
        aside.add_class("city-aside")
        super().__init__([self.domains, self.map, self.time, aside])
        self.add_class("city-glance")
        self._draw_domains()
        self._draw_time()
        self._draw_aside()
        self.time.observe(lambda change: model.move(change.new), ["wish"])
        model.observe(self._draw_aside, SHOWN)

    def _pressed(self, what: str) -> None:
        model = self._model
        kind, _, value = what.partition(":")
        if kind == "show":
            with model.hold_trait_notifications():
                model.layer = ""
                model.show(value)
        elif kind == "domain":
            model.domain = value
        elif kind == "area":
            model.touch(value)  # the chosen one again: back to the whole city

    def _drawn(self, part: str) -> bool:
        """Whether a part shows the model as it is; it is taken to do so from now on."""
        drawn, self._seen[part] = self._seen.get(part) == self._model.seen, self._model.seen
        return drawn

    def _draw_domains(self, _change: Any = None) -> None:
        if self._drawn("domains"):
            return
        model, lang, now = self._model, self._model.language, local_now(self._model.city)
        chosen = next((one for one in model.domains if one.id == model.domain), None)
        if chosen is not None:
            html = opened(model.city, model.figures, chosen, lang, model.indicator, now)
        else:
            html = overview(model.city, model.figures, model.domains, lang, model.indicator, now)
        self.domains.html = html

    def _draw_aside(self, _change: Any = None) -> None:
        if self._drawn("aside"):
            return
        model = self._model
        about = (model.city, model.array, model.language, model.area, model.time)
        self.trend.html = trend(*about)
        self.ranks.html = ranks(*about)

    def _draw_time(self, _change: Any = None) -> None:
        if self._drawn("time"):
            return
        model, lang, control = self._model, self._model.language, self.time
        frequency = str(model.array.attrs.get("frequency", "day"))
        count = model.times.size
        step = STEPS.get(frequency, 1) if count > 60 else 1
        with control.hold_sync():
            control.indicator = model.indicator
            control.length, control.step = count, step
            control.place = control.wish = model.place
            control.restart = max(0, count - 1 - 60 * step)
            control.label = period(model.time, frequency, lang) if model.time else ""
            control.words = {
                key: say(lang, key) for key in ("time", "play", "pause", "earlier", "later")
            }
