"""Open screens follow the change log."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from citylib.city.errors import CityError
from citylib.operations.store import Store
from citylib.operations.watch import Watch

LOOK = 0.1
"""Seconds between two looks whether the change log was written to."""
ASK = 0.25
"""The same where a look is a question to a server, or to the cube itself."""
REST = 4
"""A screen rests so many times as long as it took to be drawn: one that is slow, or one of many
on this machine, skips versions and does not fall behind."""

KIND = "cube"
"""Kind of the changes that new figures are."""

log = logging.getLogger(__name__)


def newest(store: Store, kind: str = KIND) -> int:
    """Number of the newest change of a kind; 0 when the log cannot be read."""
    watch = Watch(store)
    try:
        return watch.newest(kind)
    except CityError:
        return 0
    finally:
        watch.close()


async def follow(
    store: Store,
    seen: int,
    changed: Callable[[], None],
    stale: Callable[[], bool],
    kind: str = KIND,
) -> None:
    """Call `changed` after each change of a kind, until cancelled.

    While the log cannot be read (it is away for a moment, or its address is kept from whoever
    shows the screen), `stale` is asked instead. A screen that could not be drawn is tried again
    with the next change.

    Parameters
    ----------
    store : Store
        Where the change log is.
    seen : int
        Number of the last change of the kind that the screen shows. Take it before the figures are
        read, so that a change in between is not missed.
    changed : callable ()
        Brings the screen up to date.
    stale : callable () -> bool
        Whether there is something newer than what the screen shows.
    kind : str
        Kind of change that is waited for.
    """
    watch = Watch(store)
    pause = 0.0
    try:
        while True:
            await asyncio.sleep(pause)
            try:
                pause = LOOK if watch.cheap else ASK
                if not watch.moved():
                    continue
                last = watch.newest(kind)
            except CityError:
                watch.close()
                pause, last = ASK, seen
                due = bool(_try(stale))
            else:
                due = last != seen
            if due:
                began = time.perf_counter()
                _try(changed)
                pause = max(pause, REST * (time.perf_counter() - began))
            seen = last
    finally:
        watch.close()


def _try(call: Callable[[], object]) -> object:
    """Call it; a failure is for the log, and following goes on."""
    try:
        return call()
    except Exception:
        log.exception("the screen could not be brought up to date")
        return None
