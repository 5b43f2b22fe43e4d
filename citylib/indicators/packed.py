"""The values of a group, all of them, in as few bytes as is quickly done.

Whole numbers are kept in their order as steps from one to the next, which mostly fit into a byte.
"""

from __future__ import annotations

import struct

import numpy as np

from citylib.indicators.rows import Floats

MARK = 0xFF
_HEAD = struct.Struct("<BBq")
"""The mark, bytes of a step (0: these are floats), and the smallest whole number."""
_WHOLE = 2.0**53
"""Floats below this hold each whole number."""


def is_packed(state: bytes) -> bool:
    """Whether a state is values that were packed."""
    return state[0] == MARK


def pack(values: Floats) -> bytes:
    """Values in any order, of which there is at least one; all finite."""
    return pack_groups(np.zeros(len(values), np.int64), values)[2][0]


def pack_groups(groups: np.ndarray, values: Floats, most: int | None = None) -> tuple:
    """The values of each group.

    Parameters
    ----------
    groups, values : ndarray of int64 and float64, shape (n,)
    most : int, optional
        Groups of more values are not packed.

    Returns
    -------
    kinds : ndarray of int64
        The groups, each once.
    parts : list of ndarray of float64
        The values of each, rising.
    packed : list of bytes
        The same packed; empty for a group of too many.
    """
    groups, values = _in_order(groups, values)
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    ends = np.append(starts, len(groups))[1:]
    steps = np.diff(values, prepend=0.0)
    steps[starts] = 0.0
    size = _size(values, steps)
    data = (values if size == 0 else steps.astype(f"<u{size}")).tobytes()
    parts, packed = [], []
    bases = values[starts].astype(np.int64) if size else np.zeros(len(starts), np.int64)
    for start, end, base in zip(starts.tolist(), ends.tolist(), bases.tolist(), strict=True):
        parts.append(values[start:end])
        if most is not None and end - start > most:
            packed.append(b"")
        else:
            first, width = (start + 1, size) if size else (start, 8)
            packed.append(_HEAD.pack(MARK, size, base) + data[first * width : end * width])
    return groups[starts], parts, packed


def unpack(state: bytes) -> Floats:
    """The values, rising."""
    _, size, base = _HEAD.unpack_from(state)
    if size == 0:
        return np.frombuffer(state, np.float64, offset=_HEAD.size)
    steps = np.frombuffer(state, f"<u{size}", offset=_HEAD.size)
    values = np.empty(len(steps) + 1)
    values[0] = base
    np.cumsum(steps, out=values[1:])
    values[1:] += base
    return values


def _in_order(groups: np.ndarray, values: Floats) -> tuple[np.ndarray, Floats]:
    """In the order of groups, and of values in each."""
    low, high = (values.min(), values.max()) if len(values) else (0.0, 0.0)
    bits = int(high - low + 1).bit_length()
    room = int(groups.max(initial=0)).bit_length() + bits
    if bits < 53 and room < 63 and (values == np.trunc(values)).all():
        # Sorting one number is many times as fast as sorting by two.
        both = np.sort((groups << bits) + (values - low).astype(np.int64))
        return both >> bits, (both & ((1 << bits) - 1)) + low
    order = np.lexsort((values, groups))
    return groups[order], values[order]


def _size(values: Floats, steps: Floats) -> int:
    """Bytes that are enough for each step; 0 if values are no whole numbers."""
    if not len(values) or np.abs(values).max() >= _WHOLE or (values != np.trunc(values)).any():
        return 0
    return next((size for size in (1, 2, 4) if steps.max() < 1 << 8 * size), 0)
