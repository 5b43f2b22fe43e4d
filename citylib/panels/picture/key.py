"""The legend of a map that explains: classes, how many areas each holds, missing, threshold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from citylib.look import colours, figures
from citylib.look.words import say
from citylib.panels.picture.choropleth import class_texts
from citylib.panels.picture.grade import grade, limit

if TYPE_CHECKING:
    import xarray as xr


def key(values: Iterable[float], units: str, lang: str) -> str:
    """Classes from the largest to the smallest, each with a bar as long as it holds many.

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
    if not known:
        rows = [(colours.MISSING, say(lang, "missing"), len(given))]
    else:
        limits = colours.breaks(known)
        held = Counter(colours.class_of(value, limits) for value in known)
        classes = len(limits) + 1
        rows = [
            (colours.shade(place, classes), text, held[place])
            for place, text in enumerate(class_texts(known, lang))
        ][::-1]
        if len(known) < len(given):
            rows.append((colours.MISSING, say(lang, "missing"), len(given) - len(known)))
    most = max((count for *_, count in rows), default=1) or 1
    items = "".join(
        f'<li><span class="swatch {kind}" aria-hidden="true"></span><span class="range">{text}'
        f'</span><span class="held" aria-hidden="true"><span style="width:{count / most:.0%}">'
        f'</span></span><span class="count">{count}</span></li>'
        for kind, text, count in rows
    )
    mark = figures.unit(units, lang)
    head = f'<span class="legend-unit">{escape(mark)}</span>' if mark else ""
    return f'<div class="legend">{head}<ul>{items}</ul></div>'


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
