"""Targets with a date: how far the city has come, and where the way leads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from citylib.city.profile import City
from citylib.look import figures as look
from citylib.look.words import say
from citylib.panels.picture import reading as read
from citylib.panels.picture.axes import ticks
from citylib.panels.picture.charts import lines
from citylib.panels.picture.grade import SIGNS

if TYPE_CHECKING:
    import xarray as xr

    from citylib.panels.pledges import Pledge

# Units of a picture as wide as 25 letters.
WIDTH, HEIGHT = 400, 145
LEFT, RIGHT, TOP, BOTTOM = 44, 26, 14, 26
KINDS = {"late": "beyond", "on_track": "steady", "met": "within", "unknown": "ungraded"}


def pledges(
    city: City, figures: Mapping[str, xr.DataArray], found: Sequence[Pledge], lang: str
) -> str:
    """All targets as HTML: how many are late, on track and met; then each with its way.

    Parameters
    ----------
    city : City
        Profile.
    figures : mapping of str to xarray.DataArray
        Indicators by id.
    found : sequence of Pledge
        In the order in which they are shown.
    lang : str
        Language.
    """
    head = f"<h2>{say(lang, 'pledges.title')}</h2>"
    if not found:
        return f'{head}<p class="note">{say(lang, "pledges.none")}</p>'
    counts = Counter(one.state for one in found)
    tally = "".join(
        f'<li class="{KINDS[state]}"><data value="{counts[state]}">{counts[state]}</data>'
        f"<span>{SIGNS.get(KINDS[state], '')} {say(lang, f'pledges.{state}')}</span></li>"
        for state in ("late", "on_track", "met", "unknown")
        if counts[state] or state != "unknown"
    )
    cards = "".join(_card(city, figures[one.id], one, lang) for one in found)
    return (
        f'<div class="pledges-head">{head}<ul class="tally">{tally}</ul></div>'
        f'<ul class="pledges">{cards}</ul><p class="rule">{say(lang, "pledges.rule")}</p>'
    )


def _card(city: City, array: xr.DataArray, one: Pledge, lang: str) -> str:
    units = str(array.attrs.get("units", "1"))
    frequency = str(array.attrs.get("frequency", "day"))
    title = read.title_of(array, lang)
    kind = KINDS[one.state]
    goal = say(
        lang,
        "pledges.at_most" if one.lower else "pledges.at_least",
        value=look.figure(one.value, units, lang),
        by=look.period(one.by, frequency, lang),
    )
    now = ""
    if one.now is not None:
        now = (
            f'<span class="tile-figure"><data value="{one.figure!r}">'
            f"{look.number(one.figure, lang)}</data> "
            f'<span class="unit">{escape(look.unit(units, lang))}</span></span> '
            f'<span class="when">{look.period(one.now, frequency, lang)}</span>'
        )
    return (
        f'<li class="pledge {kind}"><button type="button" data-press="indicator:{escape(one.id)}" '
        f'data-state="{one.state}"><span class="pledge-title">{escape(title)}</span>'
        f'<span class="state {kind}">{SIGNS.get(kind, "")} {say(lang, f"pledges.{one.state}")}'
        f'</span><span class="goal">{escape(goal)}</span>'
        f'<span class="pledge-now">{now}</span>{_way(city, array, one, lang)}'
        f'<span class="pledge-note">{escape(_note(one, units, frequency, lang))}</span>'
        f'<span class="source">{escape(one.source)}</span></button></li>'
    )


def _note(one: Pledge, units: str, frequency: str, lang: str) -> str:
    """Why it is so, in a sentence."""
    if one.now is None:
        return say(lang, "missing")
    if np.isfinite(one.path):
        parts = [say(lang, "pledges.path", value=look.figure(one.path, units, lang))]
        if one.state == "met":
            parts = [say(lang, "pledges.early")]
        if one.state == "unknown":
            return say(lang, "pledges.waiting", when=look.period(one.now, frequency, lang))
        if np.isfinite(one.trend):
            value = look.figure(one.trend, units, lang)
            by = look.period(one.by, frequency, lang)
            parts.append(say(lang, "pledges.trend", value=value, by=by))
        return " ".join(parts)
    if one.state == "met":
        return say(lang, "pledges.in_time")
    if one.reached is not None and one.reached > one.by:
        return say(lang, "pledges.after", when=look.period(one.reached, frequency, lang))
    return say(lang, "pledges.not_reached")


def _way(city: City, array: xr.DataArray, one: Pledge, lang: str) -> str:
    """History, the straight way from start to target, and the trend beyond the newest figure."""
    if one.now is None or one.since is None:
        return ""
    values = read.settled(array, read.column(array, city.code))
    times = [read.as_datetime(time) for time in array["time"].values]
    shown = [n for n, time in enumerate(times) if np.isfinite(values[n])]
    first, last = min(one.since, times[shown[0]]), max(one.by, one.now)
    heights = [*values[shown], one.start, one.value]
    if np.isfinite(one.trend):
        heights.append(one.trend)
    marks = ticks(heights)

    def x(time: datetime) -> float:
        share = (time - first).total_seconds() / ((last - first).total_seconds() or 1.0)
        return LEFT + share * (WIDTH - RIGHT - LEFT)

    def y(value: float) -> float:
        share = (value - marks[0]) / (marks[-1] - marks[0])
        return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)

    xs = np.array([x(times[n]) for n in shown])
    body = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(mark):.1f}" '
        f'y2="{y(mark):.1f}"/>'
        f'<text x="{LEFT - 7}" y="{y(mark) + 5:.1f}" text-anchor="end">{text}</text>'
        for mark, text in list(zip(marks, look.alike(marks, lang), strict=True))[
            :: 2 if len(marks) > 4 else 1
        ]
    ]
    body += [
        f'<line class="way" x1="{x(one.since):.1f}" y1="{y(one.start):.1f}" '
        f'x2="{x(one.by):.1f}" y2="{y(one.value):.1f}"/>',
    ]
    if np.isfinite(one.trend):
        body.append(
            f'<line class="projection" x1="{x(one.now):.1f}" y1="{y(one.figure):.1f}" '
            f'x2="{x(one.by):.1f}" y2="{y(one.trend):.1f}"/>'
        )
    if len(shown) > 1:
        body.append(
            lines(xs, values[shown], (xs[0], xs[-1]), (y(marks[0]), y(marks[-1])),
                  (marks[0], marks[-1]), "first")
        )  # fmt: skip
    body.append(
        f'<circle class="first" cx="{x(one.now):.1f}" cy="{y(one.figure):.1f}" r="4.5"/>'
        f'<circle class="goal-mark" cx="{x(one.by):.1f}" cy="{y(one.value):.1f}" r="6"/>'
    )
    for time in (first, last):
        anchor = "start" if time == first else "end"
        at = LEFT if time == first else WIDTH - 2
        body.append(f'<text x="{at}" y="{HEIGHT - 5}" text-anchor="{anchor}">{time.year}</text>')
    return (
        f'<svg class="chart way-chart" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">'
        f"{''.join(body)}</svg>"
    )
