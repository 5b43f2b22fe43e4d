"""A table of records at one version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable

from citylib.city.errors import CityError
from citylib.lake.changes import Changes, Seen, changes, within
from citylib.lake.errors import DatasetMissing, storage
from citylib.lake.known import DataFile
from citylib.lake.log import mark, newer
from citylib.lake.pieces import Piece, pieces
from citylib.lake.schema import HIDDEN
from citylib.lake.storage import filesystem
from citylib.lake.tables import Snapshot, join, snapshot


class Table:
    """Records of a dataset.

    Attributes
    ----------
    version : int
        Rises with every commit.
    rows : int
        Number of records.
    schema : pa.Schema
        Fields with the metadata `title`, `units` and `classification`.
    metadata : dict
        title (per language), publisher, source and licence (one text, or per language),
        classification, timezone, note, as_of, key.
    """

    def __init__(
        self,
        uri: str,
        snapshot: Snapshot,
        delta: DeltaTable,
        metadata: dict[str, Any],
        version: int | None = None,
    ) -> None:
        self._uri = uri
        self._snapshot = snapshot
        self._delta = delta
        self._mark: tuple[int, int] | None = None
        self.metadata = metadata
        self.version: int = delta.version() if version is None else version
        fields = pa.schema(delta.schema().to_arrow())
        self.schema = pa.schema([field for field in fields if field.name not in HIDDEN])

    @property
    def rows(self) -> int:
        """Number of records; without late ones from the table's own statistics."""
        if self._snapshot.late:
            return sum(part.num_rows for piece in self.pieces() for part in piece.tables(["time"]))
        return sum(file.rows for file in self._snapshot.main)

    @property
    def late(self) -> int:
        """Number of corrections and late records that compaction has not put in their place yet."""
        return sum(file.rows for file in self._snapshot.late)

    def pieces(self, times: np.ndarray | None = None) -> list[Piece]:
        """Parts that together are all records, each once; workers can read them by themselves.

        Parameters
        ----------
        times : ndarray of int64, shape (n, 2), optional
            Spans of time, in microseconds since 1970, first and last both in it: only parts that
            may have records of them. They have others as well.
        """
        version = self._snapshot
        if times is not None:
            version = Snapshot(None, within(version.main, times), within(version.late, times))
        return pieces(version, self._uri, self.schema, self.metadata["key"])

    @property
    def seen(self) -> Seen:
        """This version, to be remembered by who computes something from it."""
        version = self._snapshot
        files = {file.path: (file.first, file.last) for file in (*version.main, *version.late)}
        return Seen(str(self._delta.metadata().id), self.version, files)

    def changes(self, since: Seen) -> Changes:
        """What changed since a version that was seen before.

        Parameters
        ----------
        since : Seen
            What `seen` was then.

        Raises
        ------
        StorageFault
            The storage failed.
        """
        return changes(self._uri, self.metadata["key"], since, self.seen)

    def added(self, files: Sequence[DataFile]) -> list[Piece]:
        """Parts of files that `changes` calls added."""
        version = Snapshot(None, tuple(files))
        return pieces(version, self._uri, self.schema, self.metadata["key"])

    def newer(self) -> Table:
        """The table as it is now, which costs what has been written since and not what is there.

        Returns
        -------
        Table
            Itself, if nothing has.
        """
        if self._mark is not None and self._mark == mark(self._uri, self.version):
            found = newer(self._uri, self._snapshot, self.version)
            if found is not None and found[1] == self.version:
                return self
            if found is not None:
                version, number = found
                return self._marked(Table(self._uri, version, self._delta, self.metadata, number))
        version = snapshot(self._uri)
        if version.delta is None:
            raise DatasetMissing(f"{self._uri}: the table is not there any more")
        return self._marked(Table(self._uri, version, version.delta, self.metadata))

    def _marked(self, table: Table) -> Table:
        table._mark = mark(self._uri, table.version)
        return table

    def files(self) -> list[str]:
        """Parquet files of this version, in the order of their times: paths in a folder, or
        addresses in object storage.

        Raises
        ------
        CityError
            There are corrections beside them, so that the files alone are not the records.
        """
        if self._snapshot.late:
            raise CityError(
                f"{self._uri}: there are corrections beside the files; read by `pieces()`, or run "
                "`citylib lake compact` first"
            )
        return [join(self._uri, file.path) for file in self._snapshot.main]

    def read(
        self, columns: Sequence[str] | None = None, where: ds.Expression | None = None
    ) -> pa.Table:
        """Read records.

        Parameters
        ----------
        columns : sequence of str, optional
            All by default.
        where : pyarrow.dataset.Expression, optional
            Such as `pyarrow.dataset.field("area") == "11010"`.

        Returns
        -------
        pa.Table
            Shape (records, columns); the order of records is not defined.
        """
        names = self.schema.names if columns is None else list(columns)
        if not self._snapshot.late:
            system, root = filesystem(self._uri)
            paths = [f"{root}/{file.path}" for file in self._snapshot.main]
            with storage(self._uri):
                whole = ds.dataset(paths, self.schema, format="parquet", filesystem=system)
                return whole.to_table(columns=names, filter=where)
        parts = [self.schema.empty_table().select(names)]
        for piece in self.pieces():
            for part in piece.tables(names if where is None else self.schema.names):
                parts.append(part if where is None else part.filter(where).select(names))
        return pa.concat_tables(parts)
