"""Pieces of a table that workers read by themselves, with late records in their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from citylib.lake.errors import storage
from citylib.lake.known import DataFile
from citylib.lake.overruled import (
    Overruled,
    as_words,
    complete,
    newest,
    overruled,
    parquet,
    plain,
    within,
)
from citylib.lake.storage import filesystem
from citylib.lake.tables import Snapshot

Ranges = Sequence[tuple[int, int]]
NONE = np.empty(0, np.int64)


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
        Files of the late records: a record whose key is among them counts no more, because the
        newest of those does.
    rows : int
        Records in it, those that count no more included.
    part : (int, int)
        Which part of the file's row groups: (1, 3) is the second third.
    """

    path: str
    root: str
    schema: pa.Schema
    key: tuple[str, ...]
    late: tuple[str, ...] = ()
    rows: int = 0
    part: tuple[int, int] = (0, 1)

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.root}/{self.path or self.late[0]}"

    def split(self, parts: int) -> list[Piece]:
        """Pieces of about even size that together are this one; late records stay together.

        Parameters
        ----------
        parts : int
            How many; some are empty if the file has fewer row groups.
        """
        if parts == 1 or not self.path:
            return [self]
        rows = self.rows // parts
        return [replace(self, rows=rows, part=(number, parts)) for number in range(parts)]

    def tables(self, columns: Sequence[str], periods: Ranges | None = None) -> Iterator[pa.Table]:
        """Read it row group by row group.

        Parameters
        ----------
        columns : sequence of str
            Names of columns.
        periods : sequence of (int, int), optional
            Only records of these times, each from the first to before the second, in microseconds
            since 1970 (UTC), in order and apart from each other. Row groups that hold none of
            them are not read.

        Yields
        ------
        pa.Table
            Records, with these columns; none twice, and none that was corrected.

        Raises
        ------
        StorageFault
            A file cannot be read.
        """
        fields = pa.schema([self.schema.field(name) for name in columns])
        for table, dropped in self.blocks(columns, periods):
            if len(dropped):
                keep = np.ones(table.num_rows, bool)
                keep[dropped] = False
                table = table.filter(pa.array(keep))
            yield plain(table, fields)

    def blocks(
        self, columns: Sequence[str], periods: Ranges | None = None
    ) -> Iterator[tuple[pa.Table, np.ndarray]]:
        """The same as quickly as it can be read: see `tables`.

        Yields
        ------
        table : pa.Table
            Records of a row group, texts as dictionaries.
        dropped : ndarray of int64
            Places of those that count no more.
        """
        if not self.path:
            whole = newest(self.root, self.late, self.key, self.schema, tuple(columns))
            yield within(whole.records, periods), NONE
            return
        late = overruled(self.root, self.late, self.key, self.schema) if self.late else None
        texts = [field.name for field in self.schema if pa.types.is_string(field.type)]
        system, root = filesystem(self.root)
        with storage(self.place), system.open_input_file(f"{root}/{self.path}") as source:
            file = parquet(source, texts)
            number, parts = self.part
            groups = file.num_row_groups
            for group in range(number * groups // parts, (number + 1) * groups // parts):
                limits = _limits(file, group)
                if periods is not None and limits and not _meets(periods, limits):
                    continue
                some = None if late is None else late.between(limits)
                yield self._block(file, group, columns, periods, some)

    def _block(
        self,
        file: pq.ParquetFile,
        group: int,
        columns: Sequence[str],
        periods: Ranges | None,
        late: Overruled | None,
    ) -> tuple[pa.Table, np.ndarray]:
        wanted = dict.fromkeys(columns)
        if late is not None:
            wanted |= dict.fromkeys(self.key)
        if periods is not None:
            wanted["time"] = None
        table = file.read_row_group(group, columns=list(wanted), use_threads=False)
        table = complete(table, as_words(pa.schema([self.schema.field(name) for name in wanted])))
        table = within(table, periods)
        dropped = NONE if late is None else late.among(table)
        return table.select(list(columns)), dropped

    def read(self, columns: Sequence[str]) -> pa.Table:
        """Read it whole; see `tables`."""
        fields = [self.schema.field(name) for name in columns]
        return pa.concat_tables([pa.schema(fields).empty_table(), *self.tables(columns)])


def pieces(version: Snapshot, root: str, schema: pa.Schema, key: Sequence[str]) -> list[Piece]:
    """Pieces of a table's version: one for all late records, and one for each file.

    A file that no late record can be in is read as if there were none.
    """
    late = tuple(file.path for file in version.late)
    rows = sum(file.rows for file in version.late)
    main = [
        Piece(
            file.path,
            root,
            schema,
            tuple(key),
            late if _concerned(file, version.late, key) else (),
            file.rows,
        )
        for file in version.main
    ]
    return [Piece("", root, schema, tuple(key), late, rows), *main] if late else main


def _concerned(file: DataFile, late: Sequence[DataFile], key: Sequence[str]) -> bool:
    """Whether a late file may have a record that corrects one of a file."""
    return any(
        "time" not in key or (other.first <= file.last and file.first <= other.last)
        for other in late
    )


def _limits(file: pq.ParquetFile, group: int) -> tuple[int, int] | None:
    """Earliest and latest time in a row group, as far as the file says."""
    meta = file.metadata.row_group(group)
    for number in range(meta.num_columns):
        column = meta.column(number)
        if column.path_in_schema == "time":
            said = column.statistics
            if said is None or not said.has_min_max:
                return None
            return said.min_raw, said.max_raw
    return None


def _meets(periods: Ranges, limits: tuple[int, int]) -> bool:
    return any(start <= limits[1] and limits[0] < end for start, end in periods)
