"""Bundled records of another day, played as if they were of now, so that a demo is alive.

The records' own time is shifted by whole weeks, so that hour and weekday fit; where a year or more
is played, by whole years of 52 weeks, so that the season fits too. When the last has been played
it begins again with the first. What comes is marked as replayed in the table.
"""

from __future__ import annotations

import asyncio
import fnmatch
from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
from pydantic import Field, model_validator

from citylib.city.model import Plain
from citylib.city.profile import City
from citylib.feeds.connector import FeedFault, Request
from citylib.lake.files import read_sheets
from citylib.lake.records import map_records
from citylib.lake.schema import LINE
from citylib.lake.sheet import Sheet, sheet_of

REPLAYS = True
FORMAT = "%Y-%m-%d %H:%M:%S"
"""How the times that it brings are written, in the city's clock."""
RESOLUTION = timedelta(microseconds=1)
DAY, WEEK, YEAR = timedelta(days=1), timedelta(weeks=1), timedelta(weeks=52)


class Options(Plain):
    """What is played. The feed's address is the folder of the files, from the profile's folder.

    Attributes
    ----------
    first, last : date
        Days of the records that are played, both included; at least a week.
    days : float
        How many days before now the play begins; the first poll brings the day before that.
    speed : float
        Hours played in an hour of the clock, until now is reached; from then on it is 1.
    whole_days : bool
        A day's records come together when it is over, so that sums of a day are never in part.
    """

    first: date
    last: date
    days: Annotated[float, Field(ge=0, le=365)] = 0
    speed: Annotated[float, Field(ge=1, le=1e6)] = 1
    whole_days: bool = False

    @model_validator(mode="after")
    def _long_enough(self) -> Options:
        if self.last - self.first < timedelta(days=6):
            raise ValueError("from first to last it must be at least a week")
        return self


async def fetch(request: Request) -> AsyncIterator[Sheet]:
    """Records that have happened since the last poll, with the columns of the dataset's table.

    `area` holds the area's code and `time` is written as `%Y-%m-%d %H:%M:%S`.
    """
    city, feed, options = request.city, request.feed, request.options
    assert city is not None  # noqa: S101
    assert isinstance(options, Options)  # noqa: S101
    memory = request.session.memory
    now = request.now.astimezone(ZoneInfo(city.timezone)).replace(tzinfo=None)
    started = datetime.fromisoformat(memory.get("started") or now.isoformat())
    begin = started - timedelta(days=options.days)
    end = min(now, begin + max(now - started, timedelta(0)) * options.speed)
    first = begin - DAY
    if options.whole_days:
        first, end = (datetime.combine(day, time()) - RESOLUTION for day in (first, end))
    since = datetime.fromisoformat(memory.get("until") or first.isoformat())
    memory["started"], memory["until"] = started.isoformat(), max(end, since).isoformat()
    if end <= since:
        return
    path = city.folder / feed.address
    records = await asyncio.to_thread(_records, city, feed.dataset, path, options)
    rows = happened(records, options, since, end)
    if rows:
        yield sheet_of(feed.id, rows)


def happened(
    records: pd.DataFrame, options: Options, since: datetime, end: datetime
) -> list[dict[str, str]]:
    """Records whose shifted time is after `since` and not after `end`, in the order of time.

    Parameters
    ----------
    records : pandas.DataFrame
        Text, with the column `time` as datetime64 in the city's clock.
    options : Options
        Which days are played.
    since, end : datetime
        In the city's clock. What is further back than one round is left out.
    """
    span = timedelta(days=(options.last - options.first).days + 1)
    unit = YEAR if span >= YEAR else WEEK
    round_ = pd.Timedelta(span // unit * unit)
    first = pd.Timestamp(options.first)
    played = records[(records["time"] >= first) & (records["time"] < first + round_)]
    rounds = (end - played["time"]).dt.total_seconds() // round_.total_seconds()
    shifted = played["time"] + pd.to_timedelta(rounds * round_.total_seconds(), unit="s")
    rows = played.assign(time=shifted)[shifted > pd.Timestamp(since)].sort_values("time")
    return rows.assign(time=rows["time"].dt.strftime(FORMAT)).to_dict("records")


def _records(city: City, dataset: str, folder: Path, options: Options) -> pd.DataFrame:
    files = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    states = tuple((path, path.stat().st_mtime_ns) for path in files)
    return _read(_Kept(city), dataset, states, options)


class _Kept:
    """A city as a key of what was read with it: the same as long as it is the same object."""

    def __init__(self, city: City) -> None:
        self.city = city

    def __hash__(self) -> int:
        return id(self.city)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kept) and other.city is self.city


@lru_cache(maxsize=16)
def _read(
    kept: _Kept, dataset: str, files: tuple[tuple[Path, int], ...], options: Options
) -> pd.DataFrame:
    city, spec = kept.city, kept.city.datasets[dataset]
    tables = []
    for path, _ in files:
        names = ((source, pattern) for source in spec.read for pattern in source.files)
        source = next((s for s, pattern in names if fnmatch.fnmatchcase(path.name, pattern)), None)
        if source is not None:
            sheets = read_sheets(path, source, whole=True)
            tables += [map_records(sheet, source, spec, city).records for sheet in sheets]
    if not tables:
        raise FeedFault(f"{spec.folder}: no file that {spec.path} names; nothing can be played")
    table = pa.concat_tables(tables, promote_options="permissive")
    moments = table["time"].to_pandas().dt.tz_convert(city.timezone).dt.tz_localize(None)
    inside = (moments >= pd.Timestamp(options.first)) & (
        moments < pd.Timestamp(options.last) + pd.Timedelta(days=1)
    )
    kept_names = [n for n in table.column_names if n not in ("time", "source_file", LINE)]
    text = {name: table[name].cast(pa.string()).fill_null("").to_pandas() for name in kept_names}
    frame = pd.DataFrame({"time": moments, **text})[inside]
    if frame.empty:
        raise FeedFault(
            f"{spec.id}: no record between {options.first} and {options.last}; choose other days"
        )
    return frame.drop_duplicates(["time", *(name for name in spec.key if name != "time")])
