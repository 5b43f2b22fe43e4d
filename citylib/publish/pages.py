"""The pages of the public site as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

import numpy as np

from citylib.city.areas import AreaLevel
from citylib.city.profile import City
from citylib.look import figures as formats
from citylib.look.words import own_name, say
from citylib.panels.picture import reading as read
from citylib.panels.picture.charts import history, ranking
from citylib.panels.picture.choropleth import choropleth, legend
from citylib.panels.picture.tile import badge, change, figure, local_now, tile, when


@dataclass(frozen=True)
class Site:
    """What all pages share.

    Attributes
    ----------
    city : City
        Profile.
    figures : dict of str to xarray.DataArray
        Public indicators by id.
    style : str
        File name of the style sheet at the site's top.
    version : str
        Version of the cube.
    sign_in : str
        Address for staff; empty: none.
    """

    city: City
    figures: dict[str, Any]
    style: str
    version: str
    sign_in: str = ""

    def path(self, lang: str, indicator: str | None = None) -> str:
        """File of a page, from the site's top."""
        prefix = "" if lang == self.city.languages[0] else f"{lang}/"
        return prefix + (f"indicator/{indicator}/" if indicator else "") + "index.html"

    def headlines(self) -> list[str]:
        """Indicators with a tile; all when none is marked."""
        marked = [n for n, array in self.figures.items() if int(array.attrs.get("headline") or 0)]
        return marked or list(self.figures)


def page(site: Site, lang: str, indicator: str | None, first: bool = False) -> str:
    """A page: tiles, and one indicator as map, history, ranking and table.

    Parameters
    ----------
    indicator : str or None
        What is shown; None: there is nothing public.
    first : bool
        Whether this is the site's first page.
    """
    city = site.city
    own = site.path(lang, None if first else indicator)
    up = "../" * own.count("/")
    name = say(lang, "public_title", city=city.area_name(city.code, lang))
    title = name
    if indicator and not first:
        title = f"{read.title_of(site.figures[indicator], lang)} – {name}"
    now = local_now(city)
    if indicator is None:
        body = f"<p>{say(lang, 'nothing_public')}</p>"
    else:
        body = _tiles(site, lang, up, indicator, now) + _view(site, lang, indicator, now, first)
        body += _more(site, lang, up, indicator)
    head = f"<h1>{escape(name)}</h1>"
    if not first:
        head = f'<a class="site" href="{up}{_link(site.path(lang))}">{escape(name)}</a>'
    return (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        f'<meta name="description" content="{escape(say(lang, "public_note"))}">'
        f'<link rel="icon" href="data:,"><link rel="stylesheet" href="{up}{site.style}"></head>\n'
        f'<body><a class="skip" href="#main">{say(lang, "skip")}</a>'
        f"<header>{head}{_languages(site, lang, up, indicator, first)}</header>\n"
        f'<main id="main">{body}</main>\n{_footer(site, lang, now)}</body></html>\n'
    )


def _languages(site: Site, lang: str, up: str, indicator: str | None, first: bool) -> str:
    items = []
    spoken = site.city.languages
    for other in spoken if len(spoken) > 1 else ():
        text = own_name(other)
        target = up + _link(site.path(other, None if first else indicator))
        mark = ' aria-current="true"' if other == lang else ""
        items.append(
            f'<li><a lang="{other}" hreflang="{other}" href="{target}"{mark}>{text}</a></li>'
        )
    if site.sign_in:
        items.append(f'<li><a href="{escape(site.sign_in)}">{say(lang, "sign_in")}</a></li>')
    if not items:
        return ""
    label = say(lang, "language" if len(spoken) > 1 else "sign_in")
    return f'<nav aria-label="{label}"><ul>{"".join(items)}</ul></nav>'


