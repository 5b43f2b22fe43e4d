"""Beside the map: the chosen place among the others, now and over time."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from citylib.city.profile import City
from citylib.look import figures
from citylib.look.words import say
from citylib.panels.picture import reading as read
from citylib.panels.picture.axes import date_ticks, ticks
from citylib.panels.picture.charts import DIGITS, WINDOW, lines, shown_ranks, single

if TYPE_CHECKING:
    import xarray as xr

# Units of a picture that is as wide as 25 letters: 16 of them are one letter high.
WIDTH, HEIGHT = 400, 190
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 10, 26
ROWS = 6


def trend(
    city: City, array: xr.DataArray, lang: str, area: str, time: datetime | np.datetime64 | None
) -> str:
    """History around a period: the chosen place over what it is compared with, as HTML with SVG.

    Parameters
    ----------
    area : str
        Code; an area that the indicator lacks gives way to the city.
    time : datetime, optional
        Start of the period that is marked.
    """
    area = area if area in read.areas_of(array) else city.code
    compared = area != city.code
    keys = f'<span class="key-first">{escape(_name(city, area, lang))}</span>'
    if compared:
        keys += f' <span class="key-second">{escape(reference_name(array, lang))}</span>'
    mark = figures.unit(str(array.attrs.get("units", "1")), lang)
    unit = f' <span class="unit">{escape(mark)}</span>' if mark else ""
    head = f"<h3>{say(lang, 'history')}{unit}</h3>"
    if (alone := single(array, area, lang)) is not None:
        return f'{head}<p class="missing-word">{escape(alone)}</p>'
    return f'{head}<p class="keys">{keys}</p>{_lines(city, array, lang, area, time)}'


def _lines(
    city: City, array: xr.DataArray, lang: str, area: str, time: datetime | np.datetime64 | None
) -> str:
    frequency = str(array.attrs.get("frequency", "day"))
    times = array["time"].values
    there = read.times_of(array)
    if there.size:  # what ended earlier than others of its table has no empty end
        times = times[: int(np.searchsorted(times, there[-1])) + 1]
    at = times.size - 1 if time is None else int(np.searchsorted(times, np.datetime64(time)))
    width = WINDOW[frequency]
    start = max(0, min(at - width // 2, times.size - width))
    span = slice(start, min(start + width, times.size))
    series = [("first", read.settled(array, read.column(array, area))[span])]
    if area != city.code:
        other = read.settled(array, read.reference(array, city.code))[span]
        series.insert(0, ("second", other))
    marks = ticks(np.concatenate([values for _, values in series]))
    xs = times[span].astype("datetime64[s]").astype("int64")
    body = [*_heights(marks, lang), *_dates(times[span], frequency, lang)]
    body += [
        lines(
            xs, values, (LEFT, WIDTH - RIGHT), (HEIGHT - BOTTOM, TOP), (marks[0], marks[-1]), kind
        )
        for kind, values in series
    ]
    share = (xs[at - start] - xs[0]) / (float(xs[-1] - xs[0]) or 1.0)
    x = LEFT + share * (WIDTH - RIGHT - LEFT)
    body.append(f'<line class="now" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
    own = series[-1][1][at - start]
    if np.isfinite(own):
        y = HEIGHT - BOTTOM - (own - marks[0]) / (marks[-1] - marks[0]) * (HEIGHT - BOTTOM - TOP)
        body.append(f'<circle class="first" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
    first, last = (
        figures.period(read.as_datetime(times[span][place]), frequency, lang) for place in (0, -1)
    )
    name = say(lang, "history_of", title=read.title_of(array, lang), first=first, last=last)
    return (
        f'<svg class="chart trend" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'aria-label="{escape(name)}">{"".join(body)}</svg>'
    )


def _heights(marks: list[float], lang: str) -> list[str]:
    says = figures.alike(marks, lang)
    every = 2 if len(marks) > 4 else 1
    body = []
    for mark, text in list(zip(marks, says, strict=True))[::every]:
        share = (mark - marks[0]) / (marks[-1] - marks[0])
        y = HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
        body.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 7}" y="{y + 4.5:.1f}" text-anchor="end">{text}</text>'
        )
    return body


def _dates(times: np.ndarray, frequency: str, lang: str) -> list[str]:
    seconds = times.astype("datetime64[s]").astype("int64")
    unit, dates = date_ticks(times, frequency)
    body = []
    for date in dates:
        share = (date.astype("int64") - seconds[0]) / (float(seconds[-1] - seconds[0]) or 1.0)
        x = min(max(LEFT + share * (WIDTH - RIGHT - LEFT), LEFT), WIDTH - 40)
        text = figures.axis_date(read.as_datetime(date), unit, lang)
        body.append(f'<text x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{text}</text>')
    return body


def ranks(
    city: City, array: xr.DataArray, lang: str, area: str, time: datetime | np.datetime64 | None
) -> str:
    """The largest figures, the chosen area's and the smallest as bars to touch, as HTML.

    A line across the bars is what an area is compared with.
    """
    values = read.at(array, time)
    order = read.ranked(values, read.districts(array, city.code))
    head = f"<h3>{say(lang, 'ranking')}</h3>"
    if not order:
        inner = read.districts(array, city.code)
        return f'{head}<p class="note">{say(lang, "missing" if inner else "city_only")}</p>'
    rows = shown_ranks(order, area, ROWS)
    says = figures.alike([values[code] for code in rows], lang, DIGITS)
    largest = max(0.0, *(values[code] for code in order)) or 1.0
    place = np.flatnonzero(array["time"].values == np.datetime64(time))
    mean = float(read.reference(array, city.code)[place[0]]) if place.size else float("nan")
    note = f'<span class="key-line">{escape(reference_name(array, lang))}</span>'
    if area in order:
        rank = say(lang, "of_districts", rank=order.index(area) + 1, count=len(order))
        note += f' <span class="key-first">{rank}</span>'
    line = ""
    if np.isfinite(mean) and 0 <= mean <= largest:
        line = f'<span class="mean" style="left:{mean / largest * 100:.2f}%"></span>'
    items = []
    for row, code in enumerate(rows):
        name = read.place_name(city, code, lang, True)
        number = order.index(code) + 1
        gap = " gap" if row and order.index(rows[row - 1]) + 2 < number else ""
        width = max(0.0, values[code]) / largest * 100
        items.append(
            f'<li class="rank{gap}"><button type="button" data-press="area:{code}" '
            f'aria-pressed="{str(code == area).lower()}" title="{escape(name)}">'
            f'<span class="number">{number}</span><span class="name">{escape(name)}</span>'
            f'<span class="track"><span class="bar" style="width:{width:.2f}%"></span>{line}</span>'
            f'<data value="{values[code]!r}">{says[row]}</data></button></li>'
        )
    return f'{head}<p class="keys">{note}</p><ol class="ranks">{"".join(items)}</ol>'


def reference_name(array: xr.DataArray, lang: str) -> str:
    """What an area is compared with: the whole city, or of sums the mean of the areas."""
    return say(lang, "district_mean" if read.is_sum(array) else "whole_city")


def _name(city: City, area: str, lang: str) -> str:
    return say(lang, "whole_city") if area == city.code else read.place_name(city, area, lang, True)
