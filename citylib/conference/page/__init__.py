"""The pages of the conference: for who takes part, and for who plans.

Each is one HTML file, one script and one style sheet, all from the service itself.
"""

from __future__ import annotations

import json
from functools import cache
from html import escape
from pathlib import Path

from citylib.conference.js import FOLDER as CLIENT
from citylib.conference.js import together
from citylib.look.theme import css
from citylib.look.words import languages, words

FOLDER = Path(__file__).parent
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob: mediastream:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    )
)
"""Content-Security-Policy of both pages: nothing from elsewhere, nothing written into the page."""
PAGES = ("join", "rooms")
SHEETS = {"join.css": ("page", "meeting", "tiles"), "rooms.css": ("rooms",)}


def join_page(prefix: str) -> str:
    """HTML of the page of who takes part.

    Parameters
    ----------
    prefix : str
        Path of the service, with a slash at both ends.
    """
    return _html(prefix, "join", ("conference", "conference_panel", "conference_page"))


def rooms_page(prefix: str) -> str:
    """HTML of the page of officials and the mayor, who make rooms.

    Parameters
    ----------
    prefix : str
        Path of the service, with a slash at both ends.
    """
    return _html(prefix, "rooms", ("conference", "conference_page", "conference_rooms"))


def static(name: str) -> tuple[bytes, str] | None:
    """What is at `static/NAME`, and its media type; None: there is nothing."""
    page, _, kind = name.rpartition(".")
    if kind == "js" and page in PAGES:
        return _script(page), "text/javascript; charset=utf-8"
    if name in SHEETS:
        return _sheet(name), "text/css; charset=utf-8"
    return None


@cache
def _script(page: str) -> bytes:
    """All modules in one, so that a distant reader waits for one answer and not for twenty."""
    return together(FOLDER / f"{page}.js").encode()


@cache
def _sheet(name: str) -> bytes:
    return "\n".join([css(), *(_file(f"{part}.css") for part in SHEETS[name])]).encode()


def _file(name: str) -> str:
    own = FOLDER / name
    return (own if own.is_file() else CLIENT / name).read_text("utf-8")


@cache
def _html(prefix: str, name: str, tables: tuple[str, ...]) -> str:
    said = {}
    for lang in languages():
        found = words(lang)
        said[lang] = {"own_name": found["own_name"]}
        for table in tables:
            own = f"{table}."
            said[lang] |= {k.removeprefix(own): v for k, v in found.items() if k.startswith(own)}
    # Nothing in the words may end the element that they are in.
    told = json.dumps(said, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    without = " ".join(said[lang]["without_script"] for lang in said)
    path = escape(prefix, quote=True)
    return f"""<!doctype html>
<html lang="{next(iter(said))}" data-service="{path}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<title>{escape(said["en"]["conference"])}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{path}static/{name}.css">
<script type="application/json" id="words">{told}</script>
<script type="module" src="{path}static/{name}.js"></script>
</head>
<body>
<noscript><p>{escape(without)}</p></noscript>
</body>
</html>
"""
