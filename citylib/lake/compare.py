"""Which new records are new, which are there already, and which contradict what is there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def compare(
    stored: pa.Table, new: pa.Table, key: list[str], payload: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compare new records with stored ones and with the new ones before them.

    Parameters
    ----------
    stored, new : pa.Table
        Both with the columns of `key` and `payload`.
    key : list of str
        Columns that together tell a record from every other.
    payload : list of str
        Columns that must be equal for a record to be a mere repetition.

    Returns
    -------
    fresh, equal, owner : ndarray, shape (new.num_rows,)
        Whether a record is the first with its key; whether it equals the first; the position of
        the first in stored followed by new.
    """
    both = {name: _codes(stored[name], new[name]) for name in key}
    group = _groups(both)
    first = np.full(group.max() + 1 if len(group) else 0, -1, np.int64)
    places = np.arange(len(group))
    first[group[::-1]] = places[::-1]
    owner = first[group][stored.num_rows :]
    fresh = owner == places[stored.num_rows :]
    equal = ~fresh
    rest = np.flatnonzero(~fresh)
    for name in payload:
        if not len(rest):
            break
        codes = _codes(
            stored[name], new[name].take(rest), new[name].take(_own(owner, rest, stored))
        )
        old = stored.num_rows
        mine = codes[old : old + len(rest)]
        among = codes[old + len(rest) :]
        place = owner[rest]
        theirs = among.copy()
        theirs[place < old] = codes[place[place < old]]
        equal[rest[mine != theirs]] = False
    return fresh, equal, owner


def _own(owner: np.ndarray, rest: np.ndarray, stored: pa.Table) -> np.ndarray:
    return np.maximum(owner[rest] - stored.num_rows, 0)


def _codes(*parts: pa.ChunkedArray) -> np.ndarray:
    """Equal numbers for equal values, across the parts; -1 for none."""
    chunks = []
    for part in parts:
        if pa.types.is_dictionary(part.type):
            part = part.cast(pa.dictionary(pa.int32(), part.type.value_type))
        elif pa.types.is_string(part.type):
            part = part.dictionary_encode()
        chunks += part.chunks
    if not chunks:
        return np.zeros(0, np.int64)
    whole = pa.chunked_array(chunks)
    if pa.types.is_dictionary(whole.type):
        whole = whole.unify_dictionaries()
        index = pa.chunked_array([chunk.indices for chunk in whole.chunks])
        return pc.fill_null(index, -1).to_numpy().astype(np.int64)
    if pa.types.is_timestamp(whole.type):
        whole = whole.cast(pa.int64())
    return pd.factorize(whole.to_pandas(), use_na_sentinel=True)[0].astype(np.int64)


def _groups(columns: dict[str, np.ndarray]) -> np.ndarray:
    """One number for each different combination of codes."""
    result: np.ndarray | None = None
    size = 1
    for codes in columns.values():
        width = int(codes.max()) + 2 if len(codes) else 1
        if result is None:
            result, size = codes + 1, width
            continue
        if size * width >= 2**62:
            result = pd.factorize(result)[0].astype(np.int64)
            size = int(result.max()) + 1 if len(result) else 1
        result = result * width + (codes + 1)
        size *= width
    assert result is not None  # noqa: S101  a key has at least one column
    return pd.factorize(result)[0].astype(np.int64)