def _tiles(site: Site, lang: str, up: str, indicator: str, now: datetime) -> str:
    items = []
    for name in site.headlines():
        mark = ' aria-current="true"' if name == indicator else ""
        target = up + _link(site.path(lang, name))
        picture = tile(site.city, site.figures[name], lang, now=now)
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
    attrs = array.attrs
    about = f"{say(lang, 'source')}: {escape(found.source)}"
    if attrs.get("licence"):
        about += f" · {say(lang, 'licence')}: {escape(str(attrs['licence']))}"
    top = (
        f'<h{heading} id="view">{escape(found.title)}</h{heading}>'
        f'<p class="summary">{say(lang, "whole_city")} {figure(found, lang)} '
        f"{change(found, lang)} {when(found, lang, now)} {badge(found.classification, lang)}</p>"
        f'<p class="about">{about}</p>'
        + (f'<p class="about">{say(lang, "replayed_detail")}</p>' if found.replayed else "")
    )
    parts = [history(city, array, lang)]
    if not read.districts(array, city.code):
        parts.insert(0, f'<p class="about">{say(lang, "city_only")}</p>')
        return (
            f'<section class="card" aria-labelledby="view">{top}'
            f"<h3>{say(lang, 'history')}</h3>{''.join(parts)}</section>\n"
        )
    level = city.levels[read.level_of(array, city)]
    marks = legend((values.get(code, np.nan) for code in level.areas), found.units, lang)
    return (
        f'<section aria-labelledby="view" class="view"><div class="card">{top}'
        f"<figure>{choropleth(city, array, lang)}<figcaption>{marks}</figcaption></figure>"
        f"<h3>{say(lang, 'history')}</h3>{parts[0]}</div>"
        f'<div class="card"><h3>{say(lang, "ranking")}</h3>{ranking(city, array, lang)}'
        f"{_table(level, found, values, lang)}</div></section>\n"
    )


def _table(level: AreaLevel, found: read.Reading, values: dict[str, float], lang: str) -> str:
    unit = formats.unit(found.units, lang)
    rows = "".join(
        f'<tr><th scope="row">{escape(area.name[lang])}</th>'
        f'<td><data value="{value!r}">'
        f"{formats.number(value, lang) if np.isfinite(value) else say(lang, 'missing')}"
        "</data></td></tr>"
        for code, area in level.areas.items()
        for value in [values.get(code, float("nan"))]
    )
    mark = f" ({escape(unit)})" if unit else ""
    return (
        f"<h3>{say(lang, 'table')}</h3><table><caption>{escape(found.title)}, {found.when(lang)}"
        f'</caption><thead><tr><th scope="col">{escape(level.name[lang])}</th>'
        f'<th scope="col">{say(lang, "value")}{mark}</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _more(site: Site, lang: str, up: str, indicator: str) -> str:
    tiles = set(site.headlines())
    items = []
    for name, array in site.figures.items():
        if name not in tiles:
            mark = ' aria-current="true"' if name == indicator else ""
            target = up + _link(site.path(lang, name))
            text = escape(read.title_of(array, lang))
            items.append(f'<li><a href="{target}"{mark}>{text}</a></li>')
    if not items:
        return ""
    return (
        f'<nav aria-labelledby="more"><h2 id="more">{say(lang, "more")}</h2>'
        f"<ul>{''.join(items)}</ul></nav>\n"
    )


def _footer(site: Site, lang: str, now: datetime) -> str:
    made = f'<time datetime="{now:%Y-%m-%dT%H:%M}">{formats.period(now, "day", lang)}</time>'
    credit = site.city.attribution.get(lang, "")
    return (
        f"<footer><p>{say(lang, 'public_note')} {say(lang, 'measured')}</p>"
        f"<p>{say(lang, 'attribution')}: {escape(credit)}</p>"
        f"<p>{say(lang, 'published', time=made)} · {escape(site.version)}</p></footer>\n"
    )


def _link(path: str) -> str:
    """Address of a file: folders without `index.html`."""
    return path.removesuffix("index.html") or "./"
