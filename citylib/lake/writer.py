"""Writing records: a batch is judged against the table as it is, and committed with the judgement.

The order of commits is the law here: set aside, then records, then the note that the file was
loaded. A process killed between two of them leaves a delivery that is not acknowledged; brought
again, its records are found where they are there already, and the tables end as they should.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock

import numpy as np
import pyarrow as pa
from deltalake.transaction import AddAction

from citylib.city.datasets import DatasetSpec
from citylib.lake import compare
from citylib.lake.aside import mended_uri
from citylib.lake.batch import Batch, Judged, account_of, set_aside, together
from citylib.lake.datafiles import LATE, by_period, remove, write_file
from citylib.lake.errors import Overtaken, storage
from citylib.lake.keys import hashes
from citylib.lake.known import DataFile, Memory, Run, run_of
from citylib.lake.overruled import complete
from citylib.lake.personal import Pseudonyms
from citylib.lake.schema import (
    LINE,
    LOADS,
    delta_schema,
    facts,
    key_of,
    payload_of,
    stored_schema,
)
from citylib.lake.storage import filesystem
from citylib.lake.tables import (
    WRITER,
    Snapshot,
    again,
    append,
    commit,
    evolve,
    join,
    make_table,
    open_table,
    snapshot,
)

SAID = 150 * 2**20
"""Bytes of hashes that are kept of a delivery of several batches. Where it contradicts what it said
longer ago, that is taken for a correction."""
LAST, NONE = "feed:", 1
"""What stands before a feed's id where a table notes its last delivery; when there is none yet."""


