"""Texts as codes into their different values, so that each value is looked at once."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from citylib.city.mapping import Rule

SMALL = 1 << 20
"""So many combinations are told apart by a table of them all, more by a hash table."""
_SPACE = r"\t\n\x0b\x0c\r\x1c-\x1f\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}"
ODD = rf"[{_SPACE}\x{{202f}}\x{{205f}}\x{{3000}}]|  |^ | $"
"""What becomes another text when it is trimmed and its spaces are made single."""


def codes_of(text: pa.DictionaryArray) -> np.ndarray:
    """The place of each text among the different ones; -1 for none."""
    indices = text.indices
    if indices.null_count:
        indices = indices.fill_null(-1)
    return indices.to_numpy(zero_copy_only=False)


def texts(codes: np.ndarray, values: Sequence[str]) -> pa.DictionaryArray:
    """Texts from codes into their different values."""
    return pa.DictionaryArray.from_arrays(
        pa.array(codes, pa.int32()), pa.array(values, pa.string())
    )


def plain_text(column: pa.Array) -> pa.Array:
    """Texts, also where a file holds numbers; "" for none."""
    if pa.types.is_string(column.type):
        return column
    return pc.fill_null(column.cast(pa.string()), "")


def dictionary(column: pa.Array) -> pa.DictionaryArray:
    """Texts, also where a file holds numbers, as codes into their different values."""
    return plain_text(column).dictionary_encode()


def clean(text: pa.DictionaryArray, rule: Rule) -> pa.DictionaryArray:
    """Texts trimmed, with single spaces between words; marks for "no value" are null."""
    values, none = text.dictionary, ["", *rule.null]
    odd = pc.or_(
        pc.match_substring_regex(values, ODD),
        pc.is_in(values, pa.array(none, pa.string())),
    )
    if not pc.any(odd).as_py():
        return text
    tidy = values.to_pylist()
    for n in np.flatnonzero(odd.to_numpy(zero_copy_only=False)).tolist():
        tidy[n] = re.sub(r"\s+", " ", tidy[n]).strip()
    kept = dict.fromkeys(value for value in tidy if value not in none)
    place = {value: n for n, value in enumerate(kept)}
    codes = np.array([place.get(value, -1) for value in tidy] or [-1], np.int32)[codes_of(text)]
    mask = codes < 0
    return pa.DictionaryArray.from_arrays(
        pa.array(codes, pa.int32(), mask=mask if mask.any() else None),
        pa.array([*kept], pa.string()),
    )


def distinct(codes: Sequence[np.ndarray], sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The different combinations of codes.

    Parameters
    ----------
    codes : sequence of ndarray of int, shape (n,)
        From 0.
    sizes : sequence of int
        How many codes there are of each kind.

    Returns
    -------
    first : ndarray of int, shape (k,)
        A row of each combination.
    back : ndarray of int, shape (n,)
        Which combination each row has.
    """
    whole, size = np.zeros(len(codes[0]), np.int64), 1
    for each, number in zip(codes, sizes, strict=True):
        if size * max(number, 1) >= 2**62:
            whole = pd.factorize(whole)[0].astype(np.int64)
            size = int(whole.max()) + 1 if len(whole) else 1
        whole = whole * max(number, 1) + each
        size *= max(number, 1)
    rows = np.arange(len(whole))
    if size > SMALL:
        back = pd.factorize(whole)[0].astype(np.int64)
        first = np.zeros(int(back.max()) + 1 if len(back) else 0, np.int64)
        first[back[::-1]] = rows[::-1]
        return first, back
    there = np.full(size, -1, np.int64)
    there[whole[::-1]] = rows[::-1]
    first = np.sort(there[there >= 0])
    number_of = np.zeros(size, np.int64)
    number_of[whole[first]] = np.arange(len(first))
    return first, number_of[whole]
