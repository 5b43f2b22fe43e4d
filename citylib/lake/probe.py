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
    start = np.empty(0, np.uint64)
    words, codes = [], []
    for name in key:
        column = table[name].combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = column.chunk(0) if column.num_chunks else pa.array([], column.type)
        if isinstance(column, pa.DictionaryArray):
            words.append(np.append(numbers(column.dictionary), ODD))
            indices = pc.fill_null(column.indices, len(column.dictionary))
            codes.append(indices.to_numpy().astype(np.int32, copy=False))
        else:
            other = numbers(column)
            start = other if not len(start) else start * ODD + other
    if not words:
        words.append(np.zeros(1, np.uint64))
        codes.append(np.zeros(table.num_rows, np.int32))
    if not len(start):
        start = np.zeros(table.num_rows, np.uint64)
    return start, tuple(words), tuple(codes)


@compiled
def _place(row, start, words, codes, shift):
    state = start[row] * np.uint64(0x9E3779B97F4A7C15)
    for column in range(len(words)):
        state ^= state >> np.uint64(29)
        state = (state ^ words[column][codes[column][row]]) * np.uint64(0xBF58476D1CE4E5B9)
    return state >> shift


@compiled
def _mark(start, words, codes, marks, shift):
    for row in range(len(start)):
        marks[_place(row, start, words, codes, shift)] = 1


@compiled
def _marked(start, words, codes, marks, shift):
    found = np.empty(1024, np.int64)
    count = 0
    for row in range(len(start)):
        if marks[_place(row, start, words, codes, shift)]:
            if count == len(found):
                larger = np.empty(2 * count, np.int64)
                larger[:count] = found
                found = larger
            found[count] = row
            count += 1
    return found[:count].copy()
