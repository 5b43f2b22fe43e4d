"""What all pages of the public site have around their body."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import Any

from citylib.city.profile import City
from citylib.look import figures as formats
from citylib.look.fonts import SHEET
from citylib.look.words import own_name, say, words
from citylib.panels.picture.tile import local_now

SOURCES = "sources/"
"""Folder of the page that names the sources."""
NOTICE = "ATTRIBUTION.md"
"""File of a profile with all that its sources ask to be said, if it has one."""


@dataclass(frozen=True)
class Site:
    """What all pages share.

    Attributes
    ----------
    city : City
        Profile.
    figures : dict of str to xarray.DataArray
        Public indicators by id.
    style, script : str
        File names of the style sheet and of the script at the site's top.
    version : str
        Version of the cube.
    sign_in : str
        Address for staff; empty: none.
    fonts : bool
        Whether the site has letters of its own.
    """

    city: City
    figures: dict[str, Any]
    style: str
    script: str
    version: str
    sign_in: str = ""
    fonts: bool = False

    def file(self, lang: str, folder: str = "") -> str:
        """File of the page in a folder of a language, from the site's top."""
        prefix = "" if lang == self.city.languages[0] else f"{lang}/"
        return f"{prefix}{folder}index.html"

    def path(self, lang: str, indicator: str) -> str:
        """File of an indicator's page, from the site's top."""
        return self.file(lang, f"indicator/{indicator}/")

    def headlines(self) -> list[str]:
        """Indicators with a tile; all when none is marked."""
        marked = [n for n, array in self.figures.items() if int(array.attrs.get("headline") or 0)]
        return marked or list(self.figures)


def frame(site: Site, lang: str, folder: str, title: str, body: str) -> str:
    """A whole page.

    Parameters
    ----------
    folder : str
        Where the page is, below its language; empty: the first page.
    title : str
        What the page is about; the first page is named after the site.
    body : str
        HTML of the page's main part.
    """
    own = site.file(lang, folder)
    up = "../" * own.count("/")
    name = escape(say(lang, "public_title", city=site.city.area_name(site.city.code, lang)))
    head = f'<a class="site" href="{up}{link(site.file(lang))}">{name}</a>' if folder else ""
    told = escape(json.dumps(_ages(lang), ensure_ascii=False))
    # Not waited for: the script lets it hold once it is there.
    fonts = f'<link rel="stylesheet" href="{up}{SHEET}" media="print" data-later>'
    return (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{f'{escape(title)} – {name}' if folder else name}</title>"
        f'<meta name="description" content="{escape(say(lang, "public_note"))}">'
        f'<link rel="icon" href="data:,"><link rel="stylesheet" href="{up}{site.style}">'
        f"{fonts if site.fonts else ''}"
        f'<script src="{up}{site.script}" data-words="{told}" defer></script></head>\n'
        f'<body><a class="skip" href="#main">{say(lang, "skip")}</a>'
        f"<header>{head or f'<h1>{name}</h1>'}{_languages(site, lang, folder, up)}</header>\n"
        f'<main id="main">{body}</main>\n{_footer(site, lang, up)}</body></html>\n'
    )


def _ages(lang: str) -> dict[str, str]:
    return {
        key.removeprefix("age."): text
        for key, text in words(lang).items()
        if key.startswith("age.")
    }


def _languages(site: Site, lang: str, folder: str, up: str) -> str:
    items = []
    spoken = site.city.languages
    for other in spoken if len(spoken) > 1 else ():
        text = own_name(other)
        target = up + link(site.file(other, folder))
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


def _footer(site: Site, lang: str, up: str) -> str:
    now = local_now(site.city)
    made = f'<time datetime="{now:%Y-%m-%dT%H:%M}">{formats.period(now, "day", lang)}</time>'
    target = up + link(site.file(lang, SOURCES))
    named = f'<a href="{target}">{say(lang, "sources")}</a>'
    notice = f'<a href="{target}#notice">{NOTICE}</a>'
    credit = escape(site.city.attribution.get(lang, "")).replace(NOTICE, notice)
    return (
        f"<footer><p>{say(lang, 'public_note')} {say(lang, 'measured')}</p>"
        f"<p>{say(lang, 'terms_note')} {named}</p>"
        f"<p>{credit}</p>"
        f"<p>{say(lang, 'published', time=made)} · {escape(site.version)}</p></footer>\n"
    )


def link(path: str) -> str:
    """Address of a file: folders without `index.html`."""
    return path.removesuffix("index.html") or "./"
