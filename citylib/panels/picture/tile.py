"""A tile: one figure in a glance."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from citylib.city.profile import City
from citylib.look import figures
from citylib.look.words import say
from citylib.panels.picture.charts import sparkline
from citylib.panels.picture.reading import Reading, column, reading, settled

if TYPE_CHECKING:
    import xarray as xr

ARROWS = {"up": "▲", "down": "▼", "same": "＝", "unknown": ""}
SPARK = {"hour": 72, "day": 60, "month": 36, "year": 12}


def local_now(city: City) -> datetime:
    """Now in the city's civil time, without a zone, as the cube's times are."""
    return datetime.now(ZoneInfo(city.timezone)).replace(tzinfo=None)


def tile(
    city: City,
    array: xr.DataArray,
    lang: str,
    area: str | None = None,
    now: datetime | None = None,
    kept: bool = False,
) -> str:
    """Picture of an indicator's newest figure.

    Parameters
    ----------
    city : City
        Profile.
    array : xarray.DataArray
        Indicator from the cube, dims `(time, area)`.
    lang : str
        Language.
    area : str, optional
        Code; by default the whole city.
    now : datetime, optional
        The city's civil time, for the age.
    kept : bool
        Whether the picture is kept, so that an age in words would be wrong tomorrow.

    Returns
    -------
    str
        HTML of phrasing content, fit for a button: title, value, unit, change, sparkline, period,
        age and classification. `<data value>` holds the cube's figure.
    """
    area = area or city.code
    found = reading(array, area, lang)
    recent = settled(array, column(array, area))
    known = np.flatnonzero(np.isfinite(recent))
    last = int(known[-1]) + 1 if known.size else 0
    line = sparkline(recent[max(0, last - SPARK[found.frequency]) : last])
    stamp = when(found, lang, now or local_now(city), city if kept else None)
    return (
        f'<span class="tile-title">{escape(found.title)}</span>'
        f'<span class="tile-row">{figure(found, lang)} {badges(found, lang)}</span>'
        f"{change(found, lang)}{line}"
        f'<span class="tile-foot">{stamp}</span>'
    )


def figure(found: Reading, lang: str) -> str:
    """Value and unit; the whole number in `title`."""
    short = figures.compact(found.value, lang)
    whole = found.says(lang)
    mark = figures.unit(found.units, lang) if np.isfinite(found.value) else ""
    gap = "" if mark in ("", "%") else " "
    return (
        f'<span class="tile-figure" title="{escape(whole)}"><data value="{found.value!r}">{short}'
        f'</data>{gap}<span class="unit">{escape(mark)}</span></span>'
    )


def badges(found: Reading, lang: str) -> str:
    """Who may see a figure, and whether it is replayed."""
    return (
        f'<span class="badges">{badge(found.classification, lang)}{replay_mark(found, lang)}</span>'
    )


def replay_mark(found: Reading, lang: str) -> str:
    """A badge for a figure that rests on replayed records; otherwise nothing."""
    if not found.replayed:
        return ""
    detail = escape(say(lang, "replayed_detail"))
    return f'<span class="badge replayed" title="{detail}">{say(lang, "replayed")}</span>'


def change(found: Reading, lang: str) -> str:
    """Change against the period before: arrow, amount, and whether that is good.

    A period that has not ended is not compared.
    """
    if found.running:
        return f'<span class="change neutral">{say(lang, "change.running")}</span>'
    direction, judgement = figures.change(found.value, found.before, found.better)
    if direction == "unknown":
        return f'<span class="change neutral">{say(lang, "change.unknown")}</span>'
    since = say(lang, f"change.{found.frequency}")
    if direction == "same":
        return f'<span class="change neutral">{say(lang, "change.same")} {since}</span>'
    amount = found.value - found.before
    size = figures.difference(found.value, found.before, found.units, lang)
    words = say(lang, f"change.{direction}")
    if judgement != "neutral":
        words += ", " + say(lang, f"change.{judgement}")
    return (
        f'<span class="change {judgement}" data-change="{amount!r}"><span aria-hidden="true">'
        f'{ARROWS[direction]}</span> {escape(size)} <span class="since">{since}</span>'
        f'<span class="hidden"> {words}</span></span>'
    )


def when(found: Reading, lang: str, now: datetime, kept: City | None = None) -> str:
    """Period of a figure, and its age once a newer one could be expected.

    Parameters
    ----------
    kept : City, optional
        For a picture that is kept: instead of its age a figure says that it is old. The moment
        when its period ended and the seconds after which it is old stand beside it, for a script
        that knows what time it is.
    """
    if found.time is None:
        return f'<span class="missing-word">{say(lang, "missing")}</span>'
    end = figures.end_of(found.time, found.frequency)
    stamp = f'<time datetime="{figures.iso(found.time, found.frequency)}">{found.when(lang)}</time>'
    if found.running:
        detail = escape(say(lang, "so_far_detail"))
        stamp += f' <span class="so-far" title="{detail}">{say(lang, "so_far")}</span>'
    old = figures.stale(end, now, found.frequency)
    if kept is not None:
        ended = end.replace(tzinfo=ZoneInfo(kept.timezone)).isoformat()
        after = int(figures.STALE[found.frequency].total_seconds())
        return (
            f'{stamp} <span class="stale" data-end="{ended}" data-after="{after}"'
            f"{'' if old else ' hidden'}>{say(lang, 'old')}</span>"
        )
    if not old:
        return stamp
    return f'{stamp} <span class="stale">{figures.age(end, now, lang)}</span>'


def badge(classification: str, lang: str) -> str:
    """Who may see a figure."""
    word = say(lang, f"classification.{classification}", default=classification)
    return f'<span class="badge {escape(classification)}">{escape(word)}</span>'
