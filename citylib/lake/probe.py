"""A compiled look through many records for those that may have one of few keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from citylib.lake.keys import numbers

BITS_EACH = 64
"""Marks for each key: of other records one in so many is looked at more closely."""
ODD = np.uint64(0x9E3779B97F4A7C15)
RUN = 1024
"""Rows that are looked at together."""
compiled: Any = numba.njit(nogil=True, cache=True)


def maybe(table: pa.Table, keys: pa.Table, key: Sequence[str]) -> np.ndarray:
    """Places of records that may have a key; all that have one are there.

    Parameters
    ----------
    table, keys : pa.Table
        Records, and the few keys; texts as dictionaries.
    key : sequence of str
        Columns.

    Returns
    -------
    ndarray of int64
    """
    bits = max(int(keys.num_rows * BITS_EACH).bit_length(), 10)
    marks = np.zeros(1 << bits, np.uint8)
    shift = np.uint64(64 - bits)
    _mark(*_columns(keys, key), marks, shift)
    return _marked(*_columns(table, key), marks, shift)


def _columns(table: pa.Table, key: Sequence[str]) -> tuple[Any, ...]:
    """Numbers for each row, and for each column of texts those of its words and the codes."""
    start: np.ndarray | None = None
    words, codes = [], []
    for name in key:
        column = one_array(table[name])
        if isinstance(column, pa.DictionaryArray):
            words.append(np.append(numbers(column.dictionary), ODD))
            indices = column.indices
            if indices.null_count:
                indices = pc.fill_null(indices, len(column.dictionary))
            codes.append(indices.to_numpy().view(np.uint32))
        else:
            other = _plain(column)
            start = other if start is None else start * ODD + other
    if not words:
        words.append(np.zeros(1, np.uint64))
        codes.append(np.zeros(table.num_rows, np.uint32))
    if start is None:
        start = np.zeros(table.num_rows, np.uint64)
    return start, tuple(words), tuple(codes)


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece, without a copy if it is in one."""
    if column.num_chunks > 1:
        column = column.unify_dictionaries().combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks else pa.array([], column.type)
    return column


def _plain(column: pa.Array) -> np.ndarray:
    if pa.types.is_timestamp(column.type) and not column.null_count:
        return column.cast(pa.int64()).to_numpy().view(np.uint64)
    return numbers(column)


@compiled
def _places(begin: Any, start: Any, words: Any, codes: Any, shift: Any, out: Any) -> Any:
    """Write where the marks of the next rows are; returns how many rows there are."""
    count = min(len(out), len(start) - begin)
    mixed, first = out[:count], start[begin : begin + count]
    for row in range(count):
        mixed[row] = first[row] * np.uint64(0x9E3779B97F4A7C15)
    for column in range(len(words)):
        word, code = words[column], codes[column][begin : begin + count]
        for row in range(count):
            state = (mixed[row] ^ (mixed[row] >> np.uint64(29))) ^ word[code[row]]
            mixed[row] = state * np.uint64(0xBF58476D1CE4E5B9)
    for row in range(count):
        mixed[row] >>= shift
    return count


@compiled
def _mark(start: Any, words: Any, codes: Any, marks: Any, shift: Any) -> Any:
    places = np.empty(RUN, np.uint64)
    for begin in range(0, len(start), RUN):
        for row in range(_places(begin, start, words, codes, shift, places)):
            marks[places[row]] = 1


@compiled
def _marked(start: Any, words: Any, codes: Any, marks: Any, shift: Any) -> Any:
    places, some = np.empty(RUN, np.uint64), np.empty(RUN + 1, np.int64)
    found = np.empty(16 * RUN, np.int64)
    count = 0
    for begin in range(0, len(start), RUN):
        more = 0
        for row in range(_places(begin, start, words, codes, shift, places)):
            some[more] = begin + row  # without a branch, which nobody could foretell
            more += marks[places[row]]
        if count + more > len(found):
            larger = np.empty(2 * len(found), np.int64)
            larger[:count] = found[:count]
            found = larger
        found[count : count + more] = some[:more]
        count += more
    return found[:count].copy()
