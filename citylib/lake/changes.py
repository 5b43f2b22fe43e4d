"""What changed in a table since a version that somebody has seen.

Records never leave a table, and a commit says what it brings: files of the partitions hold records
whose keys were not there before, so that they can be added to what was computed from the others;
files of late records take the place of others, so that what was computed of their times is
computed again. Compaction moves records and changes none. Where the log does not reach back to the
version any more, the files of then and of now are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from citylib.lake.datafiles import LATE
from citylib.lake.errors import storage
from citylib.lake.known import DataFile
from citylib.lake.log import added_by, read_entry
from citylib.lake.storage import filesystem
from citylib.lake.tables import COMPACTION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LATE_FOLDER = f"partition={LATE}/"


@dataclass(frozen=True)
class Seen:
    """A version of a table, as it is remembered by who has read it.

    Attributes
    ----------
    table : str
        Identifier that the table got when it was made.
    version : int
    files : mapping of str to (int, int)
        Times of the first and the last record of each file, in microseconds since 1970, by path.
    """

    table: str
    version: int
    files: Mapping[str, tuple[int, int]]

    def to_bytes(self) -> bytes:
        """To be kept somewhere."""
        paths = list(self.files)
        times = np.array([self.files[path] for path in paths], np.int64).reshape(-1, 2).T
        rows = pa.record_batch([paths, times[0], times[1]], ["path", "first", "last"])
        about = {"table": self.table, "version": str(self.version)}
        return ipc(rows.replace_schema_metadata(about))

    @classmethod
    def from_bytes(cls, kept: bytes) -> Seen:
        """What `to_bytes` gave."""
        rows = pa.ipc.open_stream(kept).read_next_batch()
        about = {key.decode(): value.decode() for key, value in rows.schema.metadata.items()}
        path, first, last = (column.to_pylist() for column in rows.columns)
        files = dict(zip(path, zip(first, last, strict=True), strict=True))
        return cls(about["table"], int(about["version"]), files)


def ipc(rows: pa.RecordBatch) -> bytes:
    """Rows as bytes, compressed."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=_WRITING) as writer:
        writer.write_batch(rows)
    return sink.getvalue().to_pybytes()


_WRITING = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True)
class Changes:
    """What changed between two versions of a table.

    Attributes
    ----------
    everything : bool
        All must be read again; the rest says nothing then.
    added : tuple of DataFile
        Files with records of new keys alone.
    touched : ndarray of int64, shape (n, 2)
        Times, in microseconds since 1970, of which records may be other ones than before: first
        and last of each span, both in it. Files that were added lie in a span where their records
        may have been corrected since.
    """

    everything: bool = False
    added: tuple[DataFile, ...] = ()
    touched: np.ndarray = field(default_factory=lambda: np.empty((0, 2), np.int64))

    @property
    def nothing(self) -> bool:
        """Whether all records are as they were."""
        return not (self.everything or self.added or len(self.touched))


EVERYTHING = Changes(everything=True)


def changes(uri: str, key: Sequence[str], since: Seen, now: Seen) -> Changes:
    """What changed in a table from one version to a later one.

    Parameters
    ----------
    uri : str
        Address of the table.
    key : sequence of str
        Columns that tell a record from every other.
    since, now : Seen
        The versions.

    Raises
    ------
    StorageFault
        The storage failed.
    """
    if since.table != now.table or since.version > now.version:
        return EVERYTHING
    if since.version == now.version:
        return Changes()
    told = _by_log(uri, since, now)
    if told is None:
        return _by_files(key, since, now)
    if told.everything or not told.late:
        return told.without_late()
    if "time" not in key:  # what a late record corrects may be of any time
        return EVERYTHING
    return told.without_late(_spans(uri, told.late))


@dataclass
class _Told:
    """What the log says."""

    everything: bool = False
    added: dict[str, DataFile] = field(default_factory=dict)
    late: list[DataFile] = field(default_factory=list)
    moved: list[DataFile] = field(default_factory=list)

    def without_late(self, spans: np.ndarray | None = None) -> Changes:
        """The same, with the times of the late records."""
        if self.everything:
            return EVERYTHING
        touched = [np.array([(file.first, file.last) for file in self.moved], np.int64)]
        if spans is not None:
            touched.append(spans)
        whole = np.concatenate([part.reshape(-1, 2) for part in touched])
        return Changes(added=tuple(self.added.values()), touched=whole)


def _by_log(uri: str, since: Seen, now: Seen) -> _Told | None:
    """What the commits say; None where one of them is no longer there."""
    told = _Told()
    for version in range(since.version + 1, now.version + 1):
        entry = read_entry(uri, version)
        if entry is None:
            return None
        compaction = any(COMPACTION in info for info in entry.get("commitInfo", ()))
        removed = [action["path"] for action in entry.get("remove", ())]
        if compaction:
            # What was added meanwhile is in another file now, with older records.
            told.moved += [told.added.pop(path) for path in removed if path in told.added]
            continue
        mode = [info.get("operationParameters", {}) for info in entry.get("commitInfo", ())]
        if removed or any(one.get("mode") == "Overwrite" for one in mode):
            return _Told(everything=True)
        for file in added_by(entry):
            if file is None:
                return _Told(everything=True)
            if file.partition == LATE:
                told.late.append(file)
            else:
                told.added[file.path] = file
    return told


def _by_files(key: Sequence[str], since: Seen, now: Seen) -> Changes:
    """Times of all files that only one of the versions has."""
    differing = set(since.files.items()) ^ set(now.files.items())
    if "time" not in key and any(path.startswith(LATE_FOLDER) for path, _ in differing):
        return EVERYTHING
    spans = np.array([span for _, span in differing], np.int64).reshape(-1, 2)
    return Changes(touched=spans)


def _spans(uri: str, late: Sequence[DataFile]) -> np.ndarray:
    """Times of late records; of a file that is gone already, all between its first and last."""
    system, root = filesystem(uri)
    spans = []
    for file in late:
        with storage(f"{uri}/{file.path}"):
            try:
                with system.open_input_file(f"{root}/{file.path}") as source:
                    times = pq.ParquetFile(source).read(["time"])["time"]
            except FileNotFoundError:
                spans.append(np.array([[file.first, file.last]], np.int64))
                continue
        moments = pc.unique(times).cast(pa.int64()).to_numpy(zero_copy_only=False)
        spans.append(np.stack([moments, moments], axis=1))
    return np.concatenate(spans)


def within(files: Sequence[DataFile], times: np.ndarray) -> tuple[DataFile, ...]:
    """Files that may have records in spans of time; see `citylib.lake.Table.pieces`."""
    if not len(times):
        return ()
    order = np.argsort(times[:, 0])
    first, last = times[order, 0], np.maximum.accumulate(times[order, 1])
    # Of the spans that begin before a file's end, one reaches its beginning.
    place = np.searchsorted(first, [file.last for file in files], "right") - 1
    return tuple(
        file for file, at in zip(files, place, strict=True) if at >= 0 and last[at] >= file.first
    )
