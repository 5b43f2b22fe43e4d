"""Compaction: late records go where they belong, small files become large ones, old ones go.

It can run at any time. Whoever reads keeps the version that they opened, for as long as old files
are kept; whoever writes meanwhile is not disturbed, and what they write stays as it is.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake.transaction import AddAction, RemoveAction

from citylib.lake.datafiles import by_period, remove, write_file
from citylib.lake.errors import Overtaken, storage
from citylib.lake.known import DataFile
from citylib.lake.overruled import Late, among, complete, newest
from citylib.lake.schema import HIDDEN
from citylib.lake.storage import filesystem
from citylib.lake.tables import Snapshot, again, commit, open_table
from citylib.lake.writer import Writer

TARGET = 2_000_000
"""Records of a large file: so many are in memory at once."""
SMALL = TARGET // 2
KEEP = timedelta(days=1)
"""How long files that are no longer part of a table are kept for those who still read them."""
EVERY = 64


@dataclass(frozen=True)
class Compaction:
    """What was done.

    Attributes
    ----------
    dataset : str
    late : int
        Late records that were put in their place.
    before, after : int
        Number of the table's files.
    cleaned : int
        Files of old versions that were removed.
    seconds : float
    """

    dataset: str
    late: int
    before: int
    after: int
    cleaned: int
    seconds: float


def compact(writer: Writer) -> Compaction:
    """Compact a dataset's table; see `Lake.compact`."""
    start = time.perf_counter()
    before = writer.snapshot()
    if before.delta is not None:
        again(writer.records_uri, lambda: _rewrite(writer))
    after = writer.snapshot()
    cleaned = 0
    beside = (writer.aside_uri, writer.loads_uri, writer.mended_uri)
    for uri in beside:
        again(uri, partial(_merge, uri))
    for uri in (writer.records_uri, *beside):
        cleaned += again(uri, partial(_clean, uri))
    return Compaction(
        writer.spec.id,
        sum(file.rows for file in before.late),
        len(before.paths),
        len(after.paths),
        cleaned,
        time.perf_counter() - start,
    )


def _rewrite(writer: Writer) -> None:
    """Write the files anew that are small or that late records concern, in one commit."""
    version = writer.snapshot()
    assert version.delta is not None  # noqa: S101  a table that is compacted is there
    fields = pa.schema(version.delta.schema().to_arrow())
    schema = pa.schema([field for field in fields if field.name not in HIDDEN])
    late = None
    if version.late:
        paths = tuple(file.path for file in version.late)
        late = newest(writer.records_uri, paths, tuple(writer.key), schema)
    old = _worth_it(version, late, "time" in writer.key)
    if not old and late is None:
        return
    system, root = filesystem(writer.records_uri)
    actions: list[AddAction] = []
    try:
        for table in _slices(writer, old, late, schema):
            for period, rows in by_period(table, writer.spec.partition):
                with storage(writer.records_uri):
                    actions.append(write_file(system, root, period, rows, 0))
        now = int(time.time() * 1000)
        gone = [
            RemoveAction(file.path, True, now, file.size, {"partition": file.partition})
            for file in (*old, *version.late)
        ]
        commit(version.delta, [*gone, *actions])
    except BaseException as error:
        if isinstance(error, Overtaken) or len(actions) == 0 or not _committed(writer, actions):
            remove(system, [f"{root}/{action.path}" for action in actions])
        raise


def _worth_it(version: Snapshot, late: Late | None, timed: bool) -> list[DataFile]:
    """Files that are small, where there are several, and those that late records concern."""
    if late is not None and not timed:
        return list(version.main)
    small = [file for file in version.main if file.rows < SMALL]
    several = Counter(file.partition for file in small)
    result = {file.path: file for file in small if several[file.partition] > 1}
    if late is not None:
        times = np.sort(late.records["time"].cast(pa.int64()).to_numpy())
        for file in version.main:
            if np.searchsorted(times, file.last, "right") > np.searchsorted(times, file.first):
                result[file.path] = file
    return list(result.values())


