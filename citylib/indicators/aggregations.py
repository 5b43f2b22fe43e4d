"""Aggregations as values: chunk, combine, finalize.

An aggregation turns the values of a group into *states*, merges the states of the same group from
elsewhere, and turns states into the figure. Because states merge, a figure can be put together
from files, from workers and from deliveries in any number of pieces; the engine knows nothing of
means or shares. (The shape is that of flox, https://flox.readthedocs.io.)

Every function works on whole arrays: `chunk` sees the rows of a block of a table with their groups
(`Rows`); states are arrays with one entry for each group. The mean of logarithms, for example, is

    def logs(rows):
        return np.bincount(rows.groups, np.log(rows.values), rows.size), rows.count

    LOG_MEAN = Aggregation(
        "log_mean",
        chunk=logs,
        combine=lambda a, b: (a[0] + b[0], a[1] + b[1]),
        finalize=lambda states: divide(states[0], states[1]),
        identity=(0.0, 0.0),
    )
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from citylib.indicators.rows import Floats, Rows

States = tuple[npt.NDArray[Any], ...]


@dataclass(frozen=True)
class Aggregation:
    """How the values of a group become one figure.

    Attributes
    ----------
    name : str
        The word used in a declaration.
    chunk : callable (rows) -> states
        States of the `rows.size` groups of a block's rows.
    combine : callable (states, states) -> states
        States of the same groups from two parts become one; associative.
    finalize : callable (states) -> ndarray of float64
        The figures; NaN for a group that nothing is known of.
    identity : tuple of float or bytes
        States that change nothing when combined, one for each state: arrays of states are of
        float64, or of objects where this is bytes.
    needs_measure, needs_denominator : bool
        Which columns a declaration has to name.
    absent : float
        The figure of an area without records in a period in which other areas have some.
    gather : callable (sequence of states) -> states, optional
        The same as `combine` for any number of parts, where that is quicker than two at a time.
    """

    name: str
    chunk: Callable[[Rows], States]
    combine: Callable[[States, States], States]
    finalize: Callable[[States], Floats]
    identity: tuple[float | bytes, ...]
    needs_measure: bool = True
    needs_denominator: bool = False
    absent: float = np.nan
    gather: Callable[[Sequence[States]], States] | None = None

    @property
    def sketches(self) -> bool:
        """Whether states are strings of bytes, which take more memory than numbers."""
        return any(isinstance(one, bytes) for one in self.identity)

    def together(self, parts: Sequence[States]) -> States:
        """States of the same groups from some parts become one."""
        return self.gather(parts) if self.gather else reduce(self.combine, parts)


def add(a: States, b: States) -> States:
    """Combine states that are sums."""
    return tuple(x + y for x, y in zip(a, b, strict=True))


def divide(a: Floats, b: Floats) -> Floats:
    """Quotients; NaN where the divisor is zero."""
    return np.divide(a, b, out=np.full_like(a, np.nan), where=b != 0)


def _sum_and_count(rows: Rows) -> States:
    return rows.sum, rows.count


def _extreme(
    pick: np.ufunc, chunk: Callable[[Rows], States]
) -> tuple[
    Callable[[Rows], States], Callable[[States, States], States], Callable[[States], Floats]
]:
    def combine(a: States, b: States) -> States:
        return (pick(a[0], b[0]),)

    def finalize(states: States) -> Floats:
        return np.where(np.isfinite(states[0]), states[0], np.nan)

    return chunk, combine, finalize


def _deviation_combine(a: States, b: States) -> States:
    """Chan, Golub and LeVeque, "Updating formulae" (1979), equation 2.1."""
    (count_a, mean_a, squares_a), (count_b, mean_b, squares_b) = a, b
    count = count_a + count_b
    share = np.nan_to_num(divide(count_b, count), nan=0.0)
    delta = mean_b - mean_a
    return (
        count,
        mean_a + delta * share,
        squares_a + squares_b + delta**2 * count_a * share,
    )


def _last_chunk(rows: Rows) -> States:
    order = np.lexsort((rows.values, rows.time))
    time, value = np.full(rows.size, -np.inf), np.full(rows.size, np.nan)
    time[rows.groups[order]] = rows.time[order]
    value[rows.groups[order]] = rows.values[order]
    return time, value


def _last_combine(a: States, b: States) -> States:
    # Of records of the same moment the largest, so that no order of pieces matters.
    later = (b[0] > a[0]) | ((b[0] == a[0]) & (np.isnan(a[1]) | (b[1] >= a[1])))
    return np.where(later, b[0], a[0]), np.where(later, b[1], a[1])


COUNT = Aggregation(
    "count",
    lambda rows: (rows.kept,),
    add,
    lambda states: states[0],
    (0.0,),
    needs_measure=False,
    absent=0.0,
)
SUM = Aggregation(
    "sum",
    _sum_and_count,
    add,
    lambda states: np.where(states[1] > 0, states[0], np.nan),
    (0.0, 0.0),
)
MEAN = Aggregation(
    "mean", _sum_and_count, add, lambda states: divide(states[0], states[1]), (0.0, 0.0)
)
MIN = Aggregation("min", *_extreme(np.minimum, lambda rows: (rows.min,)), (np.inf,))
MAX = Aggregation("max", *_extreme(np.maximum, lambda rows: (rows.max,)), (-np.inf,))
STD = Aggregation(
    "std",
    lambda rows: (rows.count, rows.mean, rows.squares),
    _deviation_combine,
    lambda states: np.sqrt(divide(states[2], states[0])),
    (0.0, 0.0, 0.0),
)
LAST = Aggregation("last", _last_chunk, _last_combine, lambda states: states[1], (-np.inf, np.nan))
RATIO = Aggregation(
    "ratio",
    lambda rows: (rows.paired[:, 1], rows.paired[:, 2]),
    add,
    lambda states: divide(states[0], states[1]),
    (0.0, 0.0),
    needs_denominator=True,
)

WEIGHTED_MEAN = Aggregation(
    "weighted_mean",
    lambda rows: (rows.paired[:, 3], rows.paired[:, 2]),
    add,
    lambda states: divide(states[0], states[1]),
    (0.0, 0.0),
)
SHARE = Aggregation(
    "share",
    _sum_and_count,
    add,
    lambda states: divide(states[0], states[1]),
    (0.0, 0.0),
    needs_measure=False,
)

AGGREGATIONS = {
    aggregation.name: aggregation
    for aggregation in (COUNT, SUM, MEAN, MIN, MAX, STD, LAST, RATIO, WEIGHTED_MEAN, SHARE)
}
"""Every aggregation by its name in a declaration.

`count` counts records, and is 0 where there are records but none that is meant; the others leave
out records whose measure is missing, and a group without any is missing, not zero. `std` is of the
population (divides by n). `last` takes the newest record, and is for the city as a whole only: the
newest records of its areas make no newest record of the city. `ratio` divides the sum of `measure`
by the sum of `denominator`, so that a rate of the city is the rate of its people and not the mean
of its districts' rates. The second column of a `weighted_mean` is its weight. A `share`'s measure
is 1 for a record that meets its condition, and 0 for one that does not. `quantile` and `distinct`
are in `citylib.indicators.sketches`.
"""
