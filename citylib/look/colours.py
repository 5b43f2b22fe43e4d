"""Classes of a map's legend: where they begin, and which colour each takes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from math import floor, isfinite, log10
from statistics import quantiles

COUNT = 6
MISSING = "missing"


def nice_step(value: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above `value` (> 0).

    >>> nice_step(37.0)
    20.0
    """
    power = 10.0 ** floor(log10(value))
    return max(factor * power for factor in (1.0, 2.0, 5.0) if factor * power <= value * (1 + 1e-9))


def breaks(values: Iterable[float], count: int = COUNT) -> list[float]:
    """Where the classes of a legend begin: quantiles, moved to numbers that can be read.

    Parameters
    ----------
    values : iterable of float
        Figures of the areas; what is not finite is left out.
    count : int
        Classes at most.

    Returns
    -------
    list of float
        Rising limits between classes, one less than there are classes; whole numbers if all
        figures are whole. Empty when the figures do not differ.
    """
    known = sorted(value for value in values if isfinite(value))
    if len(known) < 2 or known[0] == known[-1]:
        return []
    cuts = quantiles(known, n=count, method="inclusive")
    # The middle half says how fine the limits must be; a single large area must not coarsen them.
    spread = (cuts[-1] - cuts[0]) or (known[-1] - known[0])
    step = nice_step(spread / (2 * count))
    if all(value == round(value) for value in known):
        step = max(step, 1.0)
    places = max(0, -floor(log10(step)))
    limits = sorted({round(round(cut / step) * step, places) for cut in cuts})
    limits = [limit for limit in limits if known[0] < limit <= known[-1]]
    # Nearly all are equal, as where most areas had no death: the largest stand out.
    return limits or [known[-1]]


def class_of(value: float, limits: list[float]) -> int | None:
    """Class of a figure: 0 up to `len(limits)`; None if there is no figure."""
    return bisect_right(limits, value) if isfinite(value) else None


def paint(value: float, limits: list[float]) -> str:
    """Name of the colour of a figure: `class-0` … `class-5`, or `missing`.

    Fewer classes than colours are spread over the whole scale.
    """
    place = class_of(value, limits)
    return MISSING if place is None else shade(place, len(limits) + 1)


def shade(place: int, classes: int) -> str:
    """Name of the colour of the class `place` among `classes`."""
    if classes == 1:
        return f"class-{COUNT // 2}"
    return f"class-{round(place * (COUNT - 1) / (classes - 1))}"
