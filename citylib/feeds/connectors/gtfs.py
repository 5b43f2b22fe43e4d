"""GTFS Schedule: one table of a timetable's ZIP archive.

The address is that of the archive. Its table is read in pieces, so that a large stop_times.txt
does not come into memory as a whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, BinaryIO, cast

import pyarrow as pa
from pydantic import Field

from citylib.city.mapping import Reading
from citylib.city.model import Plain
from citylib.feeds.archive import Bounded, open_zip
from citylib.feeds.connector import FeedFault, Request
from citylib.lake.across import needs_whole_files
from citylib.lake.errors import FileFault
from citylib.lake.files import read_sheets
from citylib.lake.sheet import Sheet, strings

NEEDED = (
    ("agency.txt",),
    ("routes.txt",),
    ("trips.txt",),
    ("stop_times.txt",),
    ("stops.txt", "locations.geojson"),
    ("calendar.txt", "calendar_dates.txt"),
)
"""Files of which each timetable must have one."""
COLUMNS = {
    "agency": ("agency_name",),
    "stops": ("stop_id",),
    "routes": ("route_id", "route_type"),
    "trips": ("route_id", "service_id", "trip_id"),
    "stop_times": ("trip_id", "stop_sequence"),
    "calendar": ("service_id", "start_date", "end_date"),
    "calendar_dates": ("service_id", "date", "exception_type"),
    "shapes": ("shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"),
    "frequencies": ("trip_id", "start_time", "end_time", "headway_secs"),
}
"""Columns without which a table says nothing."""
PUBLISHED = "published"


class Options(Plain):
    """What is asked for.

    Attributes
    ----------
    table : str
        Name of the table: "stops", "routes", "trips", "stop_times" or another of the standard's,
        without `.txt`.
    max_unpacked : int
        Bytes that the table may have when it is unpacked.
    """

    table: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,63}$")]
    max_unpacked: Annotated[int, Field(gt=0, le=2**36)] = 2**31


async def fetch(request: Request) -> AsyncIterator[Sheet]:
    """Rows of the table, if the archive has changed.

    Each has `published` besides: when the archive's maker wrote the table, "2026-05-01 12:00:00"
    in the maker's clock.

    Raises
    ------
    FeedFault
        The source does not answer as it should, or what comes is no timetable.
    """
    options = request.options
    assert isinstance(options, Options)  # noqa: S101
    headers = {"Authorization": f"Bearer {request.key}"} if request.key else None
    answer = await request.session.get(request.feed.address, headers=headers)
    if not answer.modified:
        return
    spec = request.city.datasets[request.feed.dataset] if request.city else None
    whole = spec is not None and needs_whole_files(spec)
    sheets = read_table(answer.url, answer.data, request.feed.read, options, whole)
    while (sheet := await asyncio.to_thread(next, sheets, None)) is not None:
        yield sheet


def read_table(
    url: str, data: bytes, reading: Reading, options: Options, whole: bool = False
) -> Iterator[Sheet]:
    """The table in pieces.

    Parameters
    ----------
    url : str
        Where the archive came from, for messages.
    data : bytes
        The archive.
    reading : Reading
        How rows become records; that the files are CSV in UTF-8 the standard says.
    options : Options
        Which table.
    whole : bool
        All of it in one sheet, with all its columns.

    Raises
    ------
    FeedFault
        It is no timetable: no ZIP archive, without a file or column that it must have, too large.
    """
    try:
        yield from _sheets(url, data, reading, options, whole)
    except FileFault as fault:
        raise FeedFault(f"{url}: {fault}") from None


def _sheets(
    url: str, data: bytes, reading: Reading, options: Options, whole: bool
) -> Iterator[Sheet]:
    with open_zip("the answer", data) as archive:
        members = {member.filename: member for member in archive.infolist()}
        lacking = [" or ".join(names) for names in NEEDED if not members.keys() & set(names)]
        if lacking:
            has = ", ".join(repr(name[:80]) for name in sorted(members)[:20])
            raise FileFault(f"no timetable: it has no {', '.join(lacking)}; it has {has}")
        name = f"{options.table}.txt"
        if name not in members:
            tables = sorted(other[:-4] for other in members if other.endswith(".txt"))
            raise FileFault(f"has no {name}; tables are {', '.join(tables)[:800]}")
        member = members[name]
        if member.file_size > options.max_unpacked:
            raise FileFault(
                f"{name} has {member.file_size:,} bytes when unpacked; raise max_unpacked if that "
                "is meant"
            )
        year, month, day, hour, minute, second = member.date_time
        published = f"{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
        try:
            unpacked = cast(BinaryIO, archive.open(member))
        # Encrypted, packed in a way that is not known, or not where the archive says.
        except Exception as error:
            raise FileFault(f"{name}: cannot be unpacked ({error}); fetch it again") from None
        stream = cast(BinaryIO, Bounded(name, unpacked, options.max_unpacked))
        text = reading.model_copy(
            update={"format": "csv", "separator": ",", "quoting": True, "header_rows": 1}
        )
        for sheet in read_sheets(Path(name), text, stream, whole):
            headers = sheet.headers or tuple(sheet.columns)
            without = [one for one in COLUMNS.get(options.table, ()) if one not in headers]
            if without:
                raise FileFault(f"{name} has no column {', '.join(without)}")
            sheet.columns[PUBLISHED] = _repeated(published, len(sheet.lines))
            sheet.headers = (*headers, PUBLISHED)
            yield sheet


def _repeated(text: str, number: int) -> pa.Array:
    return strings([text]).take(pa.array([0] * number, pa.int32()))
