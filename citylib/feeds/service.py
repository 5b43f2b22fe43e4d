"""The service that asks every feed on its interval. One that fails or hangs delays no other."""

from __future__ import annotations

import asyncio
import logging
import statistics
from collections import Counter, defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import httpx

from citylib.city.errors import CityError
from citylib.city.feeds import FeedSpec
from citylib.city.profile import City
from citylib.feeds import poll as polls
from citylib.feeds.chores import Chores, Housekeeping
from citylib.feeds.lookup import own_lookups
from citylib.feeds.schedule import Clock, Slots, first_due, next_due, retry_due
from citylib.feeds.told import tell
from citylib.lake.delivery import Delivery, LoadReport
from citylib.lake.lake import Lake
from citylib.operations.feeds import FeedState
from citylib.operations.store import Store

log = logging.getLogger(__name__)

STORING = 2
"""Deliveries that are stored at the same time."""
WRITE_EVERY = 1.0
"""Seconds between two writings of what has changed of the feeds' states."""
PATIENCE = 8.0
"""Seconds that a stop waits for what is being stored."""
TELL_EVERY = 600.0
"""Seconds between two lines of the log that tell how it goes."""


@dataclass
class Tally:
    """How it went since the service began: polls, failures, how late the newest polls began."""

    polls: int = 0
    failed: int = 0
    late: deque[float] = field(default_factory=lambda: deque(maxlen=20_000))

    def lateness(self) -> float:
        """Seconds by which 95 of 100 polls were not later than this."""
        if len(self.late) < 2:
            return max(self.late, default=0.0)
        return statistics.quantiles(self.late, n=20, method="inclusive")[-1]


