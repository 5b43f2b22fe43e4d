"""The legend of a map that explains: classes, how many areas each holds, missing, threshold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from citylib.look import colours, figures
from citylib.look.words import say
from citylib.panels.picture.choropleth import DIGITS, class_texts
from citylib.panels.picture.grade import grade, limit

if TYPE_CHECKING:
    import xarray as xr


def key(values: Iterable[float], units: str, lang: str) -> str:
    """Classes side by side from the smallest figures to the largest, each under a bar as high as
    it holds many, with the figures at which they meet.

    Parameters
    ----------
    values : iterable of float
        What is drawn; NaN is missing, and is hatched.
    units : str
        CF units.
    lang : str
        Language.
    """
    given = list(values)
    known = [value for value in given if np.isfinite(value)]
    limits = colours.breaks(known)
    edges = [min(known), *limits, max(known)] if known else []
    edges = edges if limits else edges[:1]
    says = figures.alike(edges, lang, DIGITS)
    held = Counter(colours.class_of(value, limits) for value in known)
    classes = len(limits) + 1
    rows = [
        (colours.shade(place, classes), text, held[place], says[place])
        for place, text in enumerate(class_texts(known, lang) if known else ())
    ]
    end = f'<span class="edge end" aria-hidden="true">{says[-1]}</span>' if limits else ""
    if len(known) < len(given):
        word = say(lang, "missing")
        rows.append((colours.MISSING, word, len(given) - len(known), word))
    most = max(count for _, _, count, _ in rows) if rows else 1
    items = "".join(
        f'<li class="{kind}"><span class="held" aria-hidden="true">'
        f'<span style="height:{count / (most or 1):.0%}"></span></span>'
        f'<span class="swatch {kind}" aria-hidden="true"></span>'
        f'<span class="edge" aria-hidden="true">{edge}</span>'
        f"{end if place == classes - 1 else ''}"
        f'<span class="hidden">{text}: {say(lang, "held", count=count)}</span></li>'
        for place, (kind, text, count, edge) in enumerate(rows)
    )
    mark = figures.unit(units, lang)
    head = f'<span class="legend-unit">{escape(mark)}</span>' if mark else ""
    return f'<div class="legend"><ol class="classes">{items}</ol>{head}</div>'


def noted(legend: str, note: str) -> str:
    """A legend with a sentence under it."""
    return f'{legend}<div class="notes"><p class="note">{escape(note)}</p></div>'


def explained(values: Iterable[float], array: xr.DataArray, lang: str, areas: str) -> str:
    """Legend of an indicator: its classes, what the bars count, and its threshold with source.

    Parameters
    ----------
    areas : str
        What the areas are called: "District".
    """
    given = list(values)
    units = str(array.attrs.get("units", "1"))
    note = f'<p class="note">{escape(say(lang, "legend_note", areas=areas))}</p>'
    known = [value for value in given if np.isfinite(value)]
    where = grade(array, known[0], lang) if known else None
    if where is not None:
        count = sum(bool((one := grade(array, value, lang)) and one.beyond) for value in known)
        said = say(lang, "legend_alarm", limit=limit(where, units, lang), count=count)
        note += (
            f'<p class="note alarm"><span class="swatch beyond" aria-hidden="true"></span>'
            f'{escape(said)}<span class="from">{escape(where.source)}</span></p>'
        )
    return f'{key(given, units, lang)}<div class="notes">{note}</div>'
