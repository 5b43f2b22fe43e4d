"""Pieces of a table that workers read by themselves, with late records in their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from citylib.lake.compare import group
from citylib.lake.errors import storage
from citylib.lake.keys import hashes, match
from citylib.lake.known import DataFile
from citylib.lake.storage import filesystem
from citylib.lake.tables import Snapshot


@dataclass(frozen=True)
class Late:
    """Late records, of each key the newest, and the hashes of their keys."""

    records: pa.Table
    keys: np.ndarray


@dataclass(frozen=True)
class Piece:
    """Part of a table; small, so that it can be sent to another process.

    Attributes
    ----------
    path : str
        Its file; "" for the late records.
    root : str
        Address of the table.
    schema : pa.Schema
        Columns of the table.
    key : tuple of str
        Columns that tell a record from every other.
    late : tuple of str
        Files of the late records that concern it: a record whose key is among them counts no
        more, because the newest of those does.
    """

    path: str
    root: str
    schema: pa.Schema
    key: tuple[str, ...]
    late: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.root}/{self.path or self.late[0]}"

    def tables(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Read it row group by row group.

        Parameters
        ----------
        columns : sequence of str
            Names of columns.

        Yields
        ------
        pa.Table
            Records, with these columns; none twice, and none that was corrected.

        Raises
        ------
        StorageFault
            A file cannot be read.
        """
        if not self.path:
            whole = newest(self.root, self.late, self.key, self.schema)
            yield whole.records.select(list(columns))
            return
        names = list(dict.fromkeys([*columns, *(self.key if self.late else ())]))
        schema = pa.schema([self.schema.field(name) for name in names])
        late = newest(self.root, self.late, self.key, self.schema) if self.late else None
        system, root = filesystem(self.root)
        with storage(self.place), system.open_input_file(f"{root}/{self.path}") as source:
            file = pq.ParquetFile(source)
            for number in range(file.num_row_groups):
                table = complete(file.read_row_group(number, columns=names), schema)
                if late is not None:
                    corrected = among(table, late, self.key)
                    if len(corrected):
                        keep = np.ones(table.num_rows, bool)
                        keep[corrected] = False
                        table = table.filter(pa.array(keep))
                yield table.select(list(columns))

    def read(self, columns: Sequence[str]) -> pa.Table:
        """Read it whole; see `tables`."""
        fields = [self.schema.field(name) for name in columns]
        return pa.concat_tables([pa.schema(fields).empty_table(), *self.tables(columns)])


def pieces(version: Snapshot, root: str, schema: pa.Schema, key: Sequence[str]) -> list[Piece]:
    """Pieces of a table's version: one for each file, and one for all late records.

    A file that no late record can be in is read as if there were none.
    """
    late = tuple(file.path for file in version.late)
    result = [
        Piece(file.path, root, schema, tuple(key), _concerning(file, version.late, key))
        for file in version.main
    ]
    return [*result, Piece("", root, schema, tuple(key), late)] if late else result


def _concerning(file: DataFile, late: Sequence[DataFile], key: Sequence[str]) -> tuple[str, ...]:
    """Late files with a record that could correct one of a file."""
    return tuple(
        other.path
        for other in late
        if "time" not in key or (other.first <= file.last and file.first <= other.last)
    )


@lru_cache(maxsize=4)
def newest(root: str, paths: tuple[str, ...], key: tuple[str, ...], schema: pa.Schema) -> Late:
    """Late records in files of a table, of each key the newest. Files never change, so that what
    was read last is kept.
    """
    system, base = filesystem(root)
    whole = schema.append(pa.field("sequence", pa.int64()))
    parts = []
    for path in paths:
        with storage(f"{root}/{path}"), system.open_input_file(f"{base}/{path}") as source:
            parts.append(complete(pq.ParquetFile(source).read(), whole))
    table = pa.concat_tables(parts).sort_by([("sequence", "descending")])
    first = np.unique(group(table, key), return_index=True)[1]
    table = table.take(pa.array(np.sort(first))).drop_columns(["sequence"])
    return Late(table, hashes(table, key))


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
