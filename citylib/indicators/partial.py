"""States of the groups of one piece of a table, and how pieces merge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from citylib.indicators.aggregations import Aggregation, Floats, States

Keys = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Partial:
    """States of the groups that occur in a piece.

    Attributes
    ----------
    keys : ndarray of int64, shape (groups,)
        Sorted; period number times the number of areas, plus the area's number.
    states : tuple of ndarray, each of shape (groups,)
        The aggregation's states.
    """

    keys: Keys
    states: States


def merge(aggregation: Aggregation, a: Partial, b: Partial) -> Partial:
    """States of both pieces together.

    Parameters
    ----------
    aggregation : Aggregation
        Whose states they are.
    a, b : Partial
        The order matters for `last` alone, and there for records of the same moment only.

    Returns
    -------
    Partial
        Of the groups of either.
    """
    keys = np.union1d(a.keys, b.keys)
    return Partial(
        keys, aggregation.combine(_spread(a, keys, aggregation), _spread(b, keys, aggregation))
    )


def _spread(part: Partial, keys: Keys, aggregation: Aggregation) -> States:
    at = np.searchsorted(keys, part.keys)
    spread: list[Floats] = []
    for state, identity in zip(part.states, aggregation.identity, strict=True):
        out = np.full(len(keys), identity)
        out[at] = state
        spread.append(out)
    return tuple(spread)


def empty(aggregation: Aggregation) -> Partial:
    """States of no groups at all."""
    none = np.empty(0)
    return Partial(np.empty(0, np.int64), tuple(none for _ in aggregation.identity))
