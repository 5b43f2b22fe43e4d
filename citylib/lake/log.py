"""The log of a table, read entry by entry: what the next commits bring, and nothing of before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from citylib.lake.datafiles import LATE
from citylib.lake.errors import storage
from citylib.lake.known import DataFile
from citylib.lake.storage import filesystem
from citylib.lake.tables import Snapshot, data_file, ordered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOG = "_delta_log"


def read_entry(uri: str, version: int) -> dict[str, list[dict[str, Any]]] | None:
    """Actions of a commit by their kind; None if the log does not have it (any more)."""
    system, root = filesystem(uri)
    with storage(uri):
        try:
            with system.open_input_stream(f"{root}/{LOG}/{version:020d}.json") as source:
                text = source.read()
        except FileNotFoundError:
            return None
    entry: dict[str, list[dict[str, Any]]] = {}
    for line in text.decode("utf-8").splitlines():
        if line.strip():
            for kind, action in json.loads(line).items():
                entry.setdefault(kind, []).append(action)
    return entry


def added_by(entry: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[DataFile | None]:
    """Files that a commit adds; None for one that the lake has not written."""
    for action in entry.get("add", ()):
        names = ("path", "partitionValues", "stats", "size")
        try:
            yield data_file(*(action[name] for name in names))
        except (KeyError, TypeError, ValueError):
            yield None


def newer(uri: str, version: Snapshot, number: int) -> tuple[Snapshot, int] | None:
    """A later version of a table by the commits since, without reading what came before.

    Parameters
    ----------
    uri : str
        Address of the table.
    version, number : Snapshot, int
        One that was read before, and its number.

    Returns
    -------
    (Snapshot, int), optional
        The same one if there is none later; None if the log alone does not tell.
    """
    main, late = ({file.path: file for file in files} for files in (version.main, version.late))
    last = number
    while entry := read_entry(uri, last + 1):
        last += 1
        if "metaData" in entry or "protocol" in entry:
            return None
        for action in entry.get("remove", ()):
            main.pop(action["path"], None)
            late.pop(action["path"], None)
        for file in added_by(entry):
            if file is None:
                return None
            (late if file.partition == LATE else main)[file.path] = file
    if checkpoint(uri) > last:  # entries in between are gone
        return None
    if last == number:
        return version, number
    return ordered([*main.values(), *late.values()], version.delta), last


def mark(uri: str, number: int) -> tuple[int, int] | None:
    """What tells a commit from one of the same number of a table that was made again."""
    system, root = filesystem(uri)
    with storage(uri):
        info = system.get_file_info(f"{root}/{LOG}/{number:020d}.json")
    return (info.mtime_ns, info.size) if info.is_file else None


def checkpoint(uri: str) -> int:
    """Version of the table's last checkpoint; -1: it has none."""
    system, root = filesystem(uri)
    with storage(uri):
        try:
            with system.open_input_stream(f"{root}/{LOG}/_last_checkpoint") as source:
                return int(json.loads(source.read())["version"])
        except FileNotFoundError:
            return -1
