"""Files (CSV, JSON, Parquet, XLSX) in a folder, in object storage, or at an address.

The address is a folder, from the profile's own; `s3://bucket/prefix`, with access as the
environment's AWS_* variables say; or `https://…`, one file. Only files that are new or have
changed are read.
"""

from __future__ import annotations

import asyncio
import io
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit

import numpy as np
import pyarrow as pa
from fsspec import AbstractFileSystem
from fsspec.implementations.arrow import ArrowFSWrapper
from fsspec.implementations.local import LocalFileSystem
from pydantic import Field, field_validator

from citylib.city.feeds import FeedSpec
from citylib.city.mapping import Reading
from citylib.city.model import Plain
from citylib.feeds.archive import Bounded, open_zip
from citylib.feeds.connector import FeedFault, Request
from citylib.feeds.payload import is_object, json_of, unlike
from citylib.feeds.rows import sheet_from
from citylib.lake.across import needs_whole_files
from citylib.lake.errors import FileFault
from citylib.lake.files import LARGEST, read_sheets
from citylib.lake.packed import unpacked
from citylib.lake.sheet import Sheet
from citylib.lake.storage import filesystem, without_secrets

FILES = "files"
"""Key of the memory: what the files were like when they were stored."""
MEMORY = 8 * 2**20
"""Bytes of a file that are kept in memory; the rest is on disk."""


class Options(Plain):
    """What is asked for.

    Attributes
    ----------
    pattern : str
        Which files of a folder, such as "*.csv" or "**/traffic_*.csv.gz".
    max_files : int
        Files that the pattern may match; a folder with more is at fault.
    max_unpacked : int
        Bytes that a file may have when it is unpacked.
    settle : float
        Seconds for which a file in a folder must be unchanged before it is read: it may still be
        being written.
    """

    pattern: str = "*"
    max_files: Annotated[int, Field(ge=1, le=100_000)] = 1000
    max_unpacked: Annotated[int, Field(gt=0, le=2**40)] = 2**31
    settle: Annotated[float, Field(ge=0, le=86_400)] = 10

    @field_validator("pattern")
    @classmethod
    def _inside(cls, value: str) -> str:
        path = PurePosixPath(value)
        if not value or path.is_absolute() or ".." in path.parts or "\0" in value:
            raise ValueError("it is a pattern for files below the address, such as *.csv")
        return value


@dataclass(frozen=True)
class Found:
    """A file that the pattern matches.

    Attributes
    ----------
    place : str
        In its storage.
    name : str
        From the address on.
    size : int
        Bytes.
    mark : str
        Another when the file has changed.
    changed : float
        When it was changed, in seconds since 1970.
    """

    place: str
    name: str
    size: int
    mark: str
    changed: float


async def fetch(request: Request) -> AsyncIterator[Sheet]:
    """Rows of the files that are new or have changed, in pieces, file by file in their order.

    A file that cannot be read is a bad row with the reason, and is read again when it changes.

    Raises
    ------
    FeedFault
        The folder, storage or server does not answer, or has more than was meant.
    """
    options, address = request.options, request.feed.address
    assert isinstance(options, Options)  # noqa: S101
    spec = request.city.datasets[request.feed.dataset] if request.city else None
    read = _Read(request.feed.read, options, spec is not None and needs_whole_files(spec))
    if address.startswith(("http://", "https://")):
        headers = {"Authorization": f"Bearer {request.key}"} if request.key else None
        answer = await request.session.get(address, headers=headers)
        if answer.modified:
            name = unquote(PurePosixPath(urlsplit(address).path).name) or "file"
            async for sheet in _aside(read.sheets(name, io.BytesIO(answer.data))):
                yield _named(sheet, request.feed, name)
        return
    if request.city is not None and "://" not in address:
        address = str(request.city.folder / address)
    storage, root = await asyncio.to_thread(_storage, address)
    known = json.loads(request.session.memory.get(FILES, "{}"))
    marks: dict[str, str] = {}
    for file in await asyncio.to_thread(_listed, storage, root, address, options):
        if known.get(file.name) == file.mark:
            marks[file.name] = file.mark
            continue
        young = request.now.timestamp() - file.changed < options.settle
        if young and isinstance(storage, LocalFileSystem):
            continue
        with await asyncio.to_thread(_copied, storage, file, request.feed) as stream:
            async for sheet in _aside(read.sheets(file.name, stream)):
                yield _named(sheet, request.feed, file.name)
        marks[file.name] = file.mark
    request.session.memory[FILES] = json.dumps(marks)


def _named(sheet: Sheet, feed: FeedSpec, name: str) -> Sheet:
    """The sheet by a name that no file of the dataset's own has, nor one of another folder."""
    sheet.file = f"{feed.id}/{name}"
    return sheet


def _copied(storage: AbstractFileSystem, file: Found, feed: FeedSpec) -> BinaryIO:
    """A copy of a file, so that a storage that fails is not taken for a file that is broken.

    Raises
    ------
    FeedFault
        The storage does not answer, or the file is too large.
    """
    # The caller closes it.
    copy = cast(BinaryIO, tempfile.SpooledTemporaryFile(MEMORY))  # noqa: SIM115
    try:
        with storage.open(file.place, "rb") as stream:
            while piece := stream.read(MEMORY):
                copy.write(piece)
                if copy.tell() > feed.max_bytes:
                    raise FeedFault(
                        f"{feed.address}: {file.name} has more than {feed.max_bytes:,} bytes; "
                        f"raise max_bytes in {feed.path} if that is meant"
                    )
    except (OSError, pa.ArrowException) as error:
        raise FeedFault(_said(feed.address, f"{file.name} cannot be read", error)) from None
    copy.seek(0)
    return copy


