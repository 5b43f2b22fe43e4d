"""What becomes of each new record: stored, stored as a correction, a repetition, a contradiction.

Later deliveries win. Within one delivery the first record of a key stands: a row that repeats it
is a duplicate, one that contradicts it is set aside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from citylib.lake.keys import hashes, in_order, repeated
from citylib.lake.known import DataFile, Run, find_newest

MAIN, LATE, DUPLICATE, CONFLICT = range(4)
"""Fates: a record of its own time's partition, one for the partition `late`, and not stored."""


@dataclass(frozen=True)
class New:
    """Records to judge.

    Attributes
    ----------
    table : pa.Table
        n records, with the columns of key and payload.
    key, payload : list of str
        Columns that together tell a record from every other, and those that say something of it.
    source : ndarray of int64, shape (n,)
        Number of the delivery that each is from, rising.
    """

    table: pa.Table
    key: list[str]
    payload: list[str]
    source: np.ndarray


@dataclass(frozen=True)
class Stored:
    """What is there to compare with.

    Attributes
    ----------
    main, late : sequence of DataFile
        Files of the table; the late ones in the order in which they were written.
    runs : callable
        Runs of files, in the files' order.
    edge : int, optional
        Microseconds since 1970: records before are not compared with those of the partitions.
    said : sequence of Run
        What the delivery that the first records are of said before.
    """

    main: Sequence[DataFile]
    late: Sequence[DataFile]
    runs: Callable[[Sequence[DataFile]], list[Run]]
    edge: int | None = None
    said: Sequence[Run] = ()


@dataclass(frozen=True)
class Verdict:
    """Fates of records.

    Attributes
    ----------
    fate : ndarray of int8, shape (n,)
    keys, values : ndarray of uint64, shape (n,)
        Their hashes.
    times : ndarray of int64, shape (n,)
        Their times, in microseconds since 1970.
    order : ndarray of int64, shape (n,)
        Their places in the order of their times; equal ones as they were delivered.
    """

    fate: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    times: np.ndarray
    order: np.ndarray


def judge(new: New, stored: Stored) -> Verdict:
    """Compare new records with stored ones and with each other.

    Records are told apart by 64-bit hashes of their keys. Two keys with the same hash do no harm:
    the second goes to the partition `late`, where readers compare the keys themselves. A record
    is taken for a repetition only if 64 bits of its values agree as well.
    """
    keys, values = hashes(new.table, new.key), hashes(new.table, new.payload)
    times = new.table["time"].cast(pa.int64()).to_numpy()
    order = in_order(times)
    known = _look_up(new, stored, times, order, keys)
    fate = np.where(known.unchecked, LATE, MAIN).astype(np.int8)
    fate[known.found] = np.where(known.old == values, DUPLICATE, LATE)[known.found]
    fate[known.own] = np.where(known.said == values, DUPLICATE, CONFLICT)[known.own]
    again = np.flatnonzero(repeated(keys))
    if len(again):
        again = again[np.argsort(keys[again], kind="stable")]
        starts = np.flatnonzero(np.append(True, keys[again][1:] != keys[again][:-1]))
        said = values[again]
        same = np.minimum.reduceat(said, starts) == np.maximum.reduceat(said, starts)
        sizes = np.diff(np.append(starts, len(again)))
        leads = np.zeros(len(again), bool)
        leads[starts] = True
        same &= fate[again[starts]] != CONFLICT  # what contradicts one delivery may correct another
        quiet = np.repeat(same, sizes)
        fate[again[quiet & ~leads]] = DUPLICATE
        if not quiet.all():
            rows = np.sort(again[~quiet])
            fate[rows] = _in_order(new, rows, values, known)
    return Verdict(fate, keys, values, times, order)


@dataclass
class _Known:
    """What is known of each record's key.

    Attributes
    ----------
    found, old : ndarray
        Whether it is stored, and the hash of the values that count now.
    own, said : ndarray
        Whether the same delivery said it before, and the hash of what it said.
    unchecked : ndarray
        Whether the record is too old to be compared with those of the partitions.
    """

    found: np.ndarray
    old: np.ndarray
    own: np.ndarray
    said: np.ndarray
    unchecked: np.ndarray


