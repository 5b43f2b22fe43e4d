"""Delta Lake tables of one dataset: records, what was set aside, and which files were loaded.

The order of commits is the law here: set aside, then records, then the note that the file was
loaded. A process killed between two of them leaves a file without its note; the next load reads
it again, finds what is there already, and ends with the same tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import DeltaError

from citylib.city.datasets import DatasetSpec
from citylib.lake.errors import LakeBusy
from citylib.lake.schema import SET_ASIDE

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

    def account(self, digest: str) -> dict[str, int] | None:
        """Account of what was loaded with this digest before, whatever the mapping was then."""
        table = _open(self.loads_uri)
        if self.records is None or table is None:
            return None
        rows = table.to_pyarrow_dataset().to_table(filter=ds.field("digest") == digest)
        return rows.to_pylist()[0] if rows.num_rows else None

    def names(self) -> set[str]:
        """Names of the files loaded before."""
        table = _open(self.loads_uri)
        return set(table.to_pyarrow_table(columns=["file"])[0].to_pylist()) if table else set()

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
        table = _open(self.aside_uri)
        if table is not None and not anew:
            aside = _unknown(aside, table)
        if aside.num_rows or table is None or anew:
            _commit(self.aside_uri, table, aside.cast(SET_ASIDE), anew)
        if records.num_rows or self.records is None or anew:
            rows = records.cast(schema).sort_by("time")
            about = json.dumps(facts(self.spec), ensure_ascii=False)
            _commit(self.records_uri, self.records, rows, anew, description=about)
            self.records = DeltaTable(self.records_uri)
        _commit(self.loads_uri, _open(self.loads_uri), loads, anew)


def _unknown(rows: pa.Table, table: DeltaTable) -> pa.Table:
    """Rows that the table of rows set aside does not have yet."""
    names = ["digest", "line", "reason"]
    known = {tuple(row.values()) for row in table.to_pyarrow_table(columns=names).to_pylist()}
    new = [tuple(row.values()) not in known for row in rows.select(names).to_pylist()]
    return rows.filter(pa.array(new, pa.bool_()))


def _commit(
    uri: str, table: DeltaTable | None, rows: pa.Table, anew: bool, description: str | None = None
) -> None:
    """Add rows to a table as it was when it was opened; None: it was not there yet.

    Each commit carries the next number of one series, so that of two loads which opened the same
    version only one succeeds: the other might store again what the first has stored. A table is
    made empty, because only on a table that is there can the second be refused.
    """
    if table is None:
        table = _made(uri, rows.schema, description)
    number = table.transaction_version(WRITER) or 0
    properties = CommitProperties(app_transactions=[Transaction(WRITER, number + 1)])
    try:
        if anew:
            write_deltalake(
                table,
                rows,
                mode="overwrite",
                schema_mode="overwrite",
                commit_properties=properties,
            )
        else:
            write_deltalake(table, rows, mode="append", commit_properties=properties)
    except DeltaError as error:
        raise LakeBusy(
            f"{uri}: not written ({error}); if another load is running, run it again afterwards"
        ) from None


def _made(uri: str, schema: pa.Schema, description: str | None) -> DeltaTable:
    """The table as it is when it has just been made, even if another load made it meanwhile."""
    if "://" not in uri:
        Path(uri).parent.mkdir(parents=True, exist_ok=True)
    try:
        return DeltaTable.create(
            uri, schema, mode="error", name=Path(uri).name, description=description
        )
    except (DeltaError, FileExistsError) as error:
        if not DeltaTable.is_deltatable(uri):
            raise LakeBusy(f"{uri}: the table could not be made ({error})") from None
        return DeltaTable(uri, version=0)


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
