"""The history of an indicator, with a range that is dragged, pinched, wheeled or moved by key."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from math import isfinite
from typing import Any

import anywidget
import bqplot
import numpy as np
from ipywidgets import Box, widget_serialization
from traitlets import Float, Instance, Int, Unicode

from citylib.look import figures
from citylib.look.words import say
from citylib.panels.charts import FIRST, QUIET, SECOND, bqplot_figure, margins
from citylib.panels.model import CityModel
from citylib.panels.picture import reading as read
from citylib.panels.picture.axes import date_ticks, ticks
from citylib.panels.picture.charts import WINDOW, single
from citylib.panels.picture.thin import thinned
from citylib.panels.touch import Markup, script

ALARM = "var(--bad)"
LEAST = 4
"""Periods that the shortest range holds."""
POINTS = 1500
"""Points of a line at most; of longer ranges each part's lowest and highest figure are drawn."""
# Keys for ranges, in periods of each frequency; None: all of it.
RANGES: dict[str, dict[str, int | None]] = {
    "hour": {"day": 24, "fortnight": 336, "month": 720, "year": 8766, "all": None},
    "day": {"month": 31, "year": 366, "years": 5 * 366, "all": None},
    "month": {"year": 12, "years": 60, "decade": 120, "all": None},
    "year": {"decade": 10, "all": None},
}


class Zoom(anywidget.AnyWidget):
    """A surface over a figure whose time scale follows mouse, finger, wheel and keys.

    Times are milliseconds since 1970 in the city's civil time, as bqplot's scales count.
    """

    _esm = script("zoom")

    scale = Instance(bqplot.DateScale).tag(sync=True, **widget_serialization)
    """The time scale that is moved; in the browser alone."""

    figure = Instance(bqplot.Figure).tag(sync=True, **widget_serialization)
    """What lies below; its margins are not part of the range."""

    first = Float().tag(sync=True)
    last = Float().tag(sync=True)
    """Starts of the first and the last period that there are."""

    begin = Float().tag(sync=True)
    end = Float().tag(sync=True)
    """The range that is shown."""

    least = Float(1.0).tag(sync=True)
    """Length of the shortest range."""

    when = Float().tag(sync=True)
    """Start of the chosen period."""

    place = Int().tag(sync=True)
    count = Int().tag(sync=True)
    """The chosen period's index, and how many there are."""

    tip = Unicode().tag(sync=True)
    """The chosen period and its figure in words."""

    name = Unicode().tag(sync=True)
    """What this is, for screen readers."""

    answered = Int().tag(sync=True)
    """Number of the newest wish that has been answered."""


