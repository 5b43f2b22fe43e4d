"""Charts of the chosen indicator: history, ranking, comparison with the city."""

from __future__ import annotations

from html import escape
from typing import Any

import bqplot
import numpy as np
from ipywidgets import Box, Layout

from citylib.city.profile import City
from citylib.look import figures
from citylib.look.words import say
from citylib.panels.model import CityModel
from citylib.panels.picture import reading as read
from citylib.panels.picture.axes import date_ticks, ticks
from citylib.panels.picture.charts import DIGITS, WINDOW, shown_ranks, single
from citylib.panels.touch import Markup

FIRST, SECOND, QUIET = "var(--first)", "var(--second)", "var(--line)"
# Full letters beside the bars, less the rank and the figure.
NAME_ROOM = 12.0


class ChartPanel(Box):
    """History of the chosen area beside what it is compared with, ranking, comparison.

    Parameters
    ----------
    model : CityModel
        What is shown.
    """

    def __init__(self, model: CityModel) -> None:
        self._model = model
        self.titles = [Markup(name="chart-title") for _ in range(3)]
        self.history, self._lines = _history()
        self.ranking, self._ranks = _bars()
        self.comparison, self._parts = _bars()
        parts = zip(
            ("history", "ranking", "comparison"),
            self.titles,
            (self.history, self.ranking, self.comparison),
            strict=True,
        )
        boxes = []
        for name, title, chart in parts:
            box = Box([title, chart])
            box.add_class("city-chart")
            box.add_class(f"chart-{name}")
            boxes.append(box)
        super().__init__(boxes)
        self.add_class("city-charts")
        model.observe(self._update, ["indicator", "place", "language", "area", "version"])
        self._update()

    def fit(self, rem: int) -> None:
        """Leave room for type of `rem` pixels."""
        self.history.fig_margin = margins(top=0.5, bottom=1.6, left=3.6, right=2.2, rem=rem)
        for chart in (self.ranking, self.comparison):
            chart.fig_margin = margins(top=0.1, bottom=0.1, left=12.5, right=0.6, rem=rem)
        for mark in self._lines[:2]:
            mark.stroke_width = max(2.0, rem / 8)

    def _update(self, _change: Any = None) -> None:
        self._draw_history()
        self._draw_ranking()
        self._draw_comparison()

    def _draw_history(self) -> None:
        model, lang, city = self._model, self._model.language, self._model.city
        array, found = model.array, model.reading()
        own, other, chosen = self._lines
        times = np.asarray(array["time"].values, dtype="datetime64[ns]")
        if model.times.size:  # what ended earlier than others of its table has no empty end
            times = times[: int(np.searchsorted(times, model.times[-1])) + 1]
        place = 0
        if model.time is not None:
            place = int(np.searchsorted(times, np.datetime64(model.time, "ns")))
        width = WINDOW[found.frequency]
        start = max(0, min(place - width // 2, times.size - width))
        span = slice(start, min(start + width, times.size))
        area = model.area if model.area in read.areas_of(array) else city.code
        values = read.settled(array, read.column(array, area))[span]
        reference = read.reference(array, city.code)
        compared = area != city.code
        with self.history.hold_sync(), own.hold_sync(), other.hold_sync(), chosen.hold_sync():
            own.x, own.y = times[span], values
            other.x = times[span] if compared else times[:0]
            other.y = read.settled(array, reference)[span] if compared else values[:0]
            marks = ticks(np.concatenate([values, other.y]))
            own.scales["y"].min, own.scales["y"].max = marks[0], marks[-1]
            self._draw_axes(times[span], marks)
            moment = times[place : place + 1]
            chosen.x, chosen.y = np.repeat(moment, 2), np.array([marks[0], marks[-1]])
        names = [("first", _name(model, area))]
        if compared:
            names.append(("second", self._reference_name()))
        keys = "".join(f'<span class="key-{k}">{escape(name)}</span>' for k, name in names)
        unit = figures.unit(found.units, lang)
        alone = single(array, area, lang)
        self.history.layout.visibility = _visibility(alone is None)
        self.titles[0].html = _title(say(lang, "history"), escape(alone) if alone else keys, unit)

    def _draw_axes(self, times: np.ndarray, marks: list[float]) -> None:
        """Ticks of the history. Values are drawn as they come, in the words there by then."""
        lang = self._model.language
        across, up = self.history.axes
        up.tick_labels = {
            f"{mark:.10f}".rstrip("0").rstrip("."): text
            for mark, text in zip(marks, figures.alike(marks, lang), strict=True)
        }
        up.tick_values = np.array(marks)
        unit, dates = date_ticks(times, str(self._model.array.attrs.get("frequency", "day")))
        across.tick_format = figures.AXIS_DATES.get(lang, figures.AXIS_DATES["en"])[unit]
        across.tick_values = dates.astype("datetime64[ns]")

    def _draw_ranking(self) -> None:
        model, lang, city = self._model, self._model.language, self._model.city
        values = read.at(model.array, model.time)
        order = read.ranked(values, read.districts(model.array, city.code))
        found = model.reading()
        rows = shown_ranks(order, model.area)
        names = [f"{order.index(code) + 1}. {_short(city, code, lang)}" for code in rows]
        _fill(
            self._ranks,
            [
                (name, values[code], FIRST if code == model.area else SECOND)
                for name, code in zip(names, rows, strict=True)
            ],
            lang,
        )
        self.ranking.layout.visibility = _visibility(rows)
        note = (
            found.when(lang) if order else say(lang, "city_only" if not model.known else "missing")
        )
        if model.area in order:
            rank = say(lang, "of_districts", rank=order.index(model.area) + 1, count=len(order))
            note = f'{note} · <span class="key-first">{rank}</span>'
        self.titles[1].html = _title(say(lang, "ranking"), note, "")

    def _draw_comparison(self) -> None:
        model, lang, city = self._model, self._model.language, self._model.city
        values = read.at(model.array, model.time)
        order = read.ranked(values, read.districts(model.array, city.code))
        found = model.reading()
        rows: list[tuple[str, float, str]] = []
        if model.area in order:
            rows.append((_short(city, model.area, lang), values[model.area], FIRST))
        if order:
            times = model.array["time"].values
            place = int(np.flatnonzero(times == np.datetime64(model.time, "ns"))[0])
            mean = float(read.reference(model.array, city.code)[place])
            middle = float(np.median([values[code] for code in order]))
            rows += [
                (say(lang, "highest"), values[order[0]], QUIET),
                (self._reference_name(), mean, SECOND),
                (say(lang, "middle"), middle, QUIET),
                (say(lang, "lowest"), values[order[-1]], QUIET),
            ]
        _fill(self._parts, rows, lang)
        self.comparison.layout.visibility = _visibility(rows)
        note = found.when(lang) if model.area in order else say(lang, "touch_area")
        self.titles[2].html = _title(
            say(lang, "comparison"), note if order else say(lang, "city_only"), ""
        )

    def _reference_name(self) -> str:
        model = self._model
        key = "district_mean" if read.is_sum(model.array) else "whole_city"
        return say(model.language, key)


def _short(city: City, code: str, lang: str) -> str:
    return read.cut(read.place_name(city, code, lang, True), NAME_ROOM)


def _visibility(rows: object) -> str:
    """bqplot keeps showing the bars that it had when it gets none."""
    return "visible" if rows else "hidden"


def _name(model: CityModel, area: str) -> str:
    if area == model.city.code:
        return say(model.language, "whole_city")
    return read.place_name(model.city, area, model.language, True)


def _title(text: str, note: str, unit: str) -> str:
    mark = f' <span class="unit">{escape(unit)}</span>' if unit else ""
    return f'<h3>{escape(text)}{mark}</h3><p class="note">{note}</p>'


def _fill(mark: bqplot.Bars, rows: list[tuple[str, float, str]], lang: str) -> None:
    """Rows from top to bottom; the figure is said in the row's name."""
    says = figures.alike([value for _, value, _ in rows], lang, DIGITS)
    names = [f"{name}  {text}" for (name, *_), text in zip(rows, says, strict=True)]
    known = [value for _, value, _ in rows if np.isfinite(value)]
    # The axis follows the scale's domain only when it is told.
    mark.scales["x"].domain = names[::-1]
    with mark.hold_sync():
        mark.x, mark.y = names[::-1], [value for _, value, _ in rows][::-1]
        mark.colors = [colour for *_, colour in rows][::-1] or [SECOND]
        scale = mark.scales["y"]
        scale.min, scale.max = min(0.0, *known, 0.0), max(*known, 0.0) or 1.0 if known else 1.0


def _history() -> tuple[bqplot.Figure, list[bqplot.Lines]]:
    x, y = bqplot.DateScale(), bqplot.LinearScale()
    scales = {"x": x, "y": y}
    marks = [
        bqplot.Lines(x=np.array([], dtype="datetime64[ns]"), y=[], scales=scales, colors=[colour])
        for colour in (FIRST, SECOND, QUIET)
    ]
    marks[2].line_style = "dashed"
    axes = [
        bqplot.Axis(scale=x, grid_lines="none"),
        bqplot.Axis(scale=y, orientation="vertical"),
    ]
    return bqplot_figure([marks[1], marks[0], marks[2]], axes), marks


def _bars() -> tuple[bqplot.Figure, bqplot.Bars]:
    x, y = bqplot.OrdinalScale(), bqplot.LinearScale(min=0.0)
    mark = bqplot.Bars(
        x=[],
        y=[],
        scales={"x": x, "y": y},
        orientation="horizontal",
        padding=0.25,
        color_mode="group",
    )
    axis = bqplot.Axis(scale=x, orientation="vertical", grid_lines="none")
    return bqplot_figure([mark], [axis]), mark


def bqplot_figure(marks: list[Any], axes: list[Any]) -> bqplot.Figure:
    return bqplot.Figure(
        marks=marks,
        axes=axes,
        animation_duration=0,
        display_toolbar=False,
        padding_x=0,
        padding_y=0,
        min_aspect_ratio=0.01,
        max_aspect_ratio=100,
        background_style={"fill": "transparent"},
        layout=Layout(width="auto", height="auto", min_width="240px", min_height="0"),
    )


def margins(top: float, bottom: float, left: float, right: float, rem: int) -> dict[str, int]:
    sides = {"top": top, "bottom": bottom, "left": left, "right": right}
    return {side: round(size * rem) for side, size in sides.items()}
