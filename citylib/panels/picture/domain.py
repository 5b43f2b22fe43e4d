"""The city's life in one column: a headline figure for each domain, the others behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from citylib.city.profile import City
from citylib.look.words import say
from citylib.panels.picture import reading as read
from citylib.panels.picture.charts import lines, stretched
from citylib.panels.picture.grade import SIGNS, gauge, state
from citylib.panels.picture.tile import SPARK, badge, change, figure, replay_mark, when

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

    from citylib.panels.domains import Domain, Member


MANY = 5
"""Domains; with more of them each has less room."""


def overview(
    city: City,
    figures: Mapping[str, xr.DataArray],
    domains: Sequence[Domain],
    lang: str,
    selected: str,
    now: datetime,
) -> str:
    """All domains: what needs attention in one sentence, then a headline figure for each.

    Parameters
    ----------
    city : City
        Profile.
    figures : mapping of str to xarray.DataArray
        Indicators by id.
    domains : sequence of Domain
        In the order in which they are shown; the first is the largest.
    lang : str
        Language.
    selected : str
        Indicator that the map shows.
    now : datetime
        The city's civil time, for the ages.
    """
    parts = []
    for place, domain in enumerate(domains):
        head = domain.head
        size = "lead" if place == 0 else "row"
        here = " here" if any(one.id == selected for one in domain.members) else ""
        others = len(domain.members) - 1
        more = ""
        if others:
            # Who speaks to the page says what stands on the button.
            name = f"+{others} {say(lang, 'more_of', domain=domain.name, count=others)}"
            more = (
                f'<button type="button" class="more" data-press="domain:{escape(domain.id)}" '
                f'aria-label="{escape(name)}">+{others} <span aria-hidden="true">›</span></button>'
            )
        title = read.title_of(figures[head.id], lang)
        over = f'<span class="domain-name">{escape(domain.name)}</span>'
        over = over if domain.name != title else ""
        parts.append(
            f'<section class="domain {size} {_kind(head)}{here}">'
            f"{tile(city, figures[head.id], head, lang, selected, now, over, size)}{more}</section>"
        )
    many = " many" if len(domains) > MANY else ""
    return f'{verdict(domains, lang)}<div class="domains{many}">{"".join(parts)}</div>'


def opened(
    city: City,
    figures: Mapping[str, xr.DataArray],
    domain: Domain,
    lang: str,
    selected: str,
    now: datetime,
) -> str:
    """All indicators of one domain, and the way back."""
    rows = "".join(
        f'<section class="domain row {_kind(one)}">'
        f"{tile(city, figures[one.id], one, lang, selected, now)}</section>"
        for one in domain.members
    )
    return (
        f'<div class="domain-top"><button type="button" class="key" data-press="domain:">'
        f'<span aria-hidden="true">←</span> {say(lang, "all_domains")}</button>'
        f"<h2>{escape(domain.name)}</h2></div>"
        f'<div class="domain-list" tabindex="0" role="group" aria-label="{escape(domain.name)}">'
        f"{rows}</div>"
    )


def verdict(domains: Sequence[Domain], lang: str) -> str:
    """How many of the figures that have a threshold are past it."""
    graded = [one for domain in domains for one in domain.members if one.grade]
    if not graded:
        return ""
    bad = sum(one.beyond for one in graded)
    kind = "beyond" if bad else "within"
    said = say(lang, "verdict_bad" if bad else "verdict_good", count=len(graded), bad=bad)
    return f'<p class="verdict {kind}">{SIGNS[kind]} <span>{said}</span></p>'


def tile(
    city: City,
    array: xr.DataArray,
    member: Member,
    lang: str,
    selected: str,
    now: datetime,
    over: str = "",
    size: str = "row",
) -> str:
    """A button with the newest figure for the city; touched, the map shows it.

    Parameters
    ----------
    over : str
        HTML before the title.
    size : {"lead", "row"}
        A lead has the classes of its figure side by side and more room for its history.
    """
    found = read.reading(array, city.code, lang)
    where = member.grade
    pressed = str(found.id == selected).lower()
    marks = replay_mark(found, lang)
    if found.classification != "public":
        marks += badge(found.classification, lang)
    scale = gauge(where, found.value, found.units, lang) if size == "lead" else ""
    return (
        f'<button type="button" class="tile" data-press="show:{escape(found.id)}" '
        f'data-indicator="{escape(found.id)}" aria-pressed="{pressed}">'
        f'<span class="tile-head">{over}<span class="tile-title">{escape(found.title)}</span>'
        f"{marks}</span>"
        f'<span class="tile-row">{figure(found, lang)}{state(where, found.units, lang)}</span>'
        f'<span class="tile-under">{change(found, lang)}<span class="tile-foot">'
        f"{when(found, lang, now)}{_areas(member, array, city, lang)}</span></span>"
        f"{spark(array, city.code, found.frequency)}{scale}</button>"
    )


def spark(array: xr.DataArray, area: str, frequency: str) -> str:
    """The last figures as a line over its shade, the newest as a dot; gaps stay gaps."""
    recent = read.settled(array, read.column(array, area))
    known = np.flatnonzero(np.isfinite(recent))
    last = int(known[-1]) + 1 if known.size else 0
    values = recent[max(0, last - SPARK[frequency]) : last]
    if np.isfinite(values).sum() < 2:
        return '<svg class="spark" aria-hidden="true"></svg>'
    line = stretched(lines(np.arange(values.size), values, (0, 100), (28, 2)))
    shade = ""
    for part in line.split('<polyline class="line" ')[1:]:
        points = part.split('points="')[1].split('"')[0]
        first, final = points.split(" ")[0].split(",")[0], points.split(" ")[-1].split(",")[0]
        shade += f'<polygon class="shade" points="{first},30 {points} {final},30"/>'
    return (
        '<svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">'
        f"{shade}{line}</svg>"
    )


def _areas(member: Member, array: xr.DataArray, city: City, lang: str) -> str:
    """In how many of its areas the figure is past the threshold."""
    if not member.areas:
        return ""
    count = len(read.districts(array, city.code))
    said = say(lang, "areas_beyond", count=len(member.areas), all=count)
    return f' <span class="areas-beyond">{SIGNS["beyond"]} {said}</span>'


def _kind(member: Member) -> str:
    return member.grade.kind if member.grade else "ungraded"
