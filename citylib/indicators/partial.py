"""States of the groups of a part of a table, and how parts merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from citylib.indicators.aggregations import Aggregation, States

Keys = npt.NDArray[np.int64]
GROUPS, LONGEST = 1 << 14, 1 << 12
"""Groups of a block at most, and periods."""
DENSE = 4
"""States are laid out by period and area if so many times as many places are enough."""


@dataclass(frozen=True)
class Partial:
    """States of the groups that occur in a part of a table.

    Attributes
    ----------
    keys : ndarray of int64, shape (groups,)
        Sorted; period number times the number of areas, plus the area's number. The city's own
        number is 0, and its states here are of the records of which only the city is known:
        `whole` adds those of its areas.
    states : tuple of ndarray, each of shape (groups,)
        The aggregation's states.
    """

    keys: Keys
    states: States


def merge(aggregation: Aggregation, *parts: Partial) -> Partial:
    """States of some parts together.

    Parameters
    ----------
    aggregation : Aggregation
        Whose states they are.
    *parts : Partial
        In this order they are combined.

    Returns
    -------
    Partial
        Of the groups of any of them.
    """
    return merge_all({"": aggregation}, [{"": part} for part in parts])[""]


def merge_all(
    aggregations: Mapping[str, Aggregation], parts: Sequence[Mapping[str, Partial]]
) -> dict[str, Partial]:
    """The same for the parts of some indicators by id; equal keys are looked through once."""
    unions: dict[tuple[int, ...], tuple[Keys, list[Keys]]] = {}
    merged: dict[tuple[object, ...], Partial] = {}
    result = {}
    for name, aggregation in aggregations.items():
        mine = [part[name] for part in parts]
        same = tuple(id(part.keys) for part in mine)
        if same not in unions:
            keys = _union([part.keys for part in mine])
            unions[same] = keys, [np.searchsorted(keys, part.keys) for part in mine]
        keys, places = unions[same]
        equal = aggregation.combine, *(id(part) for part in mine)
        if equal not in merged or not mine:
            merged[equal] = Partial(keys, _combined(aggregation, len(keys), mine, places))
        result[name] = merged[equal]
    return result


def _union(every: Sequence[Keys]) -> Keys:
    keys = np.concatenate([np.empty(0, np.int64), *every])
    keys.sort(kind="stable")  # parts follow each other mostly, which this sort makes use of
    return keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys


def _combined(
    aggregation: Aggregation, size: int, parts: Sequence[Partial], places: Sequence[Keys]
) -> States:
    states = blank(aggregation, size)
    taken = np.zeros(size, bool)
    for part, at in zip(parts, places, strict=True):
        add(aggregation, states, taken, at, part.states)
    return states


def add(
    aggregation: Aggregation, states: States, taken: np.ndarray, at: np.ndarray, more: States
) -> None:
    """Combine states of some groups into those at their places, in place.

    Parameters
    ----------
    states : tuple of ndarray, each of shape (n,)
        Changed.
    taken : ndarray of bool, shape (n,)
        Whether anything has been added at a place before; changed.
    at : ndarray of int64, shape (m,)
        Places, each once.
    more : tuple of ndarray, each of shape (m,)
    """
    again = taken[at]
    if again.any():
        old = at[again]
        both = aggregation.combine(
            tuple(state[old] for state in states), tuple(state[again] for state in more)
        )
        for state, value in zip(states, both, strict=True):
            state[old] = value
        new = ~again
        at, more = at[new], tuple(state[new] for state in more)
    for state, value in zip(states, more, strict=True):
        state[at] = value
    taken[at] = True


def whole(aggregation: Aggregation, part: Partial, width: int) -> Partial:
    """The same, with the city's states made from those of its areas and its own.

    Parameters
    ----------
    width : int
        Number of areas, the city included.
    """
    if width == 1 or not len(part.keys):
        return part
    first = int(part.keys[0] // width)
    count = int(part.keys[-1] // width) - first + 1
    if count * width > DENSE * len(part.keys):
        return _whole_of_few(aggregation, part, width)
    at = part.keys - first * width
    taken = np.zeros((count, width), bool)
    taken.reshape(-1)[at] = True
    states = []
    for mine, blank_one in zip(part.states, blank(aggregation, count * width), strict=True):
        blank_one[at] = mine
        states.append(blank_one.reshape(count, width))
    city = aggregation.together(
        [tuple(state[:, place] for state in states) for place in range(width)]
    )
    for state, own in zip(states, city, strict=True):
        state[:, 0] = own
    taken[:, 0] = taken.any(axis=1)
    if taken.all():
        keys = np.arange(first * width, (first + count) * width)
        return Partial(keys, tuple(state.reshape(-1) for state in states))
    return Partial(np.flatnonzero(taken) + first * width, tuple(state[taken] for state in states))


def _whole_of_few(aggregation: Aggregation, part: Partial, width: int) -> Partial:
    """The same for periods that are far apart."""
    period, place = np.divmod(part.keys, width)
    periods = _union([period])
    states, taken = blank(aggregation, len(periods)), np.zeros(len(periods), bool)
    order = np.argsort(place, kind="stable")
    for mine in np.split(order, np.flatnonzero(np.diff(place[order])) + 1):
        at = np.searchsorted(periods, period[mine])
        add(aggregation, states, taken, at, tuple(state[mine] for state in part.states))
    areas = place > 0
    below = Partial(part.keys[areas], tuple(state[areas] for state in part.states))
    return merge(aggregation, Partial(periods * width, states), below)


def blank(aggregation: Aggregation, size: int) -> States:
    """States of groups of which nothing is known."""
    return tuple(
        np.full(size, identity, object if isinstance(identity, bytes) else np.float64)
        for identity in aggregation.identity
    )


def empty(aggregation: Aggregation) -> Partial:
    """States of no groups at all."""
    return Partial(np.empty(0, np.int64), blank(aggregation, 0))


def length(width: int) -> int:
    """Periods in a block of an indicator of so many areas; blocks are kept each by itself."""
    return min(max(1 << (GROUPS // width).bit_length() - 1, 1), LONGEST)


def cut(part: Partial, width: int) -> dict[int, Partial]:
    """States by block; none keeps the sketches of another in memory."""
    if not len(part.keys):
        return {}
    numbers = part.keys // (width * length(width))
    edges = np.flatnonzero(np.diff(numbers)) + 1
    bounds = [0, *edges.tolist(), len(numbers)]

    def between(low: int, high: int) -> Partial:
        some = (state[low:high] for state in part.states)
        own = (one.copy() if one.dtype == object else one for one in some)
        return Partial(part.keys[low:high], tuple(own))

    return {int(numbers[low]): between(low, high) for low, high in pairwise(bounds)}


def without(part: Partial, periods: np.ndarray, width: int) -> Partial:
    """States of all but some periods, which are in order."""
    if not len(periods) or not len(part.keys):
        return part
    mine = part.keys // width
    at = np.minimum(np.searchsorted(periods, mine), len(periods) - 1)
    keep = periods[at] != mine
    return Partial(part.keys[keep], tuple(state[keep] for state in part.states))


def together(parts: Sequence[Partial], aggregation: Aggregation) -> Partial:
    """States of blocks that follow each other."""
    if not parts:
        return empty(aggregation)
    states = (np.concatenate(every) for every in zip(*(p.states for p in parts), strict=True))
    return Partial(np.concatenate([part.keys for part in parts]), tuple(states))
