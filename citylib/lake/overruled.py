"""Late records, and which of the others they take the place of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps
from threading import Lock
from typing import ParamSpec, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from citylib.lake.compare import group
from citylib.lake.errors import storage
from citylib.lake.keys import hashes, match
from citylib.lake.storage import filesystem

WORDS = pa.dictionary(pa.int32(), pa.string())


P = ParamSpec("P")
T = TypeVar("T")


def once(work: Callable[P, T]) -> Callable[P, T]:
    """The same, done by one thread at a time, so that what is kept is not made twice."""
    lock = Lock()

    @wraps(work)
    def alone(*args: P.args, **named: P.kwargs) -> T:
        with lock:
            return work(*args, **named)

    return alone


@dataclass(frozen=True)
class Late:
    """Late records, of each key the newest, and the hashes of their keys."""

    records: pa.Table
    keys: np.ndarray


@dataclass(frozen=True)
class Overruled:
    """Keys of late records, in the order of their times.

    Attributes
    ----------
    key : tuple of str
        Columns that tell a record from every other.
    records : pa.Table
        These columns.
    times : ndarray of int64, optional
        Microseconds since 1970; None if the time is no part of the key.
    """

    key: tuple[str, ...]
    records: pa.Table
    times: np.ndarray | None

    def between(self, limits: tuple[int, int] | None) -> Overruled | None:
        """Those that a record of these times, both included, can have; None: there are none."""
        if self.times is None or limits is None:
            return self if self.records.num_rows else None
        low = int(np.searchsorted(self.times, limits[0]))
        high = int(np.searchsorted(self.times, limits[1], "right"))
        if low == high:
            return None
        some = self.records.slice(low, high - low)
        return Overruled(self.key, some, self.times[low:high])

    def among(self, table: pa.Table) -> np.ndarray:
        """Places of a table's records that have one of the keys; ndarray of int64."""
        # Compiled code takes a while to load.
        from citylib.lake.probe import maybe
        from citylib.lake.timed import found

        if self.times is not None:
            places = found(table, self.records, self.times, self.key)
            if places is not None:
                return places
        some = maybe(table, self.records, self.key)
        if not len(some):
            return some
        late = Late(self.records, hashes(self.records, self.key))
        return some[among(table.select(list(self.key)).take(pa.array(some)), late, self.key)]


@once
@lru_cache(maxsize=2)
def overruled(
    root: str, paths: tuple[str, ...], key: tuple[str, ...], schema: pa.Schema
) -> Overruled:
    """Keys in files of late records."""
    records = _read(root, paths, pa.schema([schema.field(name) for name in key]))
    times = None
    if "time" in key:
        times = records["time"].cast(pa.int64()).to_numpy()
        order = np.argsort(times, kind="stable")
        records, times = records.take(pa.array(order)).combine_chunks(), times[order]
    return Overruled(key, records, times)


@once
@lru_cache(maxsize=2)
def newest(
    root: str,
    paths: tuple[str, ...],
    key: tuple[str, ...],
    schema: pa.Schema,
    columns: tuple[str, ...] | None = None,
) -> Late:
    """Late records in files of a table, of each key the newest. Files never change, so that what
    was read last is kept.

    Parameters
    ----------
    columns : tuple of str, optional
        Of the records; those of the key are among them in any case. All by default.
    """
    wanted = schema.names if columns is None else list(dict.fromkeys([*columns, *key]))
    fields = [schema.field(name) for name in wanted]
    table = _read(root, paths, pa.schema([*fields, pa.field("sequence", pa.int64())]))
    order = np.argsort(-table["sequence"].to_numpy(), kind="stable")
    table = table.take(pa.array(order))
    first = np.unique(group(table, key), return_index=True)[1]
    table = table.take(pa.array(np.sort(first))).drop_columns(["sequence"]).combine_chunks()
    return Late(table, hashes(table, key))


def _read(root: str, paths: Sequence[str], fields: pa.Schema) -> pa.Table:
    short = as_words(fields)
    texts = [field.name for field in fields if field.type != short.field(field.name).type]
    system, base = filesystem(root)
    parts = [short.empty_table()]
    for path in paths:
        with storage(f"{root}/{path}"), system.open_input_file(f"{base}/{path}") as source:
            file = parquet(source, texts)
            parts.append(complete(file.read(fields.names, use_threads=False), short))
    return pa.concat_tables(parts).unify_dictionaries()


def parquet(source: pa.NativeFile, texts: Sequence[str]) -> pq.ParquetFile:
    """A file whose texts are read as dictionaries, as far as it has those columns."""
    about = pq.read_metadata(source)
    there = set(about.schema.names)
    return pq.ParquetFile(
        source, metadata=about, read_dictionary=[name for name in texts if name in there]
    )


def as_words(schema: pa.Schema) -> pa.Schema:
    """The same, with texts as dictionaries."""
    return pa.schema(
        [field.with_type(WORDS) if pa.types.is_string(field.type) else field for field in schema]
    )


def among(table: pa.Table, late: Late, key: Sequence[str]) -> np.ndarray:
    """Places of the records whose key a late one has, by the keys themselves."""
    hashed = hashes(table, key)
    here, _ = match(hashed, late.keys)
    if not len(here):
        return here
    there, _ = match(late.keys, hashed[here])
    names = list(key)
    mine = table.select(names).take(pa.array(here))
    theirs = late.records.select(names).take(pa.array(there)).cast(mine.schema)
    numbers = group(pa.concat_tables([theirs, mine]), names)
    return here[np.isin(numbers[len(there) :], numbers[: len(there)])]


def complete(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Columns of a file as the table has them; none where the file is older than the column."""
    columns = [
        table[field.name]
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def plain(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Records with the columns of a schema, texts as texts."""
    return table.select(schema.names).cast(schema)


def within(table: pa.Table, periods: Sequence[tuple[int, int]] | None) -> pa.Table:
    """Records of some times; see `Piece.tables`."""
    if periods is None:
        return table
    starts, ends = np.array(periods, np.int64).reshape(-1, 2).T
    time = table["time"].cast(pa.int64()).to_numpy()
    at = np.searchsorted(starts, time, "right") - 1
    inside = (at >= 0) & (time < np.append(ends, 0)[at])
    return table if inside.all() else table.filter(pa.array(inside))
