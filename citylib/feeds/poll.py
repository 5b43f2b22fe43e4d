"""One poll of one feed: ask, store, and only then remember."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyarrow as pa

from citylib.city.errors import CityError, ProfileError
from citylib.city.feeds import FeedSpec
from citylib.city.model import parse
from citylib.city.profile import City
from citylib.feeds import connectors
from citylib.feeds.connector import FeedFault, Request, Session
from citylib.lake.delivery import Delivery, LoadReport
from citylib.lake.sheet import Sheet
from citylib.operations.feeds import FeedState

PART = 32 * 2**20
"""Bytes of text after which what has come of a poll is stored before more is fetched."""
VALIDATORS = 200
"""ETags and dates that a feed remembers at most."""
LONGEST_POLL = 20
"""Timeouts of a feed, or one interval if that is more, for which a source may be asked in one poll;
what comes is stored meanwhile, and the time of that does not count."""
SAME = "same"
"""Key of a feed's memory under which it knows what it delivered last."""

Store = Callable[[str, Delivery], Awaitable[LoadReport]]


@dataclass(frozen=True)
class Connector:
    """A module of `citylib.feeds.connectors`, with what a feed asks of it."""

    module: Any
    options: Any

    @property
    def replays(self) -> bool:
        """Whether what it brings are records of another day, played as if they were of now."""
        return bool(getattr(self.module, "REPLAYS", False))


def connector_of(feed: FeedSpec) -> Connector:
    """The connector that a feed names, with its options.

    Raises
    ------
    ProfileError
        There is no such connector, an option is wrong, or the address has a password in it.
    """
    if "@" in feed.address.partition("://")[2].partition("/")[0]:
        raise ProfileError(
            f"{feed.path}: key 'address': a name or password in it would come into logs and "
            "records; take it out, and name the environment variable that holds it in `key`"
        )
    try:
        module = connectors.connector(feed.connector)
    except KeyError:
        raise ProfileError(
            f"{feed.path}: key 'connector': no connector {feed.connector!r}; there are "
            f"{', '.join(connectors.names())}"
        ) from None
    return Connector(module, parse(module.Options, feed.options, feed.path))


def secret_of(feed: FeedSpec) -> str | None:
    """The key of access of a feed, from the environment variable that it names.

    Raises
    ------
    FeedFault
        It is not set, or what is there is no key.
    """
    if feed.key is None:
        return None
    value = os.environ.get(feed.key, "").strip()  # a file's last line break is no part of it
    if not value:
        raise FeedFault(f"{feed.path}: the environment has no {feed.key}; set it to the key")
    if not (value.isascii() and value.isprintable()):
        raise FeedFault(
            f"{feed.path}: {feed.key} has other characters than keys have; set it to the key alone"
        )
    return value


def client() -> httpx.AsyncClient:
    """HTTP for all feeds. Times are limited by each session, connections by the schedule."""
    return httpx.AsyncClient(
        timeout=None,  # noqa: S113
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
        headers={"User-Agent": "citylib"},
    )


def host_of(feed: FeedSpec) -> str:
    """Host and port that a feed asks; for a folder its path."""
    return urlsplit(feed.address).netloc or feed.address


async def fetch(
    city: City, feed: FeedSpec, session: Session, connector: Connector, now: datetime
) -> AsyncGenerator[Sheet, None]:
    """What a source has, sheet by sheet; sheets without rows are left out."""
    request = Request(feed, connector.options, session, session.secret, now, city)
    async with aclosing(connector.module.fetch(request)) as sheets:
        async for sheet in sheets:
            if len(sheet.lines) or sheet.bad:
                yield sheet


async def poll(
    city: City,
    feed: FeedSpec,
    state: FeedState,
    http: httpx.AsyncClient,
    store: Store,
    now: datetime,
) -> FeedState:
    """Ask a feed once and store what it brings.

    Parameters
    ----------
    city : City
        Whose feed it is.
    feed : FeedSpec
        The feed.
    state : FeedState
        As it is now.
    http : httpx.AsyncClient
        From `client`.
    store : callable (dataset, Delivery) -> awaitable of LoadReport
        Returns when the delivery is committed.
    now : datetime
        When the poll begins.

    Returns
    -------
    FeedState
        The state with the poll's account, and with what is to be remembered, for all of it is
        stored.

    Raises
    ------
    PollFailed
        Something went wrong, with the account of what was stored before. Nothing is to be
        remembered, so that the next poll asks for all of it again.
    """
    session = None
    asking = asyncio.timeout(longest(feed))
    try:
        connector = connector_of(feed)
        session = Session(feed, http, dict(state.memory), secret_of(feed))
        parts: list[Sheet] = []
        size = 0
        async with asking, aclosing(fetch(city, feed, session, connector, now)) as sheets:
            async for sheet in sheets:
                parts.append(sheet)
                size += size_of(sheet)
                if size >= PART:
                    async with _paused(asking):
                        state = await _deliver(feed, state, parts, connector, store)
                    parts, size = [], 0
        if parts:
            state = await _deliver(feed, state, parts, connector, store)
    except Exception as error:
        if isinstance(error, TimeoutError) and asking.expired():
            error = given_up(feed)
        raise PollFailed(state, _sentence(error, session), error) from error
    memory = _pruned(session.memory)
    if SAME in state.memory:
        memory[SAME] = state.memory[SAME]
    return replace(state, memory=memory)


