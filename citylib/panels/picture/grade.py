"""The class of a figure among the thresholds that its indicator names."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from citylib.look import figures
from citylib.look.words import say

if TYPE_CHECKING:
    import xarray as xr

_SHAPES = {
    "beyond": '<path d="M10 0 20 18H0z"/><path class="cut" d="M9 6h2v6H9zM9 13.5h2v2H9z"/>',
    "watch": '<path d="M10 0 19 9 10 18 1 9z"/>',
    "steady": '<path d="M3 0 19 9 3 18z"/>',
    "within": '<circle cx="10" cy="9" r="8.5"/>',
}
SIGNS = {
    kind: f'<svg class="sign" viewBox="0 0 20 18" aria-hidden="true">{shape}</svg>'
    for kind, shape in _SHAPES.items()
}
"""A state is said by sign, word and colour: never by colour alone."""


@dataclass(frozen=True)
class Grade:
    """A figure among published bounds.

    Attributes
    ----------
    bounds : tuple of float
        Where the classes meet, rising.
    place : int
        Class of the figure, 0 the one of the smallest figures.
    word : str
        What the class is called.
    alarm : float
        The bound that must not be passed.
    beyond : bool
        Whether the figure is past it.
    lower : bool
        Whether smaller figures are better.
    source : str
        Who has published the bounds.
    """

    bounds: tuple[float, ...]
    place: int
    word: str
    alarm: float
    beyond: bool
    lower: bool
    source: str

    @property
    def kind(self) -> str:
        """A key of `SIGNS`: past the alarm, in the class next to it, or better than that."""
        if self.beyond:
            return "beyond"
        edge = self.bounds.index(self.alarm)
        good = 0 if self.lower else len(self.bounds)
        next_to_it = edge if self.lower else edge + 1
        return "watch" if self.place == next_to_it and self.place != good else "within"


def grade(array: xr.DataArray, value: float, lang: str) -> Grade | None:
    """Where a figure of an indicator stands; None without thresholds or without a figure.

    Examples
    --------
    >>> grade(pm25, 43.0, "en").word  # doctest: +SKIP
    'bad'
    """
    attrs = array.attrs
    bounds = tuple(float(bound) for bound in np.atleast_1d(attrs.get("thresholds", ())))
    if not bounds or not isfinite(value) or "alarm" not in attrs:
        return None
    alarm, lower = float(attrs["alarm"]), attrs.get("better") != "higher"
    # A figure that equals a bound belongs to the better class.
    reach = bounds if lower else tuple(-bound for bound in reversed(bounds))
    place = bisect_left(reach, value if lower else -value)
    place = place if lower else len(bounds) - place
    past = value > alarm if lower else value < alarm
    words = attrs.get(f"threshold_words_{lang}") or ()
    word = str(words[place]) if len(words) > place else say(lang, "beyond" if past else "within_it")
    source = str(attrs.get(f"threshold_source_{lang}") or attrs.get("threshold_source") or "")
    return Grade(bounds, place, word, alarm, past, lower, source)


def beyond(array: xr.DataArray, values: Mapping[str, float], codes: Iterable[str]) -> list[str]:
    """Those of the areas whose figure is past the alarm."""
    found = ((code, grade(array, values.get(code, float("nan")), "en")) for code in codes)
    return [code for code, where in found if where is not None and where.beyond]


def limit(where: Grade, units: str, lang: str) -> str:
    """The bound that counts, in words: what lies beyond it is called so.

    >>> limit(where, "ug m-3", "en")  # doctest: +SKIP
    'above 35 µg/m³'
    """
    key = "above_limit" if where.lower else "below_limit"
    return say(lang, key, limit=figures.figure(where.alarm, units, lang))


def state(where: Grade | None, units: str, lang: str) -> str:
    """Sign and word of a figure's class, with the bound that must not be passed, as HTML."""
    if where is None:
        return ""
    note = f"{limit(where, units, lang)}: {say(lang, 'beyond')}. {where.source}"
    return (
        f'<span class="state {where.kind}" title="{escape(note)}">'
        f"{SIGNS[where.kind]} {escape(where.word)}"
        f'<span class="hidden"> ({escape(note)})</span></span>'
    )


def gauge(where: Grade | None, value: float, units: str, lang: str) -> str:
    """The classes side by side with the figure between them, as HTML; nothing without classes.

    All classes are equally wide: the figure's place within its class is true, lengths of
    different classes are not compared.
    """
    if where is None:
        return ""
    count = len(where.bounds) + 1
    edges = _edges(where.bounds, value)
    inside = (value - edges[where.place]) / (edges[where.place + 1] - edges[where.place])
    spot = (where.place + min(max(inside, 0.03), 0.97)) / count * 100
    order = range(count)
    alarm = where.bounds.index(where.alarm)
    bad = [place > alarm if where.lower else place <= alarm for place in order]
    parts = "".join(
        f'<span class="part{" bad" if bad[place] else ""}'
        f'{" here" if place == where.place else ""}"></span>'
        for place in order
    )
    marks = "".join(
        f'<span class="mark{" alarm" if bound == where.alarm else ""}" '
        f'style="left:{(place + 1) / count * 100:.2f}%">{text}</span>'
        for place, (bound, text) in enumerate(
            zip(where.bounds, figures.alike(where.bounds, lang), strict=True)
        )
    )
    return (
        f'<span class="gauge {where.kind}" aria-hidden="true"><span class="parts">{parts}</span>'
        f'<span class="spot" style="left:{spot:.2f}%"></span>'
        f'<span class="marks">{marks}</span></span>'
    )


def _edges(bounds: tuple[float, ...], value: float) -> list[float]:
    """Bounds with an outer edge on either side that holds the figure."""
    width = bounds[-1] - bounds[0] if len(bounds) > 1 else abs(bounds[0]) or 1.0
    first = min(0.0 if bounds[0] > 0 else bounds[0] - width, value)
    return [first, *bounds, max(bounds[-1] + width, value)]
