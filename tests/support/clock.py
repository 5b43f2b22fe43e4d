"""A clock that stands still until it is moved."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from citylib.feeds.schedule import Clock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Hands(Clock):
    """A clock for tests: time passes only by `move`."""

    def __init__(self, now: datetime = NOON) -> None:
        self.time = now
        self.sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self.time

    async def sleep_until(self, moment: datetime) -> None:
        if moment <= self.time:
            await asyncio.sleep(0)
            return
        sleeper = (moment, asyncio.get_running_loop().create_future())
        self.sleepers.append(sleeper)
        try:
            await sleeper[1]
        finally:
            if sleeper in self.sleepers:
                self.sleepers.remove(sleeper)

    def move(self, seconds: float) -> None:
        """Let time pass at once; who slept until then wakes up."""
        self.time += timedelta(seconds=seconds)
        for sleeper in [*self.sleepers]:
            if sleeper[0] <= self.time:
                self.sleepers.remove(sleeper)
                sleeper[1].set_result(None)

    async def next(self) -> datetime:
        """Move on to the moment for which somebody waits, and say which it was."""
        moment = min(moment for moment, _ in self.sleepers)
        self.move((moment - self.time).total_seconds())
        return moment


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Let the loop work until a condition holds; fail when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        await asyncio.sleep(0.005)
