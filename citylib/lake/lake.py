"""The lake: one table of records for each dataset of the city."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable

from citylib.city.datasets import DatasetSpec
from citylib.city.errors import CityError
from citylib.city.profile import City
from citylib.lake.catalogue import Entry, entry
from citylib.lake.compact import Compaction, compact
from citylib.lake.delivery import Delivery, LoadReport, Preview
from citylib.lake.errors import DatasetMissing, storage
from citylib.lake.known import Memory
from citylib.lake.load import load_dataset
from citylib.lake.mend import Mended, mend
from citylib.lake.pieces import Piece, pieces
from citylib.lake.receive import deliver, preview
from citylib.lake.schema import HIDDEN, facts
from citylib.lake.several import load_each
from citylib.lake.storage import filesystem
from citylib.lake.store import read_aside
from citylib.lake.tables import Snapshot, join, open_table, snapshot
from citylib.lake.writer import Writer


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
        self, uri: str, snapshot: Snapshot, delta: DeltaTable, metadata: dict[str, Any]
    ) -> None:
        self._uri = uri
        self._snapshot = snapshot
        self.metadata = metadata
        self.version: int = delta.version()
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

    def pieces(self) -> list[Piece]:
        """Parts that together are all records, each once; workers can read them by themselves."""
        return pieces(self._snapshot, self._uri, self.schema, self.metadata["key"])

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


class Lake:
    """Tables of records on Delta Lake.

    Parameters
    ----------
    uri : str
        Folder or address in object storage.
    city : City
        The profile whose datasets are kept.
    secrets : Path, optional
        Folder of the key of personal columns; only who stores them needs it.

    Raises
    ------
    CityError
        The folder's path holds a percent sign with two digits, which Delta Lake takes for a
        character written in code.

    Examples
    --------
    >>> lake = Lake(settings.lake, load_city(settings.profile))  # doctest: +SKIP
    >>> lake.load("air_daily").stored  # doctest: +SKIP
    126362
    >>> lake.table("air_daily").read(["time", "area", "pm25"]).num_rows  # doctest: +SKIP
    126362
    """

    def __init__(self, uri: str, city: City, secrets: Path | None = None) -> None:
        if "://" not in uri and unquote(uri) != uri:
            raise CityError(
                f"{uri}: a path with such a '%' cannot hold a lake; rename the folder, or choose "
                "another by `lake` in citylib.toml"
            )
        self.uri = uri
        self.city = city
        self._secrets = secrets
        self._memory = Memory()
        self._writers: dict[str, Writer] = {}

    def load(self, dataset: str) -> LoadReport:
        """Load the files of a dataset. Loading again stores nothing twice.

        Raises
        ------
        DatasetMissing
            The profile has no such dataset.
        LakeBusy
            Another load is writing to the same table.
        """
        return load_dataset(self._writer(dataset), self.city)

    def deliver(self, dataset: str, delivery: Delivery) -> LoadReport:
        """Store what a delivery brings. Delivered again it stores nothing twice.

        Parameters
        ----------
        dataset : str
            Where to.
        delivery : Delivery
            What, and who brought it.

        Returns
        -------
        LoadReport
            read = stored + duplicate + set_aside.

        Raises
        ------
        DatasetMissing
            The profile has no such dataset.
        FileFault
            A sheet lacks a header that its mapping needs.
        LakeBusy
            Others keep writing to the same table; nothing was stored.
        """
        return deliver(self._writer(dataset), self.city, delivery)

    def preview(self, dataset: str, delivery: Delivery) -> Preview:
        """What would become of a delivery. Nothing is stored.

        Raises
        ------
        DatasetMissing
            The profile has no such dataset.
        FileFault
            A sheet lacks a header that its mapping needs.
        """
        return preview(self._writer(dataset), self.city, delivery)

    def compact(self, dataset: str) -> Compaction:
        """Put late records where they belong, make large files of small ones, and remove what no
        reader needs any more. Others may read and write meanwhile.

        Raises
        ------
        DatasetMissing
            The profile has no such dataset.
        LakeBusy
            Another compaction always was quicker.
        StorageFault
            The storage failed; the table is as it was.
        """
        return compact(self._writer(dataset))

    def load_all(self) -> list[LoadReport]:
        """Load all datasets of the profile; reports in its order.

        Raises
        ------
        CityError
            A dataset could not be stored; those before it are.
        """
        reports = {}
        for dataset, report in load_each(self, list(self.city.datasets)):
            if isinstance(report, CityError):
                raise report
            reports[dataset] = report
        return [reports[dataset] for dataset in self.city.datasets]

    def datasets(self) -> list[str]:
        """Datasets of the profile that have a table."""
        return [
            dataset
            for dataset in self.city.datasets
            if open_table(join(self.uri, dataset)) is not None
        ]

    def table(self, dataset: str) -> Table:
        """Table of a dataset as it is now; later commits do not change what it reads.

        Raises
        ------
        DatasetMissing
            It has not been loaded, or the profile has no such dataset.
        """
        spec = self.spec(dataset)
        uri = join(self.uri, dataset)
        version = snapshot(uri)
        if version.delta is None:
            raise DatasetMissing(f"{uri}: there is no table yet; run `citylib load {dataset}`")
        metadata = {**facts(spec), "timezone": self.city.timezone}
        return Table(uri, version, version.delta, metadata)

    def spec(self, dataset: str) -> DatasetSpec:
        """What the profile says of a dataset.

        Raises
        ------
        DatasetMissing
            The profile has no such dataset.
        """
        spec = self.city.datasets.get(dataset)
        if spec is None:
            known = ", ".join(self.city.datasets)
            raise DatasetMissing(f"the profile has no dataset {dataset!r}; it has {known}")
        return spec

    def _writer(self, dataset: str) -> Writer:
        spec = self.spec(dataset)
        return self._writers.setdefault(
            dataset, Writer(self.uri, spec, self._memory, self._secrets)
        )

    def set_aside(self, dataset: str) -> pa.Table:
        """Rows of a dataset's files that do not fit: file, line, records (that the row stands
        for), reason, raw, digest (of
        the file), feed, received.
        """
        return read_aside(self.uri, dataset)

    def mend(self, path: Path) -> Mended:
        """Store rows that were set aside and have been mended since.

        Parameters
        ----------
        path : Path
            What `citylib aside export` wrote, with other text in the column `raw`. All rows of it
            are brought again, as their sources' own; one that still does not fit is set aside
            anew. Loaded again it stores nothing twice.

        Raises
        ------
        FileFault
            The file is not of that form, or rows of it cannot be read; nothing was stored.
        """
        return mend(self, path)

    def catalogue(self) -> list[Entry]:
        """What there is: an entry for each dataset of the profile, in its order."""
        return [entry(self, name) for name in self.city.datasets]
