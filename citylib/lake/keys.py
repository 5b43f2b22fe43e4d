"""Hashes of records, made column by column, and finding equal ones among millions.

A hash is made of the values themselves with a seed that every process draws anew: nobody can
write records whose hashes are equal on purpose, and no hash is ever stored.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SEED = secrets.token_bytes(16)
BLOCK = 1 << 15
"""Rows that are hashed at a time, so that they stay in the processor's cache."""
LONG = 256
"""Bytes from which a text is hashed by itself."""
FEW = 1 << 14

_ODD = np.frombuffer(hashlib.blake2b(SEED, digest_size=16).digest(), np.uint64) | np.uint64(1)
_SHIFT = np.uint64(32)
_NONE = np.uint64(0x6E6F6E65)


def hashes(table: pa.Table, columns: Sequence[str]) -> np.ndarray:
    """A hash of each row of a table.

    Parameters
    ----------
    table : pa.Table
        n rows; texts (plain or as dictionaries), whole numbers, floats, truth values, times.
    columns : sequence of str
        What is hashed; their order counts.

    Returns
    -------
    ndarray of uint64, shape (n,)
        Rows with equal values have equal hashes, in this process; others differ but for one pair
        in 2**64. None equals None, 0.0 equals -0.0.
    """
    result = np.full(table.num_rows, _ODD[0], np.uint64)
    for name in columns:
        begin = 0
        for chunk in table[name].chunks:
            _stir(result[begin : begin + len(chunk)], numbers(chunk))
            begin += len(chunk)
    return result


def _stir(state: np.ndarray, numbers: np.ndarray) -> None:
    """Mix numbers into the hashes so far, in place."""
    spare = np.empty(min(BLOCK, len(state)), np.uint64)
    for begin in range(0, len(state), BLOCK):
        part = state[begin : begin + BLOCK]
        other = spare[: len(part)]
        part ^= numbers[begin : begin + BLOCK]
        for odd in _ODD:
            part *= odd
            np.right_shift(part, _SHIFT, out=other)
            part ^= other


def numbers(array: pa.Array) -> np.ndarray:
    """64 bits for each value of a column; equal for equal values."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        words = np.append(numbers(array.dictionary), _NONE)
        return words[pc.fill_null(array.indices, len(words) - 1).to_numpy(zero_copy_only=False)]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        words = _texts(array)
    elif pa.types.is_floating(kind):
        words = pc.fill_null(array, 0.0).to_numpy(zero_copy_only=False).astype(np.float64)
        words = (words + 0.0).view(np.uint64)  # -0.0 + 0.0 is 0.0
    else:
        if pa.types.is_temporal(kind):
            array = array.cast(pa.int64())
        filled = array.fill_null(False if pa.types.is_boolean(kind) else 0)
        words = filled.to_numpy(zero_copy_only=False).astype(np.int64).view(np.uint64)
    if array.null_count:
        words = np.where(pc.is_null(array).to_numpy(zero_copy_only=False), _NONE, words)
    return words


def _texts(array: pa.Array) -> np.ndarray:
    """64 bits for each text: eight bytes at a time of all texts that are long enough."""
    count = len(array)
    width = np.int64 if pa.types.is_large_string(array.type) else np.int32
    _, offsets, data = array.buffers()
    if count == 0 or data is None:
        return np.full(count, _ODD[1], np.uint64)
    edges = np.frombuffer(offsets, width)[array.offset : array.offset + count + 1].astype(np.int64)
    starts, sizes = edges[:-1], np.diff(edges)
    if array.null_count:
        sizes = np.where(pc.is_null(array).to_numpy(zero_copy_only=False), 0, sizes)
    result = sizes.astype(np.uint64) * _ODD[1]
    size = data.size
    padded = data
    if size < 8 or int(edges[-1]) > size - 8:  # a word may begin at the last byte
        padded = pa.py_buffer(data.slice(0, int(edges[-1])).to_pybytes() + bytes(8))
        size = padded.size
    words = np.ndarray((size - 7,), "<u8", padded, strides=(1,))
    todo = np.flatnonzero((sizes > 0) & (sizes <= LONG))
    at = 0
    while len(todo):
        every = len(todo) == count
        left = (sizes if every else sizes[todo]) - at
        word = words[(starts if every else starts[todo]) + at]
        short = np.minimum(left, 8).astype(np.uint64) * np.uint64(8)
        word &= ~np.uint64(0) >> (np.uint64(64) - short)
        part = result if every else result[todo]
        _stir(part, word)
        if not every:
            result[todo] = part
        at += 8
        todo = todo[left > 8]
    for place in np.flatnonzero(sizes > LONG):
        text = data[int(starts[place]) : int(starts[place] + sizes[place])].to_pybytes()
        digest = hashlib.blake2b(text, digest_size=8, key=SEED).digest()
        result[place] = np.frombuffer(digest, np.uint64)[0]
    return result


def in_order(times: np.ndarray) -> np.ndarray:
    """Places of times in their order; equal ones stay as they are."""
    if (times[1:] >= times[:-1]).all():
        return np.arange(len(times))
    return np.argsort(times, kind="stable")


def match(new: np.ndarray, old: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find equal hashes.

    Parameters
    ----------
    new, old : ndarray of uint64
        Hashes; of equal ones among the old any may be found.

    Returns
    -------
    here, there : ndarray of int64
        Places in new that have an equal among the old, and the place of one such there.
    """
    here, there = np.arange(len(new)), np.arange(len(old))
    if max(len(new), len(old)) > FEW:  # most have none: two rough looks leave few to sort
        there = maybe(old, new)
        here = maybe(new, old[there])
        there = there[maybe(old[there], new[here])]
    if not len(here) or not len(there):
        return here[:0], there[:0]
    there = there[np.argsort(old[there])]
    here = here[np.argsort(new[here])]  # a search in order stays in the processor's cache
    ordered, wanted = old[there], new[here]
    place = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    hit = ordered[place] == wanted
    return here[hit], there[place[hit]]


def maybe(which: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Places of the hashes that may have an equal among others; all that have one are there."""
    bits = max(int(len(among) * 8).bit_length(), 10)
    shift = np.uint64(64 - bits)
    marks = np.zeros(1 << bits, bool)
    # As signed numbers, which they fit: numpy would copy unsigned ones to make places of them.
    marks[(among >> shift).view(np.int64)] = True
    return np.flatnonzero(marks.take((which >> shift).view(np.int64), mode="clip"))


def repeated(hashed: np.ndarray) -> np.ndarray:
    """Whether each hash is there more than once.

    Returns
    -------
    ndarray of bool, shape of `hashed`
    """
    ordered = np.sort(hashed)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    result = np.zeros(len(hashed), bool)
    if len(twice):
        result[match(hashed, twice)[0]] = True
    return result
