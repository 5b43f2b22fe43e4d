"""`citylib feed list`, `status` and `try`: what is there, how it is doing, one poll to look at."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
from rich import box
from rich.console import Console
from rich.table import Table

from citylib.city.errors import CityError
from citylib.city.feeds import FeedSpec
from citylib.city.profile import City, load_city
from citylib.city.settings import Settings
from citylib.feeds import poll as polls
from citylib.feeds.connector import FeedFault, Session
from citylib.feeds.health import GOOD, condition
from citylib.lake.delivery import Delivery, Preview
from citylib.lake.lake import Lake
from citylib.lake.sheet import Sheet
from citylib.operations.store import Store

ROWS = 10
"""Rows that `try` shows of what would be stored, and of what would be set aside."""
PIPE_WIDTH = 160
"""Columns of output that goes to a file or another program."""


def run_list(settings: Settings) -> bool:
    """Print the feeds of the profile; whether all their files are right."""
    city = load_city(settings.profile)
    grid = _grid("feed", "dataset", "connector", "every", "on", "title")
    faults = list(city.feed_faults.values())
    for feed in city.feeds.values():
        on = "yes" if feed.enabled else "no"
        title = feed.title[city.languages[0]]
        grid.add_row(feed.id, feed.dataset, feed.connector, f"{feed.interval:g} s", on, title)
        try:
            polls.connector_of(feed)
        except CityError as error:
            faults.append(str(error))
    console = _console()
    console.print(grid)
    _print_lines(console, faults)
    return not faults


def run_status(settings: Settings) -> bool:
    """Print how each feed is doing; whether all that are switched on do what they should."""
    city = load_city(settings.profile)
    with Store(settings.database) as store:
        store.migrate()
        states = store.feeds.read()
    now = datetime.now(UTC)
    grid = _grid(
        *("feed", "state", "last success", "newest record", "next"),
        *("read", "stored", "duplicate", "set aside", "errors"),
    )
    well = not city.feed_faults
    errors = []
    for feed in city.feeds.values():
        state = states.get(feed.id)
        word = condition(feed, state, now)
        well = well and word in GOOD
        if state is None:
            grid.add_row(feed.id, word)
            continue
        times = [_when(moment, city) for moment in (state.succeeded, state.newest, state.due)]
        counts = (state.read, state.stored, state.duplicate, state.set_aside, state.errors)
        grid.add_row(feed.id, word, *times, *(f"{count:,}" for count in counts))
        if state.errors:
            errors.append(f"{feed.id}: {state.error}")
    for name, fault in city.feed_faults.items():
        grid.add_row(name, "broken")
        errors.append(fault)
    console = _console()
    console.print(grid)
    _print_lines(console, errors)
    return well


def run_try(settings: Settings, name: str) -> bool:
    """Ask a feed once and show what would become of it; nothing is stored or remembered.

    Returns
    -------
    bool
        Whether a record fits, or there was none.

    Raises
    ------
    CityError
        There is no such feed, its file is wrong, or the source does not answer as it should.
    """
    city = load_city(settings.profile)
    if name in city.feed_faults:
        raise CityError(city.feed_faults[name])
    feed = city.feeds.get(name)
    if feed is None:
        raise CityError(f"the profile has no feed {name!r}; it has {', '.join(city.feeds)}")
    connector = polls.connector_of(feed)

    sheets, whole = asyncio.run(_fetched(city, feed, connector))
    given = [(sheet, feed.read) for sheet in sheets]
    delivery = Delivery("try", given, feed.id, connector.replays)
    preview = Lake(settings.lake, city, settings.secrets).preview(feed.dataset, delivery)
    if preview.report.failures:
        raise FeedFault("\n".join(preview.report.failures))
    console = _console()
    _print_preview(console, preview, city)
    if not whole:
        console.print(f"there is more: only the first {polls.PART >> 20} MB were looked at")
    return bool(preview.report.read == 0 or preview.report.read > preview.report.set_aside)


async def _fetched(
    city: City, feed: FeedSpec, connector: polls.Connector
) -> tuple[list[Sheet], bool]:
    """What a source has, and whether that is all: what is looked at must fit into memory."""
    sheets: list[Sheet] = []
    asking = asyncio.timeout(polls.longest(feed))
    try:
        async with polls.client() as http, asking:
            session = Session(feed, http, {}, polls.secret_of(feed))
            found = polls.fetch(city, feed, session, connector, datetime.now(UTC))
            async with aclosing(found):
                async for sheet in found:
                    sheets.append(sheet)
                    if sum(map(polls.size_of, sheets)) >= polls.PART:
                        return sheets, False
    except TimeoutError:
        if not asking.expired():
            raise
        raise polls.given_up(feed) from None
    return sheets, True


def _print_preview(console: Console, preview: Preview, city: City) -> None:
    records, aside, account = preview.records, preview.aside, preview.report
    if records.num_rows:
        kept = [n for n in records.column_names if n not in ("source_file", "replayed")]
        grid = _grid(*kept, title=f"Would be stored: {records.num_rows:,}")
        for row in records.slice(0, ROWS).select(kept).to_pylist():
            grid.add_row(*(_cell(value, city) for value in row.values()))
        console.print(grid)
    counted = aside.filter(pa.compute.greater(aside["records"], 0))
    if counted.num_rows:
        total = pa.compute.sum(counted["records"]).as_py()
        grid = _grid("line", "reason", "row", title=f"Would be set aside: {total:,}")
        for row in counted.slice(0, ROWS).to_pylist():
            grid.add_row(f"{row['line']}", row["reason"], row["raw"][:200])
        console.print(grid)
    console.print(
        f"read {account.read:,} = stored {account.stored:,} + duplicate {account.duplicate:,} "
        f"+ set aside {account.set_aside:,}; nothing was stored"
    )


def _print_lines(console: Console, sentences: list[str]) -> None:
    for sentence in sentences:
        console.print(sentence, markup=False, soft_wrap=True)


def _grid(*titles: str, title: str | None = None) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for name in titles:
        grid.add_column(name, overflow="fold")
    return grid


def _console() -> Console:
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


def _when(moment: datetime | None, city: City) -> str:
    zone = ZoneInfo(city.timezone)
    return "" if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _cell(value: object, city: City) -> str:
    if isinstance(value, datetime):
        return _when(value, city)
    return "" if value is None else str(value)
