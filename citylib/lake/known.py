"""What the lake knows of the records that it holds: hashes of their keys and values, by file.

A table's files never change, so what was once read of a file holds for as long as the table has
it. Only files whose time a new record falls in are looked at, and what was longest not needed is
forgotten when there is too much of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from citylib.lake.keys import in_order, match, maybe

LIMIT = 400 * 2**20
"""Bytes of hashes that a process keeps."""
FEW, SMALL = 4, 1 << 15
"""More runs than these are looked through as one, if they have fewer records on average."""


@dataclass(frozen=True)
class DataFile:
    """A file of a table: its path in the table, its partition, its records and their times.

    `first` and `last` are microseconds since 1970, of the earliest and the latest record.
    """

    path: str
    partition: str
    rows: int
    size: int
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class Run:
    """Records that were written together, in the order of their time.

    Attributes
    ----------
    files : frozenset of str
        The files that they are in.
    times : ndarray of int64, shape (n,)
        Microseconds since 1970.
    keys, values : ndarray of uint64, shape (n,)
        Hashes.
    """

    files: frozenset[str]
    times: np.ndarray
    keys: np.ndarray
    values: np.ndarray

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return self.times.nbytes + self.keys.nbytes + self.values.nbytes

    def find(self, times: np.ndarray | None, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find keys.

        Parameters
        ----------
        times : ndarray of int64, shape (n,), optional
            Rising; given if the time is part of the key, so that only equal times are compared.
        keys : ndarray of uint64, shape (n,)

        Returns
        -------
        here : ndarray of int64
            Places of keys that are in the run.
        values : ndarray of uint64
            Hashes of the values there.
        """
        low, high, begin, end = 0, len(keys), 0, len(self.keys)
        if times is not None:
            low, high = np.searchsorted(times, self.times[0]), len(times)
            high = np.searchsorted(times, self.times[-1], "right")
            if low >= high:
                return np.empty(0, np.int64), np.empty(0, np.uint64)
            begin = np.searchsorted(self.times, times[low])
            end = np.searchsorted(self.times, times[high - 1], "right")
        here, there = match(keys[low:high], self.keys[begin:end])
        return here + low, self.values[there + begin]


def run_of(files: Sequence[str], times: np.ndarray, keys: np.ndarray, values: np.ndarray) -> Run:
    """The run of records that are in any order."""
    if len(times) > 1 and (times[1:] < times[:-1]).any():
        order = in_order(times)
        times, keys, values = times[order], keys[order], values[order]
    return Run(frozenset(files), times, keys, values)


def find_newest(
    runs: Sequence[Run], times: np.ndarray | None, keys: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find keys in runs, of which the last that has a key counts; see `Run.find`."""
    if len(runs) <= FEW or sum(len(run.keys) for run in runs) > SMALL * len(runs):
        found = [run.find(times, keys) for run in runs]
        here = np.concatenate([places for places, _ in found] or [np.empty(0, np.int64)])
        values = np.concatenate([said for _, said in found] or [np.empty(0, np.uint64)])
    else:  # looked through as one: each would cost as much again
        there = np.concatenate([run.keys for run in runs])
        here, _ = match(keys, there)
        some = maybe(there, keys[here])
        order = some[np.argsort(there[some], kind="stable")]
        place = np.searchsorted(there[order], keys[here], "right") - 1
        values = np.concatenate([run.values for run in runs])[order[place]]
    last = len(here) - 1 - np.unique(here[::-1], return_index=True)[1]
    return here[last], values[last]


class Memory:
    """Runs of all tables of a lake, as many as there is room for. Threads may share it."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._runs: OrderedDict[tuple[str, str], Run] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def keep(self, table: str, run: Run) -> None:
        """Remember a run of a table."""
        with self._lock:
            for file in run.files:
                self._drop((table, file))
                self._runs[table, file] = run
            self._size += run.size
            while self._size > self.limit and len(self._runs) > 1:
                self._drop(next(iter(self._runs)))

    def runs(
        self, table: str, files: Sequence[DataFile], read: Callable[[DataFile], Run]
    ) -> list[Run]:
        """Runs of files, in the files' order; what is not known is read."""
        result: dict[int, Run] = {}
        for file in files:
            with self._lock:
                run = self._runs.get((table, file.path))
                if run is not None:
                    self._runs.move_to_end((table, file.path))
            if run is None:
                run = read(file)
                self.keep(table, run)
            result.setdefault(id(run), run)
        return list(result.values())

    def forget(self, table: str, files: set[str]) -> None:
        """Forget runs of a table of which it has not all the files any more."""
        with self._lock:
            gone = [key for key, run in self._runs.items() if key[0] == table]
            for key in gone:
                run = self._runs.get(key)
                if run is not None and not run.files <= files:
                    self._drop(key)

    def _drop(self, key: tuple[str, str]) -> None:
        run = self._runs.pop(key, None)
        if run is None:
            return
        for file in run.files:
            self._runs.pop((key[0], file), None)
        self._size -= run.size
