"""When each feed is asked, and how many at once."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from math import floor

from citylib.city.feeds import FeedSpec
from citylib.operations.feeds import FeedState

SPREAD = 60.0
"""Seconds over which feeds that are due at the start are spread."""
FIRST_PAUSE = 60.0
"""Seconds after a first failure; they double with each further one."""
MOST_INTERVALS, LONGEST_PAUSE = 8, 3600.0
"""A failing feed is asked again after so many intervals at the latest, if they are within an hour;
one that is asked less often than every hour keeps its interval."""
AT_ONCE, AT_ONE_HOST = 48, 8
"""Polls that begin at the same time, in all and at one host."""
HOLD = 2.0
"""Seconds after which a poll that still waits for its source no longer keeps others waiting."""


class Clock:
    """The clock that the service goes by."""

    def now(self) -> datetime:
        """Now, aware."""
        return datetime.now(UTC)

    async def sleep_until(self, moment: datetime) -> None:
        """Return at `moment`, or at once if it is past; a clock that is set anew is noticed."""
        while (wait := (moment - self.now()).total_seconds()) > 0:
            await asyncio.sleep(min(wait, 30.0))


def share(feed: str) -> float:
    """A number from 0 to 1 that is always the same for a feed and spreads feeds evenly."""
    return int.from_bytes(hashlib.blake2b(feed.encode(), digest_size=4).digest()) / 2**32


def first_due(feed: FeedSpec, state: FeedState, now: datetime) -> datetime:
    """When a feed is asked first after a start: when it was due anyway; if that is past, soon."""
    if state.due is not None and now < state.due <= now + timedelta(seconds=longest_pause(feed)):
        return state.due
    return now + timedelta(seconds=share(feed.id) * min(feed.interval, SPREAD))


def next_due(feed: FeedSpec, now: datetime) -> datetime:
    """When a feed is asked after a poll that was stored.

    Always at the same moments, whatever the polls took; those that have passed are left out.

    >>> next_due(feed, now) - next_due(feed, now - timedelta(hours=1))  # doctest: +SKIP
    datetime.timedelta(seconds=3600)
    """
    shift = share(feed.id) * feed.interval
    # A hundredth of an interval: a moment that has come must not come again by rounding.
    count = floor((now.timestamp() - shift) / feed.interval + 0.01) + 1
    return datetime.fromtimestamp(count * feed.interval + shift, UTC)


def retry_due(feed: FeedSpec, errors: int, wait: float | None, now: datetime) -> datetime:
    """When a feed is asked again after polls that failed.

    Parameters
    ----------
    feed : FeedSpec
        Which.
    errors : int
        Polls that failed one after the other, at least 1.
    wait : float, optional
        Seconds that the source asked to be left alone; never less.
    now : datetime
        When the last poll ended.
    """
    pause = min(feed.interval, FIRST_PAUSE) * 2 ** min(errors - 1, 32)
    pause = min(pause, longest_pause(feed)) * random.uniform(0.8, 1.2)  # noqa: S311  no secret
    return now + timedelta(seconds=max(pause, wait or 0.0))


def longest_pause(feed: FeedSpec) -> float:
    """Seconds after which a failing feed is asked again at the latest."""
    return max(feed.interval, min(MOST_INTERVALS * feed.interval, LONGEST_PAUSE))


class Slots:
    """How many polls may be at work at once, in all and at one host.

    A poll that waits for its source longer than `hold` seconds gives its place to another: it
    costs next to nothing while it waits, and sources that hang cannot use up all places. As a feed
    has one poll at a time, there are never more of them than feeds.
    """

    def __init__(
        self, in_all: int = AT_ONCE, at_one_host: int = AT_ONE_HOST, hold: float = HOLD
    ) -> None:
        self._all = asyncio.Semaphore(in_all)
        self._hosts: dict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(at_one_host)
        )
        self._hold = hold

    @asynccontextmanager
    async def place(self, host: str) -> AsyncIterator[None]:
        """Wait for a place at a host, and keep it until the end of the block, or for `hold`."""
        taken: list[asyncio.Semaphore] = []

        def give_back() -> None:
            while taken:
                taken.pop().release()

        try:
            for semaphore in (self._hosts[host], self._all):
                await semaphore.acquire()
                taken.append(semaphore)
            timer = asyncio.get_running_loop().call_later(self._hold, give_back)
            try:
                yield
            finally:
                timer.cancel()
        finally:
            give_back()
