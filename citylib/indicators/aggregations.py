"""Aggregations as values: chunk, combine, finalize.

An aggregation turns the values of a group into *states*, merges the states of the same group from
elsewhere, and turns states into the figure. Because states merge, a figure can be put together
from files, from workers and from deliveries in any number of pieces; the engine knows nothing of
means or shares. (The shape is that of flox, https://flox.readthedocs.io.)

Every function works on whole arrays: `chunk` sees all rows of a piece of a table with the number of
the group that each belongs to; states are arrays with one entry for each group.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.int64]
States = tuple[Floats, ...]


@dataclass(frozen=True)
class Rows:
    """Rows of one piece of a table.

    Attributes
    ----------
    values : ndarray of float64, shape (rows,)
        The measure; NaN where the record has none. For an aggregation without a measure: 1 for a
        record that is meant, 0 for one that `where` leaves out.
    denominator : ndarray of float64, shape (rows,)
        The second measure, for ratios; otherwise the same as `values`.
    time : ndarray of float64, shape (rows,)
        Microseconds since 1970 (UTC), for aggregations that need an order.
    """

    values: Floats
    denominator: Floats
    time: Floats


@dataclass(frozen=True)
class Aggregation:
    """How the values of a group become one figure.

    Attributes
    ----------
    name : str
        The word used in a declaration.
    chunk : callable (rows, groups, size) -> states
        States of `size` groups from rows; `groups` has the group number of each row.
    combine : callable (states, states) -> states
        States of the same groups from two pieces become one; associative.
    finalize : callable (states) -> ndarray
        The figures; NaN for a group that nothing is known of.
    identity : tuple of float
        States that change nothing when combined, one number for each state.
    needs_measure, needs_denominator : bool
        Which columns a declaration has to name.
    absent : float
        The figure of an area without records in a period in which other areas have some.
    """

    name: str
    chunk: Callable[[Rows, Groups, int], States]
    combine: Callable[[States, States], States]
    finalize: Callable[[States], Floats]
    identity: tuple[float, ...]
    needs_measure: bool = True
    needs_denominator: bool = False
    absent: float = np.nan


def _known(values: Floats) -> Floats:
    return np.isfinite(values).astype(np.float64)


def _sum(values: Floats, groups: Groups, size: int) -> Floats:
    weights = np.nan_to_num(values, nan=0.0)
    return np.bincount(groups, weights=weights, minlength=size).astype(np.float64)


def _add(a: States, b: States) -> States:
    return tuple(x + y for x, y in zip(a, b, strict=True))


def _divide(a: Floats, b: Floats) -> Floats:
    return np.divide(a, b, out=np.full_like(a, np.nan), where=b != 0)


def _sum_and_count(rows: Rows, groups: Groups, size: int) -> States:
    return _sum(rows.values, groups, size), _sum(_known(rows.values), groups, size)


def _extreme(
    pick: np.ufunc, worst: float
) -> tuple[
    Callable[[Rows, Groups, int], States],
    Callable[[States, States], States],
    Callable[[States], Floats],
]:
    def chunk(rows: Rows, groups: Groups, size: int) -> States:
        out = np.full(size, worst)
        pick.at(out, groups, np.where(np.isfinite(rows.values), rows.values, worst))
        return (out,)

    def combine(a: States, b: States) -> States:
        return (pick(a[0], b[0]),)

    def finalize(states: States) -> Floats:
        return np.where(np.isfinite(states[0]), states[0], np.nan)

    return chunk, combine, finalize


def _deviation_chunk(rows: Rows, groups: Groups, size: int) -> States:
    total, count = _sum_and_count(rows, groups, size)
    mean = np.nan_to_num(_divide(total, count), nan=0.0)
    return count, mean, _sum((rows.values - mean[groups]) ** 2, groups, size)


def _deviation_combine(a: States, b: States) -> States:
    """Chan, Golub and LeVeque, "Updating formulae" (1979), equation 2.1."""
    (count_a, mean_a, squares_a), (count_b, mean_b, squares_b) = a, b
    count = count_a + count_b
    share = np.nan_to_num(_divide(count_b, count), nan=0.0)
    delta = mean_b - mean_a
    return (
        count,
        mean_a + delta * share,
        squares_a + squares_b + delta**2 * count_a * share,
    )


def _last_chunk(rows: Rows, groups: Groups, size: int) -> States:
    known = np.flatnonzero(np.isfinite(rows.values))
    order = known[np.lexsort((rows.values[known], rows.time[known]))]
    time, value = np.full(size, -np.inf), np.full(size, np.nan)
    time[groups[order]] = rows.time[order]
    value[groups[order]] = rows.values[order]
    return time, value


def _last_combine(a: States, b: States) -> States:
    # Of records of the same moment the largest, so that no order of pieces matters.
    later = (b[0] > a[0]) | ((b[0] == a[0]) & (np.isnan(a[1]) | (b[1] >= a[1])))
    return np.where(later, b[0], a[0]), np.where(later, b[1], a[1])


def _ratio_chunk(rows: Rows, groups: Groups, size: int) -> States:
    both = np.isfinite(rows.values) & np.isfinite(rows.denominator)
    return (
        _sum(np.where(both, rows.values, 0.0), groups, size),
        _sum(np.where(both, rows.denominator, 0.0), groups, size),
    )


def _count_chunk(rows: Rows, groups: Groups, size: int) -> States:
    return (_sum(rows.values, groups, size),)


COUNT = Aggregation(
    "count", _count_chunk, _add, lambda states: states[0], (0.0,), needs_measure=False, absent=0.0
)
SUM = Aggregation(
    "sum",
    _sum_and_count,
    _add,
    lambda states: np.where(states[1] > 0, states[0], np.nan),
    (0.0, 0.0),
)
MEAN = Aggregation(
    "mean", _sum_and_count, _add, lambda states: _divide(states[0], states[1]), (0.0, 0.0)
)
MIN = Aggregation("min", *_extreme(np.minimum, np.inf), (np.inf,))
MAX = Aggregation("max", *_extreme(np.maximum, -np.inf), (-np.inf,))
STD = Aggregation(
    "std",
    _deviation_chunk,
    _deviation_combine,
    lambda states: np.sqrt(_divide(states[2], states[0])),
    (0.0, 0.0, 0.0),
)
LAST = Aggregation("last", _last_chunk, _last_combine, lambda states: states[1], (-np.inf, np.nan))
RATIO = Aggregation(
    "ratio",
    _ratio_chunk,
    _add,
    lambda states: _divide(states[0], states[1]),
    (0.0, 0.0),
    needs_denominator=True,
)

AGGREGATIONS = {
    aggregation.name: aggregation for aggregation in (COUNT, SUM, MEAN, MIN, MAX, STD, LAST, RATIO)
}
"""Every aggregation by its name in a declaration.

`count` counts records, and is 0 where there are records but none that is meant; the others leave
out records whose measure is missing, and a group without any is missing, not zero. `std` is of the
population (divides by n). `last` takes the newest record, and is for the city as a whole only: the
newest records of its areas make no newest record of the city. `ratio` divides the sum of `measure`
by the sum of `denominator`, so that a rate of the city is the rate of its people and not the mean
of its districts' rates.
"""