class Writer:
    """Tables of one dataset, to be written to. Threads may share it.

    Parameters
    ----------
    uri : str
        Folder or address of the lake.
    spec : DatasetSpec
        The dataset.
    memory : Memory
        What is known of the files of the lake's tables.
    secrets : Path, optional
        Folder of the key of personal columns.
    """

    def __init__(
        self, uri: str, spec: DatasetSpec, memory: Memory, secrets: Path | None = None
    ) -> None:
        self.spec = spec
        self.memory = memory
        self.lock = RLock()
        self.records_uri = join(uri, spec.id)
        self.aside_uri = join(uri, "_set_aside", spec.id)
        self.loads_uri = join(uri, "_loads", spec.id)
        self.mended_uri = mended_uri(uri, spec.id)
        self.pseudonyms = Pseudonyms(spec, self.records_uri, secrets)
        self.schema = stored_schema(spec)
        self.key, self.payload = key_of(spec), payload_of(spec)
        self._said: tuple[str, list[Run]] = ("", [])

    def snapshot(self) -> Snapshot:
        """The table as it is now."""
        result = snapshot(self.records_uri)
        self.memory.forget(self.records_uri, result.paths)
        return result

    def edge(self, version: Snapshot) -> int | None:
        """Start of the window of correction: its length before the table's newest record."""
        if self.spec.window is None or version.newest is None:
            return None
        return version.newest - self.spec.window // timedelta(microseconds=1)

    def has(self, version: Snapshot, digest: str, feed: str = "") -> bool:
        """Whether a delivery was committed before, all of it, and its feed's last is no other.

        After another came between, what it brings again is what was delivered last.
        """
        if version.delta is None:
            return False
        last = _last(version, feed)
        if version.delta.transaction_version(digest) is not None:
            return last in (NONE, _number(digest))
        notes = open_table(self.loads_uri)  # a delivery that brought nothing new
        return notes is not None and notes.transaction_version(digest) == last

    def judge(self, batch: Batch, version: Snapshot, edge: int | None) -> Judged:
        """What would become of a batch now."""
        table = together(batch, self.spec)
        sizes = [part.mapped.records.num_rows for part in batch.parts]
        order = {digest: n for n, digest in enumerate(dict.fromkeys(p.digest for p in batch.parts))}
        source = np.repeat([order[part.digest] for part in batch.parts], sizes).astype(np.int64)
        stored = compare.Stored(
            version.main,
            version.late,
            lambda files: self.memory.runs(self.records_uri, files, self._read),
            edge,
            self._said[1] if batch.parts and batch.parts[0].digest == self._said[0] else (),
        )
        verdict = compare.judge(compare.New(table, self.key, self.payload, source), stored)
        now = datetime.now(UTC)
        accounts, aside, begin = [], [], 0
        for part, size in zip(batch.parts, sizes, strict=True):
            fate = verdict.fate[begin : begin + size]
            lines = part.mapped.records[LINE].filter(pa.array(fate == compare.CONFLICT))
            reason = f"other values than the record before it in {part.sheet.file}"
            rows = [*part.mapped.aside, *((line, reason) for line in lines.to_pylist())]
            aside.append(set_aside(part, rows, batch.feed, now))
            accounts.append(account_of(part, fate, len(rows)))
            begin += size
        return Judged(accounts, aside, table, verdict)

    def commit(self, batch: Batch, edge: Callable[[Snapshot], int | None]) -> Judged:
        """Store a batch, once, whoever else writes at the same time.

        Raises
        ------
        LakeBusy
            Others always were quicker; nothing of the records was stored.
        SchemaChanged
            A column is of another type than in the table.
        StorageFault
            The storage failed; nothing of the records was stored.
        """
        with self.lock:
            return again(self.records_uri, lambda: self._commit(batch, edge))

    def _commit(self, batch: Batch, edge: Callable[[Snapshot], int | None]) -> Judged:
        version = self._evolved()
        judged = self.judge(batch, version, edge(version))
        self._put_aside(batch, judged)
        assert version.delta is not None  # noqa: S101  it has just been made
        if judged.stored:
            number = (version.delta.transaction_version(WRITER) or 0) + 1
            done = [(batch.delivered, 1)] if batch.delivered else []
            if batch.feed and (digest := batch.delivered or batch.goes_on):
                done.append((LAST + batch.feed, _number(digest)))
            actions = self.write(judged, batch.replayed, number)
            try:
                commit(version.delta, actions, [(WRITER, number), *done])
            except BaseException as error:
                if isinstance(error, Overtaken):  # it is certain that nothing was committed
                    system, root = filesystem(self.records_uri)
                    remove(system, [f"{root}/{action.path}" for action in actions])
                raise
            self.remember(judged, actions)
        elif batch.delivered:
            note = [(batch.delivered, _last(version, batch.feed))]
            again(self.loads_uri, lambda: append(self.loads_uri, LOADS.empty_table(), note))
        self.goes_on(batch, judged)
        return judged

    def _evolved(self) -> Snapshot:
        """The table as it is now, with all columns of the profile."""
        version = self.snapshot()
        schema = delta_schema(self.spec)
        if version.delta is None:
            about = json.dumps(facts(self.spec), ensure_ascii=False)
            make_table(self.records_uri, schema, about, ["partition"])
            version = self.snapshot()
        assert version.delta is not None  # noqa: S101  it has just been made
        if evolve(version.delta, schema):
            version = self.snapshot()
        return version

    def stored(self, table: pa.Table, replayed: bool) -> pa.Table:
        """Records with the columns that every reader sees."""
        table = table.append_column("replayed", pa.repeat(replayed, table.num_rows))
        columns = []
        for wanted in self.schema:
            column = table[wanted.name]
            if not pa.types.is_dictionary(column.type):
                column = column.cast(wanted.type)
            columns.append(column)
        return pa.table(columns, self.schema.names)

    def write(self, judged: Judged, replayed: bool, number: int) -> list[AddAction]:
        """Write files, which are not seen before they are committed."""
        system, root = filesystem(self.records_uri)
        records = self.stored(judged.table, replayed)
        actions: list[AddAction] = []
        with storage(self.records_uri):
            try:
                for period, rows in by_period(_taken(records, judged.main), self.spec.partition):
                    actions.append(write_file(system, root, period, rows, number))
                if len(judged.late):
                    order = pa.array(judged.late + (number << 32), pa.int64())
                    rows = _taken(records, judged.late).append_column("sequence", order)
                    actions.append(write_file(system, root, LATE, rows, number))
            except BaseException:
                remove(system, [f"{root}/{action.path}" for action in actions])
                raise
        return actions

    def remember(self, judged: Judged, actions: Sequence[AddAction]) -> None:
        """What was written need not be read to be known."""
        verdict = judged.verdict
        times = verdict.times
        late = [a.path for a in actions if a.partition_values["partition"] == LATE]
        main = [a.path for a in actions if a.path not in late]
        for files, rows in ((main, judged.main), (late, newest_of(verdict.keys, judged.late))):
            if len(rows):
                run = run_of(files, times[rows], verdict.keys[rows], verdict.values[rows])
                self.memory.keep(self.records_uri, run)

    def goes_on(self, batch: Batch, judged: Judged) -> None:
        """Keep what a delivery said that the next batch goes on with: its first word stands."""
        digest = batch.goes_on
        if digest is None:
            self._said = ("", [])
            return
        sizes = [part.mapped.records.num_rows for part in batch.parts]
        verdict = judged.verdict
        mine = np.repeat([part.digest == digest for part in batch.parts], sizes)
        mine &= verdict.fate != compare.CONFLICT
        rows, times = verdict.order[mine[verdict.order]], verdict.times
        runs = self._said[1] if self._said[0] == digest else []
        if len(rows):
            runs = [*runs, run_of([], times[rows], verdict.keys[rows], verdict.values[rows])]
        while len(runs) > 1 and sum(run.size for run in runs) > SAID:
            runs = runs[1:]
        self._said = (digest, runs)

    def _read(self, file: DataFile) -> Run:
        """What a file holds, by hashes."""
        import pyarrow.parquet as pq

        late = file.partition == LATE
        names = list(dict.fromkeys(["time", *self.key, *self.payload, *(["sequence"] * late)]))
        system, root = filesystem(self.records_uri)
        with storage(self.records_uri), system.open_input_file(f"{root}/{file.path}") as source:
            schema = delta_schema(self.spec)
            fields = pa.schema([schema.field(name) for name in names])
            table = complete(pq.ParquetFile(source).read(names), fields)
        times = table["time"].cast(pa.int64()).to_numpy()
        keys, values = hashes(table, self.key), hashes(table, self.payload)
        if late:
            rows = newest_of(keys, np.argsort(table["sequence"].to_numpy()))
            times, keys, values = times[rows], keys[rows], values[rows]
        return run_of([file.path], times, keys, values)

    def _put_aside(self, batch: Batch, judged: Judged) -> None:
        """Set rows aside, those of each part once, however often it is brought."""
        if not any(rows.num_rows for rows in judged.aside):
            return
        again(self.aside_uri, lambda: self._put_aside_once(batch, judged))

    def _put_aside_once(self, batch: Batch, judged: Judged) -> None:
        table = open_table(self.aside_uri)
        new, done = [], {}
        for part, rows in zip(batch.parts, judged.aside, strict=True):
            before = table.transaction_version(part.digest) if table is not None else None
            if rows.num_rows and part.number > (before or 0):
                new.append(rows)
                done[part.digest] = part.number
        if new:
            append(self.aside_uri, pa.concat_tables(new), list(done.items()))


def _last(version: Snapshot, feed: str) -> int:
    """The number of the delivery of which a feed last changed the table."""
    found = version.delta.transaction_version(LAST + feed) if version.delta and feed else None
    return NONE if found is None else found


def _number(digest: str) -> int:
    return int(digest[:15], 16) + 2


def _taken(table: pa.Table, rows: np.ndarray) -> pa.Table:
    """Rows of a table; the table itself if they are all of it, in order."""
    if len(rows) == table.num_rows and (np.diff(rows) == 1).all():
        return table
    return table.take(pa.array(rows))


def newest_of(keys: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Of rows in the order of their delivery the last of each key."""
    _, last = np.unique(keys[rows][::-1], return_index=True)
    return np.sort(rows[len(rows) - 1 - last]) if len(rows) else rows