def _said(address: str, wrong: str, error: Exception) -> str:
    return without_secrets(f"{address}: {wrong}: {error}")


def _storage(address: str) -> tuple[AbstractFileSystem, str]:
    """Where the files are, and the folder there."""
    if "://" not in address:
        return LocalFileSystem(), str(Path(address).resolve())
    if not address.startswith("s3://"):
        raise FeedFault(f"{address}: a folder, s3://bucket/prefix or https://… can be read")
    try:
        # pyarrow reads object storage already; s3fs would bring a second client for it.
        storage, root = filesystem(address)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise FeedFault(_said(address, "mend the address", error)) from None
    return ArrowFSWrapper(storage), root


def _listed(storage: AbstractFileSystem, root: str, address: str, options: Options) -> list[Found]:
    """The files that the pattern matches, by name.

    Raises
    ------
    FeedFault
        There is no such folder, it cannot be listed, or has too many.
    """
    try:
        if not storage.isdir(root):
            raise FeedFault(f"{address}: there is no such folder; make it or mend the address")
        found = storage.glob(f"{_plain(root)}/{options.pattern}", detail=True)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise FeedFault(_said(address, "cannot be listed", error)) from None
    files = [
        _found(place, root, info)
        for place, info in sorted(found.items())
        if info.get("type") == "file" and _is_below(storage, place, root)
    ]
    if len(files) > options.max_files:
        raise FeedFault(
            f"{address}: {len(files):,} files match {options.pattern!r}; raise max_files if they "
            "are meant, or choose them by a narrower pattern"
        )
    return files


def _plain(root: str) -> str:
    """A folder's name in which no character has a meaning for a pattern."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in root.rstrip("/"))


def _is_below(storage: AbstractFileSystem, place: str, root: str) -> bool:
    """A link in a folder may lead out of it, to what was never meant to be read."""
    return not isinstance(storage, LocalFileSystem) or Path(place).resolve().is_relative_to(root)


def _found(place: str, root: str, info: dict[str, Any]) -> Found:
    changed = info.get("mtime") or 0
    seconds = changed.timestamp() if isinstance(changed, datetime) else float(changed)
    size = int(info.get("size") or 0)
    mark = str(info.get("ETag") or f"{seconds:.6f} {size}")
    return Found(place, place.removeprefix(root).lstrip("/"), size, mark, seconds)


async def _aside(sheets: Iterator[Sheet]) -> AsyncIterator[Sheet]:
    while (sheet := await asyncio.to_thread(next, sheets, None)) is not None:
        yield sheet


@dataclass(frozen=True)
class _Read:
    """How files are read."""

    reading: Reading
    options: Options
    whole: bool

    def sheets(self, name: str, stream: BinaryIO) -> Iterator[Sheet]:
        """A file in pieces; what cannot be read is a bad row."""
        path = Path(name)
        at_once = self.reading.format in ("json", "xlsx")
        most = min(self.options.max_unpacked, LARGEST if at_once else 2**40)
        try:
            bounded = cast(BinaryIO, Bounded(path.name, unpacked(path, stream), most))
            path = path.with_suffix("") if path.suffix in (".gz", ".xz") else path
            if self.reading.format == "xlsx":
                _check_xlsx(path.name, bounded, most)
            if self.reading.format == "json":
                yield _json(path.name, bounded.read(), self.reading)
            else:
                for sheet in read_sheets(path, self.reading, bounded, self.whole):
                    # Parquet may hold text that is none, which would stop whatever reads it later.
                    for values in sheet.columns.values():
                        values.validate(full=True)
                    yield sheet
        except (FileFault, FeedFault) as fault:
            yield unreadable(path.name, str(fault))
        # What a broken Parquet file makes of its reader may be any of these.
        except (ValueError, OverflowError, pa.ArrowException) as error:
            yield unreadable(path.name, f"{path.name}: {type(error).__name__}: {error}")


def _json(name: str, data: bytes, reading: Reading) -> Sheet:
    """The records of a JSON file, held to what a source's answer is held to."""
    value = json_of(name, data, reading.encodings)
    for key in filter(None, (reading.records or "").split(".")):
        value = value.get(key) if is_object(value) else None
    if not isinstance(value, list):
        raise unlike(name, f"a list of records at {reading.records!r}", value)
    return sheet_from(name, value)


def _check_xlsx(name: str, stream: BinaryIO, most: int) -> None:
    """A workbook is an archive, of which a few bytes can become more than memory holds."""
    with open_zip(name, stream.read()) as book:
        size = sum(member.file_size for member in book.infolist())
    if size > most:
        raise FileFault(f"{name}: {size:,} bytes when unpacked; raise max_unpacked if it is meant")


def unreadable(name: str, reason: str) -> Sheet:
    """A sheet that says why there is nothing, or nothing more, of a file."""
    return Sheet(name, {}, np.array([], int), lambda line: name, [(1, reason)])
