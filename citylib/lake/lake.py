"""The lake: one table of records for each dataset of the city."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa

from citylib.city.datasets import DatasetSpec
from citylib.city.errors import CityError
from citylib.city.profile import City
from citylib.lake.catalogue import Entry, entry
from citylib.lake.compact import Compaction, compact
from citylib.lake.delivery import Delivery, LoadReport, Preview
from citylib.lake.errors import DatasetMissing
from citylib.lake.known import Memory
from citylib.lake.load import load_dataset
from citylib.lake.mend import Mended, mend
from citylib.lake.receive import deliver, preview
from citylib.lake.schema import facts
from citylib.lake.several import load_each
from citylib.lake.store import read_aside
from citylib.lake.table import Table
from citylib.lake.tables import join, open_table, snapshot
from citylib.lake.writer import Writer


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
