"""The pages of the public site as HTML."""

from __future__ import annotations

from datetime import datetime
from html import escape

import numpy as np

from citylib.city.areas import AreaLevel
from citylib.city.profile import City
from citylib.look import figures as formats
from citylib.look.words import say
from citylib.panels.picture import reading as read
from citylib.panels.picture.charts import DIGITS, history, ranking
from citylib.panels.picture.choropleth import choropleth, legend
from citylib.panels.picture.tile import badges, change, figure, local_now, tile, when
from citylib.publish.frame import Site, frame, link

LONG = 60
"""Rows beyond which a table scrolls."""


def page(site: Site, lang: str, indicator: str | None, first: bool = False) -> str:
    """A page: tiles, and one indicator as map, history, ranking and table.

    Parameters
    ----------
    indicator : str or None
        What is shown; None: there is nothing public.
    first : bool
        Whether this is the site's first page.
    """
    if indicator is None:
        return frame(site, lang, "", "", f"<p>{say(lang, 'nothing_public')}</p>")
    folder = "" if first else f"indicator/{indicator}/"
    up = "../" * site.file(lang, folder).count("/")
    now = local_now(site.city)
    body = _tiles(site, lang, up, indicator, now) + _view(site, lang, indicator, now, first)
    body += _more(site, lang, up, indicator)
    return frame(site, lang, folder, read.title_of(site.figures[indicator], lang), body)


def _tiles(site: Site, lang: str, up: str, indicator: str, now: datetime) -> str:
    items = []
    for name in site.headlines():
        mark = ' aria-current="true"' if name == indicator else ""
        target = up + link(site.path(lang, name))
        picture = tile(site.city, site.figures[name], lang, now=now, kept=True)
        items.append(f'<li><a class="tile" href="{target}"{mark}>{picture}</a></li>')
    return (
        f'<section aria-labelledby="tiles"><h2 id="tiles">{say(lang, "tiles")}</h2>'
        f'<ul class="tiles">{"".join(items)}</ul></section>\n'
    )


def _view(site: Site, lang: str, indicator: str, now: datetime, first: bool) -> str:
    city, array = site.city, site.figures[indicator]
    found = read.reading(array, city.code, lang)
    values = read.at(array, found.time)
    heading = 2 if first else 1
    about = f"{say(lang, 'source')}: {escape(found.source)}"
    if found.licence:
        about += f" · {say(lang, 'licence')}: {escape(found.licence)}"
    method = read.said(array, "description", lang)
    top = (
        f'<h{heading} id="view">{escape(found.title)}</h{heading}>'
        f'<p class="summary">{say(lang, "whole_city")} {figure(found, lang)} '
        f"{change(found, lang)} {when(found, lang, now, city)} "
        f"{badges(found, lang)}</p>"
        f'<p class="about">{about}</p>'
        + (f'<p class="about">{escape(method)}</p>' if method else "")
        + (f'<p class="about">{say(lang, "replayed_detail")}</p>' if found.replayed else "")
    )
    unit = formats.unit(found.units, lang)
    course = f"<h3>{say(lang, 'history')}{f' ({escape(unit)})' if unit else ''}</h3>"
    course += history(city, array, lang)
    if not read.districts(array, city.code):
        return (
            f'<section class="card" aria-labelledby="view">{top}'
            f'<p class="about">{say(lang, "city_only")}</p>{course}</section>\n'
        )
    level = city.levels[read.level_of(array, city)]
    marks = legend((values.get(code, np.nan) for code in level.areas), found.units, lang)
    return (
        f'<section aria-labelledby="view" class="view"><div class="card">{top}'
        f"<figure>{choropleth(city, array, lang)}<figcaption>{marks}</figcaption></figure>"
        f"{course}</div>"
        f'<div class="card"><h3>{say(lang, "ranking")}</h3>{ranking(city, array, lang)}'
        f"{_table(city, level, found, values, lang)}</div></section>\n"
    )


def _table(
    city: City, level: AreaLevel, found: read.Reading, values: dict[str, float], lang: str
) -> str:
    unit = formats.unit(found.units, lang)
    column = [values.get(code, np.nan) for code in level.areas]
    says = formats.alike(column, lang, DIGITS, short=False)
    rows = "".join(
        f'<tr><th scope="row">{escape(read.place_name(city, code, lang))}</th>'
        f'<td><data value="{value!r}">'
        f"{text if np.isfinite(value) else say(lang, 'missing')}</data></td></tr>"
        for code, value, text in zip(level.areas, column, says, strict=True)
    )
    mark = f" ({escape(unit)})" if unit else ""
    head = (
        f'<tr><th scope="col">{escape(level.name[lang])}</th>'
        f'<th scope="col">{say(lang, "value")}{mark}</th></tr>'
    )
    return (
        f"<h3>{say(lang, 'table')}</h3>{_scroll(len(column))}<table>"
        f"<caption>{escape(found.title)}, {found.when(lang)}</caption>"
        f"<thead>{head}</thead><tbody>{rows}</tbody></table></div>"
    )


def _scroll(rows: int) -> str:
    """A long table scrolls within its box, which then takes the keyboard."""
    return '<div class="long" tabindex="0">' if rows > LONG else "<div>"


def _more(site: Site, lang: str, up: str, indicator: str) -> str:
    tiles = set(site.headlines())
    items = []
    for name, array in site.figures.items():
        if name not in tiles:
            mark = ' aria-current="true"' if name == indicator else ""
            target = up + link(site.path(lang, name))
            text = escape(read.title_of(array, lang))
            items.append(f'<li><a href="{target}"{mark}>{text}</a></li>')
    if not items:
        return ""
    return (
        f'<nav aria-labelledby="more"><h2 id="more">{say(lang, "more")}</h2>'
        f"<ul>{''.join(items)}</ul></nav>\n"
    )