class HistoryPanel(Box):
    """History of the chosen area beside what it is compared with; a touch chooses the period.

    Parameters
    ----------
    model : CityModel
        What is shown.

    Attributes
    ----------
    span : slice
        The periods that are shown.
    """

    def __init__(self, model: CityModel) -> None:
        self._model = model
        self.span = slice(0, 0)
        self._shown: tuple[str, int] = ("", 0)
        self._told: list[Callable[[], None]] = []
        across, up = bqplot.DateScale(), bqplot.LinearScale()
        scales = {"x": across, "y": up}
        self.lines = [
            bqplot.Lines(x=np.array([], "datetime64[ns]"), y=[], scales=scales, colors=[colour])
            for colour in (SECOND, FIRST)
        ]
        self.limits = bqplot.Lines(x=[], y=[], scales=scales, colors=[QUIET], line_style="dashed")
        self.limits.stroke_width = 1.2
        axes = [
            bqplot.Axis(scale=across, grid_lines="none"),
            bqplot.Axis(scale=up, orientation="vertical"),
        ]
        self.figure = bqplot_figure([self.limits, *self.lines], axes)
        self.title = Markup(name="chart-title")
        self.title.on_press(self._pressed)
        self.zoom = Zoom(scale=across, figure=self.figure)
        self.zoom.on_msg(self._asked)
        plot = Box([self.figure, self.zoom])
        plot.add_class("city-plot")
        super().__init__([self.title, plot])
        self.add_class("city-chart")
        self.add_class("chart-range")

    def on_range(self, callback: Callable[[], None]) -> None:
        """Call when another range is shown."""
        self._told.append(callback)

    def fit(self, rem: int) -> None:
        """Leave room for type of `rem` pixels."""
        self.figure.fig_margin = margins(top=1.7, bottom=1.7, left=3.8, right=1.0, rem=rem)
        for line in self.lines:
            line.stroke_width = max(2.0, rem / 9)

    def update(self) -> None:
        """Draw what the model shows; another indicator begins with its newest periods."""
        model = self._model
        name, size = model.indicator, self._times().size
        grown = size - self._shown[1]
        if name != self._shown[0]:
            self._go_to(size - WINDOW[self._frequency()], size)
        elif grown and self.span.stop >= self._shown[1]:
            self._go_to(self.span.start + grown, size)
        self._shown = (name, size)
        place = self._place()
        if not self.span.start <= place < self.span.stop:
            half = (self.span.stop - self.span.start) // 2
            self._go_to(place - half, place + half)
        self._draw()

    def show(self, key: str) -> None:
        """Show a range by the name of its key: the newest month, year, … or all of it."""
        count = RANGES[self._frequency()].get(key, 0)
        size = self._times().size
        if count != 0:
            self._go_to(0 if count is None else size - count, size)
            self._draw()
            self._tell()

    def _times(self) -> np.ndarray:
        """Starts of the periods up to the last one with a figure."""
        times = np.asarray(self._model.array["time"].values, dtype="datetime64[ms]")
        return times[: _ended(self._model)]

    def _frequency(self) -> str:
        return str(self._model.array.attrs.get("frequency", "day"))

    def _place(self) -> int:
        """Index of the chosen period among all, with a figure or without."""
        if not self._model.times.size:
            return 0
        moment = self._model.times[self._model.place].astype("datetime64[ms]")
        return int(np.searchsorted(self._times(), moment))

    def _go_to(self, start: int, stop: int) -> None:
        """Show periods from `start` to before `stop`, held within what there is."""
        size = self._times().size
        count = max(min(LEAST, size), min(size, stop - start))
        start = min(max(start, 0), max(0, size - count))
        self.span = slice(start, start + count)

    def _tell(self) -> None:
        for callback in self._told:
            callback()

    def _pressed(self, what: str) -> None:
        kind, _, value = what.partition(":")
        if kind == "range":
            self.show(value)

    def _asked(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        """What the browser asks for; anything may be in it."""
        model = self._model
        if isinstance(step := content.get("step"), int):
            model.move(model.place + max(-1, min(1, step)))
        elif _number(moment := content.get("at")):
            if model.times.size:
                times = model.times.astype("datetime64[ms]").astype("int64")
                model.move(int(np.argmin(np.abs(times - moment))))
        elif isinstance(asked := content.get("range"), list) and len(asked) == 2:
            if all(map(_number, asked)) and self._times().size:
                times = self._times().astype("int64")
                start = int(np.searchsorted(times, min(asked), side="right")) - 1
                stop = int(np.searchsorted(times, max(asked), side="left")) + 1
                self._go_to(start, stop)
                self._draw(exact=(float(min(asked)), float(max(asked))))
                self._tell()
            if isinstance(number := content.get("number"), int):
                self.zoom.answered = number

    def _draw(self, exact: tuple[float, float] | None = None) -> None:
        model, array, times = self._model, self._model.array, self._times()
        city = model.city
        area = model.area if model.area in read.areas_of(array) else city.code
        compared = area != city.code
        own = read.settled(array, read.column(array, area))[: times.size]
        other = read.settled(array, read.reference(array, city.code))[: times.size]
        visible = [own[self.span], *([other[self.span]] if compared else [])]
        marks = ticks(np.concatenate(visible) if visible else [])
        with self.figure.hold_sync(), self.lines[0].hold_sync(), self.lines[1].hold_sync():
            for line, values, wanted in zip(
                self.lines, (other, own), (compared, True), strict=True
            ):
                # A line that ends in a gap has no end that bqplot could find.
                last = int(np.flatnonzero(np.isfinite(values)).max(initial=-1)) + 1
                kept = thinned(values[:last], self.span, POINTS) if wanted else ()
                kept = np.asarray(kept, dtype=int)
                line.x, line.y = times[kept].astype("datetime64[ns]"), values[kept]
            up = self.lines[0].scales["y"]
            up.min, up.max = marks[0], marks[-1]
            self._draw_limits(times, marks)
            self._draw_axes(times[self.span], marks)
        self._draw_zoom(times, exact)
        self._draw_title(area, compared)

    def _draw_limits(self, times: np.ndarray, marks: list[float]) -> None:
        """Thresholds that lie within the picture, as dashed lines."""
        attrs = self._model.array.attrs
        said = [float(value) for value in np.atleast_1d(attrs.get("thresholds", []))]
        inside = [value for value in said if marks[0] < value < marks[-1]]
        with self.limits.hold_sync():
            self.limits.x = times[[0, -1] if inside else []].astype("datetime64[ns]")
            self.limits.y = np.array([[value, value] for value in inside])
            self.limits.colors = [
                ALARM if value == attrs.get("alarm") else QUIET for value in inside
            ] or [QUIET]

    def _draw_axes(self, times: np.ndarray, marks: list[float]) -> None:
        lang = self._model.language
        across, up = self.figure.axes
        up.tick_labels = {
            f"{mark:.10f}".rstrip("0").rstrip("."): text
            for mark, text in zip(marks, figures.alike(marks, lang), strict=True)
        }
        up.tick_values = np.array(marks)
        if times.size:
            unit, dates = date_ticks(times, self._frequency())
            across.tick_format = figures.AXIS_DATES.get(lang, figures.AXIS_DATES["en"])[unit]
            across.tick_values = dates.astype("datetime64[ns]")

    def _draw_zoom(self, times: np.ndarray, exact: tuple[float, float] | None) -> None:
        model, zoom, lang = self._model, self.zoom, self._model.language
        if not times.size:
            return
        stamps = times.astype("int64").astype("float64")
        found = model.reading(model.area if model.area in read.areas_of(model.array) else None)
        with zoom.hold_sync():
            zoom.first, zoom.last = float(stamps[0]), float(stamps[-1])
            zoom.least = float(min(stamps[-1] - stamps[0], LEAST * np.diff(stamps).max(initial=1)))
            shown = (float(stamps[self.span.start]), float(stamps[self.span.stop - 1]))
            zoom.begin, zoom.end = exact or shown
            zoom.place, zoom.count = model.place, model.times.size
            zoom.when = float(stamps[self._place()])
            zoom.tip = f"{found.when(lang)}: {found.says(lang)}"
            zoom.name = say(lang, "range.surface", title=found.title)

    def _draw_title(self, area: str, compared: bool) -> None:
        model, lang = self._model, self._model.language
        city, array = model.city, model.array
        name = say(lang, "whole_city") if area == city.code else None
        names = [("first", name or read.place_name(city, area, lang, True))]
        if compared:
            names.append(("second", say(lang, _reference(array))))
        keys = "".join(f'<span class="key-{k}">{escape(text)}</span>' for k, text in names)
        alone = single(array, area, lang)
        self.figure.layout.visibility = "visible" if alone is None else "hidden"
        self.zoom.layout.visibility = self.figure.layout.visibility
        unit = figures.unit(str(array.attrs.get("units", "1")), lang)
        mark = f' <span class="unit">{escape(unit)}</span>' if unit else ""
        note = escape(alone) if alone else keys
        self.title.html = f'<h3>{say(lang, "history")}{mark}</h3><p class="note">{note}</p>' + (
            "" if alone else self._keys()
        )

    def _keys(self) -> str:
        lang, size, keys = self._model.language, self._times().size, []
        for key, count in RANGES[self._frequency()].items():
            if count is not None and count >= size:
                continue
            on = self.span == slice(0 if count is None else size - count, size)
            keys.append(
                f'<button type="button" class="key" data-press="range:{key}" '
                f'aria-pressed="{str(on).lower()}">{say(lang, f"range.{key}")}</button>'
            )
        if len(keys) < 2:
            return ""
        label = escape(say(lang, "range.choose"))
        return f'<div class="ranges" role="group" aria-label="{label}">{"".join(keys)}</div>'


def _reference(array: Any) -> str:
    return "district_mean" if read.is_sum(array) else "whole_city"


def _ended(model: CityModel) -> int:
    """How many periods there are up to the last one with a figure."""
    times = model.array["time"].values
    if not model.times.size:
        return int(times.size)
    return int(np.searchsorted(times, model.times[-1])) + 1


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