def _look_up(
    new: New, stored: Stored, times: np.ndarray, order: np.ndarray, keys: np.ndarray
) -> _Known:
    count = len(keys)
    known = _Known(*(np.zeros(count, kind) for kind in (bool, np.uint64, bool, np.uint64, bool)))
    timed = "time" in new.key
    files = [*stored.main, *stored.late]
    newest = max(
        [file.last for file in files] + [int(run.times[-1]) for run in stored.said], default=None
    )
    if newest is None:
        return known
    if timed:  # what is newer than all that is there need not be looked for
        order = order[: np.searchsorted(times[order], newest, "right")]
    aged = np.zeros(count, bool)
    if stored.edge is not None:
        aged = times < stored.edge
    within = order[~aged[order]]
    main = [file for file in stored.main if stored.edge is None or file.last >= stored.edge]
    late = list(stored.late)
    if timed:
        main, late = _touched(main, times[within]), _touched(late, times[order])
    # The newest late record of a key counts, so those are asked last.
    for rows, runs in ((within, stored.runs(main)), (order, stored.runs(late))):
        here, values = find_newest(runs, times[rows] if timed else None, keys[rows])
        known.found[rows[here]], known.old[rows[here]] = True, values
    if stored.said:
        rows = order[new.source[order] == 0]
        here, values = find_newest(stored.said, times[rows] if timed else None, keys[rows])
        known.own[rows[here]], known.said[rows[here]] = True, values
    if aged.any():
        known.unchecked = aged & _overlap(stored.main, times, timed) & ~known.found
    return known


def _touched(files: Sequence[DataFile], times: np.ndarray) -> list[DataFile]:
    """Files in whose span one of the times (rising) lies."""
    if not len(times):
        return []
    low = np.searchsorted(times, [file.first for file in files])
    high = np.searchsorted(times, [file.last for file in files], "right")
    return [file for file, some in zip(files, high > low, strict=True) if some]


def _overlap(files: Sequence[DataFile], times: np.ndarray, timed: bool) -> np.ndarray:
    """Whether a record's key could be in one of the files."""
    if not files:
        return np.zeros(len(times), bool)
    if not timed:
        return np.ones(len(times), bool)
    firsts = np.sort([file.first for file in files])
    lasts = np.sort([file.last for file in files])
    begun = np.searchsorted(firsts, times, "right")
    return begun > np.searchsorted(lasts, times, "left")


def _in_order(new: New, rows: np.ndarray, values: np.ndarray, known: _Known) -> list[int]:
    """Fates of records whose key several new ones have, with other values: one by one."""
    key = group(new.table.select(new.key).take(pa.array(rows)), new.key)
    now: dict[int, np.uint64] = {}
    first: dict[tuple[int, int], np.uint64] = {}
    fates = []
    for row, number in zip(rows.tolist(), key.tolist(), strict=True):
        source, says = int(new.source[row]), values[row]
        if number not in now and known.found[row]:
            now[number] = known.old[row]
        if known.own[row]:
            first.setdefault((number, source), known.said[row])
            now.setdefault(number, known.said[row])
        before = first.get((number, source))
        if before is not None:
            fates.append(DUPLICATE if before == says else CONFLICT)
            continue
        first[number, source] = says
        if number in now:
            fates.append(DUPLICATE if now[number] == says else LATE)
        else:
            fates.append(LATE if known.unchecked[row] else MAIN)
        now[number] = says
    return fates


def group(table: pa.Table, columns: Sequence[str]) -> np.ndarray:
    """A number for each different combination of values of the columns.

    Returns
    -------
    ndarray of int64, shape (table.num_rows,)
        Compared by the values themselves; None equals None.
    """
    result = np.zeros(table.num_rows, np.int64)
    size = 1
    for name in columns:
        codes = _codes(table[name])
        width = int(codes.max()) + 2 if len(codes) else 1
        if size * width >= 2**62:
            result = pd.factorize(result)[0].astype(np.int64)
            size = int(result.max()) + 1 if len(result) else 1
        result = result * width + (codes + 1)
        size *= width
    return pd.factorize(result)[0].astype(np.int64)


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    """Equal numbers for equal values; -1 for none."""
    if not column.num_chunks:
        return np.zeros(0, np.int64)
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.dictionary(pa.int32(), column.type.value_type))
    elif pa.types.is_string(column.type):
        column = column.dictionary_encode()
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
        index = pa.chunked_array([chunk.indices for chunk in column.chunks], pa.int32())
        return pc.fill_null(index, -1).to_numpy().astype(np.int64)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return pd.factorize(column.to_pandas(), use_na_sentinel=True)[0].astype(np.int64)
