"""Delta Lake tables of one dataset: records, what was set aside, and which files were loaded.

The order of commits is the law here: set aside, then records, then the note that the file was
loaded. A process killed between two of them leaves a file without its note; the next load reads
it again, finds what is there already, and ends with the same tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError

from citylib.city.datasets import DatasetSpec
from citylib.lake.errors import LakeBusy
from citylib.lake.schema import LOADS, SET_ASIDE

WRITER = "citylib.load"


def join(uri: str, *parts: str) -> str:
    """A place below the lake: a folder, or an address in object storage."""
    return "/".join([uri.rstrip("/"), *parts])


class Store:
    """Tables of one dataset.

    Parameters
    ----------
    uri : str
        Folder or address of the lake.
    spec : DatasetSpec
        The dataset.
    """

    def __init__(self, uri: str, spec: DatasetSpec) -> None:
        self.spec = spec
        self.records_uri = join(uri, spec.id)
        self.aside_uri = join(uri, "_set_aside", spec.id)
        self.loads_uri = join(uri, "_loads", spec.id)
        self.records = _open(self.records_uri)

    def loads(self, mapping: str) -> dict[str, dict[str, int]]:
        """Accounts of the files loaded before, by digest. A change of the mapping makes all of
        them void, as does a missing table.
        """
        table = _open(self.loads_uri)
        if self.records is None or table is None:
            return {}
        rows = table.to_pyarrow_table().to_pylist()
        return {row["digest"]: row for row in rows if row["mapping"] == mapping}

    def is_other_mapping(self, mapping: str) -> bool:
        """Whether the table was made by another mapping, so that it must be made anew."""
        table = _open(self.loads_uri)
        if self.records is None or table is None:
            return False
        return any(
            row != mapping for row in table.to_pyarrow_table(columns=["mapping"])[0].to_pylist()
        )

    def stored(self, columns: list[str], new: pa.Table) -> pa.Table:
        """Columns of the records whose time lies within that of the new ones."""
        schema = pa.schema([field for field in new.schema if field.name in columns])
        if self.records is None or not new.num_rows:
            return schema.empty_table().select(columns)
        limits = pc.min_max(new["time"])
        where = (ds.field("time") >= limits["min"]) & (ds.field("time") <= limits["max"])
        return self.records.to_pyarrow_dataset().to_table(columns=columns, filter=where)

    def write(
        self, schema: pa.Schema, records: pa.Table, aside: pa.Table, loads: pa.Table, anew: bool
    ) -> None:
        """Commit what a batch of files holds.

        Parameters
        ----------
        schema : pa.Schema
            Of the table.
        records, aside, loads : pa.Table
            What to add.
        anew : bool
            Put the records in the place of all that are there.

        Raises
        ------
        LakeBusy
            Another load committed to the same table meanwhile; nothing was added.
        """
        self._aside(aside, anew)
        if records.num_rows or self.records is None or anew:
            self._records(records.cast(schema), schema, anew)
        _append(self.loads_uri, loads, "overwrite" if anew else "append")

    def _aside(self, rows: pa.Table, anew: bool) -> None:
        table = _open(self.aside_uri)
        if table is not None and not anew:
            known = {
                (row["digest"], row["line"], row["reason"])
                for row in table.to_pyarrow_table(columns=["digest", "line", "reason"]).to_pylist()
            }
            keys = zip(
                rows["digest"].to_pylist(),
                rows["line"].to_pylist(),
                rows["reason"].to_pylist(),
                strict=True,
            )
            rows = rows.filter(pa.array(np.array([key not in known for key in keys], bool)))
        if rows.num_rows or table is None or anew:
            _append(self.aside_uri, rows.cast(SET_ASIDE), "overwrite" if anew else "append")

    def _records(self, records: pa.Table, schema: pa.Schema, anew: bool) -> None:
        spec = self.spec
        number = (self.records.transaction_version(WRITER) or 0) if self.records else 0
        try:
            write_deltalake(
                self.records_uri if self.records is None else self.records,
                records.sort_by("time"),
                mode="overwrite" if anew and self.records is not None else "append",
                schema_mode="overwrite" if anew and self.records is not None else None,
                name=spec.id,
                description=json.dumps(facts(spec), ensure_ascii=False),
                commit_properties=CommitProperties(
                    app_transactions=[Transaction(WRITER, number + 1)]
                ),
            )
        except CommitFailedError:
            raise LakeBusy(
                f"{self.records_uri}: another load is writing this table; run it again afterwards"
            ) from None
        self.records = DeltaTable(self.records_uri)


def facts(spec: DatasetSpec) -> dict[str, object]:
    """What a table says of itself."""
    return {
        "title": spec.title,
        "publisher": spec.publisher,
        "source": spec.source,
        "licence": spec.licence,
        "classification": spec.classification,
        "note": spec.note,
        "as_of": spec.as_of,
        "key": [*spec.key, *(["occurrence"] if spec.repeats == "number" else [])],
    }


def read_aside(uri: str, dataset: str, digests: Iterable[str] | None = None) -> pa.Table:
    """Rows set aside of a dataset, of the files with these digests or of all."""
    table = _open(join(uri, "_set_aside", dataset))
    if table is None:
        return SET_ASIDE.empty_table()
    rows = table.to_pyarrow_table()
    if digests is not None:
        rows = rows.filter(pc.is_in(rows["digest"], pa.array(list(digests), pa.string())))
    return rows.sort_by([("file", "ascending"), ("line", "ascending"), ("reason", "ascending")])


def _open(uri: str) -> DeltaTable | None:
    return DeltaTable(uri) if DeltaTable.is_deltatable(uri) else None


def _append(uri: str, rows: pa.Table, mode: str) -> None:
    if "://" not in uri:
        Path(uri).parent.mkdir(parents=True, exist_ok=True)
    write_deltalake(uri, rows, mode=mode)  # type: ignore[call-overload]


LOAD_FIELDS = LOADS.names