class Service:
    """Asks every enabled feed of a city on its interval.

    Every feed has a task of its own. Records are stored in threads, one delivery to a dataset at a
    time; states are written once a second for all feeds that changed. What is killed at any moment
    has lost nothing: a feed remembers what was stored, and what it stored without remembering the
    lake knows again.

    Parameters
    ----------
    city : City
        Profile.
    lake : Lake
        Where records go.
    store : Store
        Where the feeds' states are.
    chores : Chores
        What else is to be done.
    clock : Clock
        What time it is.
    told : Path, optional
        File in which screens are told how the feeds are doing.

    Examples
    --------
    >>> await Service(city, lake, store).run(stop)  # doctest: +SKIP
    """

    def __init__(
        self,
        city: City,
        lake: Lake,
        store: Store,
        chores: Chores | None = None,
        clock: Clock | None = None,
        told: Path | None = None,
    ) -> None:
        self.city, self.lake, self.store, self.told = city, lake, store, told
        secret = {feed.key for feed in city.feeds.values() if feed.key}
        self.chores = Housekeeping(chores or Chores(), secret)
        self.clock = clock or Clock()
        self.states: dict[str, FeedState] = {}
        self.tally = Tally()
        self._changed: set[str] = set()
        self._stopping = False
        self._slots = Slots()
        self._datasets: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._away = False
        self._storing: Counter[str] = Counter()

    async def run(self, stop: asyncio.Event) -> None:
        """Ask feeds until told to stop; what is being stored then is stored and remembered.

        Raises
        ------
        StoreError
            The operations store cannot be read at the start.
        """
        known = self.store.feeds.read(memory=True)
        feeds = [feed for feed in self.city.feeds.values() if feed.enabled]
        self.states = {feed.id: known.get(feed.id, FeedState(feed.id)) for feed in feeds}
        for sentence in self.city.feed_faults.values():
            log.error("%s", sentence)
        log.info("%d feeds", len(feeds))
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(STORING, "store") as pool, own_lookups(loop):
            async with polls.client() as http:
                following = {
                    feed.id: loop.create_task(self._follow(feed, http, pool)) for feed in feeds
                }
                others = [
                    loop.create_task(work())
                    for work in (
                        *(self._write_often, self._tell_often),
                        *(self.chores.figures, self.chores.pages, self.chores.compact),
                    )
                ]
                try:
                    await stop.wait()
                finally:
                    await self._end(following, others)
        await self._write()
        log.info("%s", self._account())

    async def _end(
        self, following: dict[str, asyncio.Task[None]], others: list[asyncio.Task[None]]
    ) -> None:
        """Stop all tasks; those that are storing get a while to remember what they stored."""
        self._stopping = True
        storing = [task for name, task in following.items() if self._storing[name]]
        for task in {*following.values(), *others}.difference(storing):
            task.cancel()
        if storing:
            await asyncio.wait(storing, timeout=PATIENCE)
        for task in storing:
            task.cancel()
        await asyncio.gather(*following.values(), *others, return_exceptions=True)

    async def _follow(
        self, feed: FeedSpec, http: httpx.AsyncClient, pool: ThreadPoolExecutor
    ) -> None:
        due = first_due(feed, self.states[feed.id], self.clock.now())
        while not self._stopping:
            self._note(replace(self.states[feed.id], due=due))
            await self.clock.sleep_until(due)
            try:
                due = await self._poll(feed, http, pool, due)
            except Exception as error:  # whatever it is, it must not end the feed
                state, sentence = self.states[feed.id], f"{type(error).__name__}: {error}"
                due = self._failed(feed, state, sentence, None, error)

    async def _poll(
        self, feed: FeedSpec, http: httpx.AsyncClient, pool: ThreadPoolExecutor, due: datetime
    ) -> datetime:
        """Ask a feed once, note what came of it, and say when it is due again."""
        try:
            async with self._slots.place(polls.host_of(feed)):
                began = self.clock.now()
                self.tally.polls += 1
                self.tally.late.append((began - due).total_seconds())
                state = replace(self.states[feed.id], attempted=began)
                self._note(state)
                state = await polls.poll(
                    self.city, feed, state, http, partial(self._deliver, pool), began
                )
        except polls.PollFailed as fault:
            return self._failed(feed, fault.state, str(fault), fault.wait, fault.cause)
        due = next_due(feed, self.clock.now())
        self._note(replace(state, succeeded=began, errors=0, due=due))
        return due

    def _failed(
        self,
        feed: FeedSpec,
        state: FeedState,
        sentence: str,
        wait: float | None,
        cause: Exception | None,
    ) -> datetime:
        self.tally.failed += 1
        errors = state.errors + 1
        due = retry_due(feed, errors, wait, self.clock.now())
        self._note(replace(state, errors=errors, error=sentence, due=due))
        if errors == 1:  # further ones are in the state; the log is for what is new
            unknown = cause if cause and not isinstance(cause, CityError | OSError) else None
            log.warning("feed %s: %s", feed.id, sentence, exc_info=unknown)
        return due

    async def _deliver(
        self, pool: ThreadPoolExecutor, dataset: str, delivery: Delivery
    ) -> LoadReport:
        """Store a delivery in a thread."""
        self._storing[delivery.feed] += 1
        try:
            async with self._datasets[dataset]:
                loop = asyncio.get_running_loop()
                report = await loop.run_in_executor(pool, self.lake.deliver, dataset, delivery)
        finally:
            self._storing[delivery.feed] -= 1
        self.chores.delivered(report)
        return report

    def _note(self, state: FeedState) -> None:
        self.states[state.feed] = state
        self._changed.add(state.feed)

    async def _write_often(self) -> None:
        while True:
            await asyncio.sleep(WRITE_EVERY)
            await self._write()

    async def _write(self) -> None:
        changed, self._changed = self._changed, set()
        states = [self.states[name] for name in changed]
        jobs = [partial(self.store.feeds.write, states)]
        if self.told and states:
            jobs.append(partial(tell, self.told, [*self.states.values()]))
        faults = []
        for job in jobs:
            try:
                await asyncio.to_thread(job)
            except Exception as error:  # it may be away for a while; polling goes on
                faults.append(str(error))
        if faults:
            self._changed |= changed
            if not self._away:  # once, not once a second
                log.error("states of %d feeds not written: %s", len(changed), "; ".join(faults))
        self._away = bool(faults)

    async def _tell_often(self) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY)
            log.info("%s", self._account())

    def _account(self) -> str:
        t = self.tally
        failing = sum(bool(state.errors) for state in self.states.values())
        return (
            f"{t.polls:,} polls, {t.failed:,} failed, {failing} feeds failing; "
            f"95 of 100 began within {t.lateness():.2f} s of their time"
        )
