"""Delta tables: opened, made, and written to in one commit, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import uniform
from time import sleep
from typing import TypeVar

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from citylib.lake.datafiles import LATE
from citylib.lake.errors import LakeBusy, Overtaken, SchemaChanged, storage
from citylib.lake.known import DataFile
from citylib.lake.schema import PSEUDONYM
from citylib.lake.storage import storage_options

ATTEMPTS = 12
LONGEST = 1.0
"""Seconds that a writer waits at most before it tries again."""
CONFIGURATION = {
    # Of the other columns files tell no limits, and readers would take that for "none fits".
    "delta.dataSkippingStatsColumns": "time",
    "delta.deletedFileRetentionDuration": "interval 1 days",
    "delta.logRetentionDuration": "interval 7 days",
    "delta.setTransactionRetentionDuration": "interval 30 days",
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COMPACTION = "compaction"
"""What a commit says of itself that stores nothing new."""
WRITER = "citylib"
"""Name of the series in which each writing commit has the next number: of two that judged by the
same version only one succeeds, because the other might store again what the first has stored."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class Snapshot:
    """A version of a table.

    Attributes
    ----------
    delta : DeltaTable, optional
        None: there is no table yet.
    main, late : tuple of DataFile
        Files of the partitions, in the order of their times; those of the partition `late`, in
        the order in which they were written.
    """

    delta: DeltaTable | None
    main: tuple[DataFile, ...] = ()
    late: tuple[DataFile, ...] = ()

    @property
    def paths(self) -> set[str]:
        """Paths of all files."""
        return {file.path for file in (*self.main, *self.late)}

    @property
    def newest(self) -> int | None:
        """Time of the newest record of the partitions, in microseconds since 1970."""
        return max((file.last for file in self.main), default=None)


def join(uri: str, *parts: str) -> str:
    """A place below the lake: a folder, or an address in object storage."""
    return "/".join([uri.rstrip("/"), *parts])


def open_table(uri: str) -> DeltaTable | None:
    """The table as it is now; None if there is none."""
    with storage(uri):
        try:
            return DeltaTable(uri, storage_options=storage_options(uri))
        except TableNotFoundError as error:
            if "denied" in str(error):
                raise
            return None


def make_table(
    uri: str, schema: pa.Schema, description: str | None = None, by: Sequence[str] = ()
) -> DeltaTable:
    """Make an empty table; if another made it meanwhile, that one."""
    with storage(uri):
        if "://" not in uri:
            Path(uri).parent.mkdir(parents=True, exist_ok=True)
        try:
            return DeltaTable.create(
                uri,
                schema,
                mode="error",
                partition_by=list(by),
                name=uri.rsplit("/", 1)[-1],
                description=description,
                configuration=CONFIGURATION,
                storage_options=storage_options(uri),
            )
        except (DeltaError, FileExistsError):
            table = open_table(uri)
            if table is None:
                raise
            return table


def snapshot(uri: str) -> Snapshot:
    """The table's newest version, with its files."""
    delta = open_table(uri)
    if delta is None:
        return Snapshot(None)
    return ordered(files_of(delta), delta)


def ordered(files: Sequence[DataFile], delta: DeltaTable | None) -> Snapshot:
    """A version with its files in order."""
    main = [file for file in files if file.partition != LATE]
    late = [file for file in files if file.partition == LATE]
    return Snapshot(
        delta,
        tuple(sorted(main, key=lambda file: (file.first, file.path))),
        tuple(sorted(late, key=lambda file: file.path)),
    )


def file_of(action: AddAction) -> DataFile:
    """The file that an action adds."""
    return data_file(action.path, action.partition_values, action.stats, action.size)


def data_file(
    path: str, partition: Mapping[str, str | None], statistics: str, size: int
) -> DataFile:
    """A file of a table by what its log says of it."""
    stats = json.loads(statistics)
    first, last = (
        (datetime.fromisoformat(stats[name]["time"]) - EPOCH) // timedelta(microseconds=1)
        for name in ("minValues", "maxValues")
    )
    return DataFile(path, partition["partition"] or "", stats["numRecords"], size, first, last)


def files_of(delta: DeltaTable) -> list[DataFile]:
    """Files of a table's version."""
    actions = pa.table(delta.get_add_actions(flatten=True))
    if not actions.num_rows:
        return []
    names = ("path", "partition.partition", "num_records", "size_bytes", "min.time", "max.time")
    columns = [actions[name] for name in names if name in actions.column_names]
    if len(columns) != len(names):
        raise SchemaChanged(
            f"{delta.table_uri}: the table was made by an earlier version of this platform; "
            "run `citylib load`, which makes it anew from its files"
        )
    times = [column.cast(pa.int64()) for column in columns[-2:]]
    values = [column.to_pylist() for column in (*columns[:-2], *times)]
    return [DataFile(*row) for row in zip(*values, strict=True)]


