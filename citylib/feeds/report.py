"""`citylib feed …`: feeds of the profile, how they are doing, one poll to look at, the service."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
from rich import box
from rich.console import Console
from rich.table import Table

from citylib.city.errors import CityError
from citylib.city.profile import City, load_city
from citylib.city.settings import Settings
from citylib.feeds import poll as polls
from citylib.feeds.connector import FeedFault, Session
from citylib.feeds.health import GOOD, condition
from citylib.feeds.service import Chores, Service
from citylib.lake.delivery import Delivery, Preview
from citylib.lake.lake import Lake
from citylib.operations.store import Store

ROWS = 10
"""Rows that `try` shows of what would be stored, and of what would be set aside."""
PIPE_WIDTH = 160
"""Columns of output that goes to a file or another program."""


def run_list(settings: Settings) -> bool:
    """Print the feeds of the profile; whether all their files are right."""
    city = load_city(settings.profile)
    grid = _grid("feed", "dataset", "connector", "every", "on", "title")
    for feed in city.feeds.values():
        fault = _fault_of(city, feed.id)
        grid.add_row(
            feed.id,
            feed.dataset,
            feed.connector,
            f"{feed.interval:g} s",
            "yes" if feed.enabled else "no",
            fault or feed.title[city.languages[0]],
        )
    for name, fault in city.feed_faults.items():
        grid.add_row(name, "", "", "", "", fault)
    _console().print(grid)
    return not city.feed_faults and not any(_fault_of(city, name) for name in city.feeds)


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
    for sentence in errors:
        console.print(sentence, markup=False, soft_wrap=True)
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

    async def fetched() -> list:
        async with polls.client() as http:
            session = Session(feed, http, {}, polls.secret_of(feed))
            found = polls.fetch(city, feed, session, connector, datetime.now(UTC))
            async with aclosing(found) as sheets:
                return [(sheet, feed.read) async for sheet in sheets]

    delivery = Delivery("try", asyncio.run(fetched()), feed.id, connector.replays)
    preview = Lake(settings.lake, city).preview(feed.dataset, delivery)
    if preview.report.failures:
        raise FeedFault("\n".join(preview.report.failures))
    _print_preview(_console(), preview, city)
    return bool(preview.report.read == 0 or preview.report.read > preview.report.set_aside)


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


def run_service(settings: Settings, chores: Chores) -> None:
    """Ask all feeds on their intervals until SIGTERM or SIGINT.

    Raises
    ------
    CityError
        The service runs already, or the operations store cannot be reached.
    """
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    # Each request would be a line, with its address.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    city = load_city(settings.profile)
    with _alone(settings), Store(settings.database) as store:
        store.migrate()
        asyncio.run(_serve(Service(city, Lake(settings.lake, city), store, chores)))


async def _serve(service: Service) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await service.run(stop)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    settings.var.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (settings.var / "feeds.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CityError(
                f"the feeds of {settings.var} are being asked already, by another "
                "`citylib feed run` or by the platform; stop that first"
            ) from None
        yield


def _fault_of(city: City, name: str) -> str:
    """What is wrong with the connector or the options of a feed."""
    try:
        polls.connector_of(city.feeds[name])
    except CityError as error:
        return str(error)
    return ""


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