def longest(feed: FeedSpec) -> float:
    """Seconds for which a source may be asked in one poll."""
    return max(feed.interval, LONGEST_POLL * feed.timeout)


def given_up(feed: FeedSpec) -> FeedFault:
    """The fault of a source that goes on for longer than that."""
    return FeedFault(
        f"{feed.address}: given up after {longest(feed):g} s; ask for less at a time, or raise "
        f"interval in {feed.path}"
    )


def size_of(sheet: Sheet) -> int:
    """Bytes of a sheet's text."""
    return sum(column.nbytes for column in sheet.columns.values())


@asynccontextmanager
async def _paused(asking: asyncio.Timeout) -> AsyncIterator[None]:
    """Let a limit stand still meanwhile."""
    loop = asyncio.get_running_loop()
    left = (asking.when() or loop.time()) - loop.time()
    asking.reschedule(None)
    try:
        yield
    finally:
        asking.reschedule(loop.time() + left)


class PollFailed(Exception):
    """A poll that failed: the state with what was stored before, and what was wrong."""

    def __init__(self, state: FeedState, sentence: str, cause: Exception) -> None:
        super().__init__(sentence)
        self.state = state
        self.wait = cause.wait if isinstance(cause, FeedFault) else None
        self.cause = cause


async def _deliver(
    feed: FeedSpec, state: FeedState, parts: list[Sheet], connector: Connector, store: Store
) -> FeedState:
    """The state after these sheets were stored; what was delivered last is not stored again."""
    digest = digest_of(feed, parts)
    known, _, account = state.memory.get(SAME, "").partition(" ")
    if known == digest:
        read, aside = map(int, account.split())
        report = LoadReport(feed.dataset, read, 0, read - aside, aside, 0.0)
        sequence = state.sequence
    else:
        sequence = state.sequence + 1
        # The number tells this content from the same content after another came between.
        report = await store(
            feed.dataset,
            Delivery(
                f"{sequence} {digest}",
                [(sheet, feed.read) for sheet in parts],
                feed.id,
                connector.replays,
            ),
        )
    if report.failures:
        raise FeedFault("; ".join(report.failures))
    return replace(
        state,
        sequence=sequence,
        newest=max(filter(None, (state.newest, report.newest)), default=None),
        read=state.read + report.read,
        stored=state.stored + report.stored,
        duplicate=state.duplicate + report.duplicate,
        set_aside=state.set_aside + report.set_aside,
        memory=state.memory | {SAME: f"{digest} {report.read} {report.set_aside}"},
    )


def digest_of(feed: FeedSpec, sheets: list[Sheet]) -> str:
    """The same for the same rows read in the same way."""
    digest = hashlib.blake2b(feed.read.model_dump_json().encode(), digest_size=16)
    for sheet in sheets:
        digest.update(repr((sheet.file, sheet.bad, sheet.twice)).encode())
        table = pa.table(dict(sheet.columns))
        with pa.ipc.new_stream(pa.PythonFile(_Hashed(digest), "w"), table.schema) as stream:
            stream.write_table(table)
    return digest.hexdigest()


class _Hashed(io.RawIOBase):
    """A file of which only the digest is wanted."""

    def __init__(self, digest: Any) -> None:
        super().__init__()
        self._digest = digest

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._digest.update(data)
        return memoryview(data).nbytes


def _pruned(memory: dict[str, str]) -> dict[str, str]:
    """Memory without the oldest of very many validators: addresses may tell the time of day."""
    validators = [key for key in memory if key.startswith(("etag ", "last-modified "))]
    old = set(validators[:-VALIDATORS])
    return {key: value for key, value in memory.items() if key not in old}


def _sentence(error: Exception, session: Session | None) -> str:
    text = str(error) if isinstance(error, CityError) else f"{type(error).__name__}: {error}"
    return session.shown(text) if session else text