def commit(
    delta: DeltaTable,
    actions: Sequence[AddAction | RemoveAction],
    transactions: Sequence[tuple[str, int]] = (),
    anew: pa.Schema | None = None,
) -> None:
    """Add files to a table as it was when it was opened, and take files away.

    Parameters
    ----------
    delta : DeltaTable
        The version that the caller has judged by.
    actions : sequence of AddAction or RemoveAction
    transactions : sequence of (str, int)
        Names and numbers: if another commit has used one of the names meanwhile, this one fails.
    anew : pa.Schema, optional
        Take away all files that are there and give the table this schema.

    Raises
    ------
    Overtaken
        Another commit came first.
    StorageFault
        The storage failed.
    """
    properties = CommitProperties(
        max_commit_retries=5,
        app_transactions=_known(transactions),
        custom_metadata=None if transactions else {COMPACTION: "yes"},
    )
    with storage(delta.table_uri):
        delta.create_write_transaction(
            list(actions),
            "append" if anew is None else "overwrite",
            delta.schema() if anew is None else anew,
            ["partition"],
            commit_properties=properties,
        )


def _known(transactions: Sequence[tuple[str, int]]) -> list[Transaction]:
    """Names and numbers for a table's log, which forgets deliveries after their time of retention.

    Without the time of its use a name would be kept for ever. The writers' own series is: late
    records are ordered by its numbers.
    """
    now = int(datetime.now(UTC).timestamp() * 1000)
    return [
        Transaction(name, number, None if name == WRITER else now) for name, number in transactions
    ]


def append(uri: str, rows: pa.Table, transactions: Sequence[tuple[str, int]] = ()) -> None:
    """Add rows to a small table that is kept beside the records, which is made if need be."""
    with storage(uri):
        properties = CommitProperties(app_transactions=_known(transactions))
        delta = open_table(uri) or make_table(uri, rows.schema)
        write_deltalake(
            delta, rows, mode="append", schema_mode="merge", commit_properties=properties
        )


def replace(uri: str, rows: pa.Table, by: Sequence[str] = ()) -> None:
    """Put rows in the place of all that a small table holds."""
    with storage(uri):
        delta = open_table(uri) or make_table(uri, rows.schema)
        write_deltalake(
            delta,
            rows,
            mode="overwrite",
            schema_mode="overwrite",
            partition_by=list(by) or None,
        )


def again(uri: str, attempt: Callable[[], Result]) -> Result:
    """Try until no other commit comes first.

    Raises
    ------
    LakeBusy
        Others always were quicker.
    """
    for number in range(ATTEMPTS):
        try:
            return attempt()
        except Overtaken:
            sleep(uniform(0, min(LONGEST, 0.02 * 2**number)))  # noqa: S311  nothing secret
    raise LakeBusy(
        f"{uri}: not written, because others wrote to it each of {ATTEMPTS} times; run it again "
        "when there is less going on"
    )


def missing_columns(delta: DeltaTable, schema: pa.Schema) -> list[pa.Field]:
    """Columns that a table lacks.

    Raises
    ------
    SchemaChanged
        A column is of another type.
    """
    has = pa.schema(delta.schema().to_arrow())
    missing = []
    for field in schema:
        at = has.get_field_index(field.name)
        if at < 0:
            missing.append(field)
        elif has.field(at).type != field.type:
            raise SchemaChanged(
                f"{delta.table_uri}: the profile says {field.type} for the column {field.name!r}, "
                f"but the table holds {has.field(at).type}. Nothing is cast silently: give the "
                "column another name, or undo the change; `citylib load` makes a table anew if "
                "all of its records are from files that are there"
            )
    return missing


def pseudonymous(delta: DeltaTable) -> set[str]:
    """Columns in which a table holds pseudonyms."""
    fields = pa.schema(delta.schema().to_arrow())
    return {field.name for field in fields if PSEUDONYM.encode() in (field.metadata or {})}


def evolve(delta: DeltaTable, schema: pa.Schema) -> bool:
    """Add the columns that a table lacks; whether there were any."""
    missing = missing_columns(delta, schema)
    wanted = {field.name for field in schema if PSEUDONYM.encode() in (field.metadata or {})}
    for name in sorted((wanted ^ pseudonymous(delta)) - {field.name for field in missing}):
        has, says = ("values", "personal") if name in wanted else ("pseudonyms", "not personal")
        raise SchemaChanged(
            f"{delta.table_uri}: the profile says that the column {name!r} is {says}, but the "
            f"table holds {has}: run `citylib load`, which makes the table anew; if no file brings "
            "its records, remove it"
        )
    if missing:
        with storage(delta.table_uri):
            delta.alter.add_columns(Schema.from_arrow(pa.schema(missing)).fields)
    return bool(missing)
