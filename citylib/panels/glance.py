"""The first page: the state of the city in one view."""

from __future__ import annotations

from typing import Any

from ipywidgets import Box

from citylib.look.figures import period
from citylib.look.words import say
from citylib.panels.charts import ChartPanel
from citylib.panels.map import MapPanel
from citylib.panels.model import CityModel
from citylib.panels.picture.tile import tile
from citylib.panels.touch import TileRow, TimeControl

STEPS = {"hour": 24, "day": 7}


class Glance(Box):
    """Tiles, map, time and charts over one model, in a grid that suits wall, laptop and phone.

    Parameters
    ----------
    model : CityModel
        City and figures.
    """

    def __init__(self, model: CityModel) -> None:
        self._model = model
        self.tiles = TileRow()
        self.time = TimeControl()
        # Before map and charts, which take longer: what is named never lags behind them.
        model.observe(self._choose_tile, ["indicator"])
        model.observe(self._draw_time, ["indicator", "place", "language", "version"])
        self.map = MapPanel(model)
        self.charts = ChartPanel(model)
        super().__init__([self.tiles, self.map, self.time, self.charts])
        self.add_class("city-glance")
        self._draw_tiles()
        self._draw_time()
        self._choose_tile()
        self._fit()
        self.tiles.on_touch(model.show)
        self.time.observe(lambda change: model.move(change.new), ["wish"])
        model.observe(self._draw_tiles, ["language", "version"])
        model.observe(self._fit, ["rem"])

    def _fit(self, _change: Any = None) -> None:
        self.charts.fit(self._model.rem)

    def _choose_tile(self, _change: Any = None) -> None:
        model = self._model
        self.tiles.selected = model.indicator if model.indicator in model.headlines else ""

    def _draw_tiles(self, _change: Any = None) -> None:
        model, lang = self._model, self._model.language
        self.tiles.label = say(lang, "tiles")
        self.tiles.tiles = [
            {"id": name, "html": tile(model.city, model.figures[name], lang)}
            for name in model.headlines
        ]

    def _draw_time(self, _change: Any = None) -> None:
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
