"""The page that names where the public figures come from, and under which terms they stand."""

from __future__ import annotations

from html import escape

import mistune

from citylib.city.datasets import DatasetSpec, in_language
from citylib.look.words import say
from citylib.panels.picture import reading as read
from citylib.publish.frame import NOTICE, SOURCES, Site, frame, link


def sources(site: Site, lang: str) -> str:
    """The page: each dataset with its publisher and terms, the map's sources, the full notice."""
    title = say(lang, "sources")
    parts = [f"<h1>{escape(title)}</h1><p>{say(lang, 'terms_note')}</p>"]
    for name, spec in site.city.datasets.items():
        figures = [n for n, array in site.figures.items() if array.attrs.get("dataset") == name]
        if figures:
            parts.append(_dataset(site, lang, spec, figures))
    layers = "".join(
        f"<dt>{escape(layer.title.get(lang, layer.id))}</dt><dd>{escape(layer.source)}</dd>"
        for layer in site.city.basemap
        if layer.source
    )
    if layers:
        parts.append(
            f'<section class="card"><h2>{say(lang, "map")}</h2><dl>{layers}</dl></section>'
        )
    parts.append(_notice(site))
    return frame(site, lang, SOURCES, title, "\n".join(parts))


def _dataset(site: Site, lang: str, spec: DatasetSpec, figures: list[str]) -> str:
    up = "../" * site.file(lang, SOURCES).count("/")
    links = ", ".join(
        f'<a href="{up}{link(site.path(lang, name))}">'
        f"{escape(read.title_of(site.figures[name], lang))}</a>"
        for name in figures
    )
    rows = {
        "figures": links,
        "publisher": escape(in_language(spec.publisher, lang)),
        "published_at": escape(in_language(spec.source, lang)),
        "licence": escape(in_language(spec.licence, lang)),
    }
    body = "".join(f"<dt>{say(lang, key)}</dt><dd>{text}</dd>" for key, text in rows.items())
    title = escape(in_language(spec.title, lang))
    return f'<section class="card"><h2>{title}</h2><dl>{body}</dl></section>'


def _notice(site: Site) -> str:
    path = site.city.folder / NOTICE
    if not path.is_file():
        return ""
    html = mistune.create_markdown(renderer=_Lower(), plugins=["table"])(path.read_text("utf-8"))
    return f'<section class="card notice" id="notice">{html}</section>'


class _Lower(mistune.HTMLRenderer):
    """Headings below the page's own; markup of the file is shown as text."""

    def heading(self, text: str, level: int, **attrs: object) -> str:
        """A heading one level deeper."""
        return f"<h{level + 1}>{text}</h{level + 1}>\n"