def _slices(
    writer: Writer, old: Sequence[DataFile], late: Late | None, schema: pa.Schema
) -> Iterator[pa.Table]:
    """Records of files and late ones, cut by time so that each slice fits into memory."""
    system, root = filesystem(writer.records_uri)
    paths = [f"{root}/{file.path}" for file in old]
    words = pa.dictionary(pa.int32(), pa.string())
    short = pa.schema(
        [field.with_type(words) if pa.types.is_string(field.type) else field for field in schema]
    )
    form = ds.ParquetFileFormat(
        dictionary_columns=[field.name for field in short if field.type == words]
    )
    with storage(writer.records_uri):
        whole = ds.dataset(paths, schema=short, filesystem=system, format=form) if paths else None
        total = sum(file.rows for file in old) + (late.records.num_rows if late else 0)
        edges = _edges(writer, old, late, max(-(-total // TARGET), 1))
    for low, high in zip([None, *edges], [*edges, None], strict=True):
        inside = _between(low, high)
        parts = []
        if whole is not None:
            with storage(writer.records_uri):
                main = whole.to_table(filter=inside)
            if late is not None and main.num_rows:
                keep = np.ones(main.num_rows, bool)
                keep[among(main, late, writer.key)] = False
                main = main.filter(pa.array(keep))
            parts.append(complete(main, short))
        if late is not None:
            some = late.records if inside is None else late.records.filter(inside)
            parts.append(some.cast(short))
        table = pa.concat_tables(parts).unify_dictionaries()
        if table.num_rows:
            yield _sorted(table)


def _edges(writer: Writer, old: Sequence[DataFile], late: Late | None, count: int) -> list[int]:
    """Times that cut records into about equal parts."""
    if count == 1:
        return []
    system, root = filesystem(writer.records_uri)
    some = [late.records["time"].cast(pa.int64()).to_numpy()[::EVERY]] if late else []
    for file in old:
        with system.open_input_file(f"{root}/{file.path}") as source:
            times = pq.ParquetFile(source).read(["time"])["time"]
        some.append(times.cast(pa.int64()).to_numpy()[::EVERY])
    ordered = np.sort(np.concatenate(some))
    places = np.linspace(0, len(ordered) - 1, count + 1)[1:-1].astype(int)
    return [int(edge) for edge in np.unique(ordered[places])]


def _between(low: int | None, high: int | None) -> ds.Expression | None:
    stamp = pa.timestamp("us", "UTC")
    parts = []
    if low is not None:
        parts.append(pc.field("time") >= pa.scalar(low, stamp))
    if high is not None:
        parts.append(pc.field("time") < pa.scalar(high, stamp))
    return parts[0] & parts[-1] if parts else None


def _sorted(table: pa.Table) -> pa.Table:
    """By time, then by area."""
    area = table["area"].combine_chunks()
    rank = np.empty(len(area.dictionary) + 1, np.int64)
    rank[:-1] = pc.rank(area.dictionary).to_numpy()
    rank[-1] = 0
    codes = rank[pc.fill_null(area.indices, len(area.dictionary)).to_numpy(zero_copy_only=False)]
    order = np.lexsort((codes, table["time"].cast(pa.int64()).to_numpy()))
    return table.take(pa.array(order))


def _committed(writer: Writer, actions: Sequence[AddAction]) -> bool:
    """Whether a commit that ended in an error is there nevertheless; if in doubt, it is."""
    try:
        return actions[0].path in writer.snapshot().paths
    except Exception:
        return True


def _merge(uri: str) -> None:
    """Make one file of the small ones that a table kept beside the records has."""
    table = open_table(uri)
    if table is not None and len(table.file_uris()) > 1:
        with storage(uri):
            table.optimize.compact()


def _clean(uri: str) -> int:
    """Remove files that have not been part of the table for long, or never were."""
    table = open_table(uri)
    if table is None:
        return 0
    hours = int(KEEP / timedelta(hours=1))
    with storage(uri):
        table.create_checkpoint()
        if not table.vacuum(hours, dry_run=True, full=True):
            return 0
        return len(table.vacuum(hours, dry_run=False, full=True))
