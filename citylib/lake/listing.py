"""`citylib aside` and `citylib datasets`: what did not fit, mended, and what there is."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
from rich import box
from rich.console import Console
from rich.table import Table as Grid

from citylib.city.datasets import in_language
from citylib.city.errors import CityError
from citylib.city.profile import load_city
from citylib.city.secrets import write_private
from citylib.city.settings import Settings
from citylib.lake.aside import rows_aside, some, summary, to_csv
from citylib.lake.catalogue import Entry
from citylib.lake.lake import Lake

PIPE_WIDTH = 200
"""Columns of output that goes to a file or another program."""
UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def run_aside_list(settings: Settings, name: str = "") -> None:
    """Print what is set aside, of a dataset or of all, by reason and feed."""
    lake = _lake(settings)
    found = summary(lake.uri, _names(lake, name))
    grid = _grid("dataset", "records", "rows", "feed", "newest", "reason")
    zone = ZoneInfo(lake.city.timezone)
    for group in found:
        newest = f"{group['newest'].astimezone(zone):%Y-%m-%d %H:%M}" if group["newest"] else ""
        numbers = (f"{group[name]:,}" for name in ("records", "rows"))
        grid.add_row(group["dataset"], *numbers, group["feed"], newest, group["reason"])
    _console().print(grid)


def run_aside_show(settings: Settings, name: str, reason: str, feed: str, limit: int) -> None:
    """Print rows of a dataset that are set aside, as their source has them."""
    lake = _lake(settings)
    rows = _chosen(lake, _names(lake, name)[0], reason, feed)
    console = _console()
    for row in rows.slice(0, limit).to_pylist():
        console.print(f"{row['row']}  {row['file']}:{row['line']}  {row['reason']}", style="bold")
        console.print(row["raw"], soft_wrap=True)
    if rows.num_rows > limit:
        console.print(f"and {rows.num_rows - limit:,} more")


def run_aside_export(
    settings: Settings, file: Path, names: tuple[str, ...], reason: str, feed: str
) -> None:
    """Write rows set aside into a CSV file to be mended, which only its owner can read."""
    lake = _lake(settings)
    for name in names:
        lake.spec(name)
    rows = {name: _chosen(lake, name, reason, feed) for name in names or lake.city.datasets}
    try:
        write_private(file, to_csv(rows).encode())
    except OSError as error:
        raise CityError(f"{file}: cannot be written: {error.strerror}") from None
    total = sum(len(set(table["row"].to_pylist())) for table in rows.values())
    _console().print(
        f"{total:,} rows in {file}: mend the column raw, then citylib aside load {file}"
    )


def run_aside_load(settings: Settings, file: Path) -> None:
    """Store mended rows and print what became of them."""
    done = _lake(settings).mend(file)
    grid = _grid("dataset", "read", "stored", "duplicate", "set aside")
    for report in done.reports:
        numbers = (report.read, report.stored, report.duplicate, report.set_aside)
        grid.add_row(report.dataset, *(f"{number:,}" for number in numbers))
    console = _console()
    console.print(grid)
    console.print(f"{done.rows:,} rows were brought again")
    if done.before:
        console.print(f"{done.before:,} rows had been brought again before and were left alone")
    if done.untold:
        console.print(f"{done.untold:,} rows were left alone: fill in their text from the source")


def run_datasets(settings: Settings) -> None:
    """Print the catalogue."""
    lake = _lake(settings)
    now = datetime.now(UTC)
    grid = _grid(
        *("dataset", "title", "owner", "licence", "class", "every", "records", "from", "to"),
        *("newest", "delivered", "set aside", "MB"),
    )
    for one in lake.catalogue():
        grid.add_row(one.id, *cells(one, lake.city.languages[0], lake.city.timezone, now))
    _console().print(grid)


def cells(one: Entry, language: str, timezone: str, now: datetime) -> list[str]:
    """An entry of the catalogue as text: title, owner, licence, classification, interval, records,
    first and last day, age of the newest record and of the last delivery, set aside, megabytes.
    """
    zone = ZoneInfo(timezone)
    first, last = (
        f"{time.astimezone(zone):%Y-%m-%d}" if time else "" for time in (one.first, one.last)
    )
    pseudonyms = f" ({', '.join(one.personal)}: pseudonyms)" if one.personal else ""
    return [
        one.title.get(language) or next(iter(one.title.values())),
        in_language(one.owner, language),
        in_language(one.licence, language),
        f"{one.classification}{pseudonyms}",
        span(one.interval),
        f"{one.rows:,}" + (f" + {one.late:,} late" if one.late else ""),
        first,
        last,
        span(one.age(now)),
        span(one.waited(now)),
        f"{one.set_aside:,}",
        f"{one.bytes / 1e6:,.1f}",
    ]


def span(seconds: float | None) -> str:
    """A length of time in its largest unit; empty for none."""
    if seconds is None:
        return ""
    for size, unit in UNITS:
        if abs(seconds) >= size:
            return f"{seconds / size:,.0f} {unit}"
    return "0 s"


def _lake(settings: Settings) -> Lake:
    return Lake(settings.lake, load_city(settings.profile), settings.secrets)


def _names(lake: Lake, name: str) -> list[str]:
    return [lake.spec(name).id] if name else list(lake.city.datasets)


def _chosen(lake: Lake, name: str, reason: str, feed: str) -> pa.Table:
    return some(rows_aside(lake.uri, name), reason, feed)


def _grid(*titles: str) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        right = title in ("records", "rows", "read", "stored", "duplicate", "set aside", "MB")
        grid.add_column(title, overflow="fold", justify="right" if right else "left")
    return grid


def _console() -> Console:
    console = Console(highlight=False, markup=False, file=sys.stdout)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console
