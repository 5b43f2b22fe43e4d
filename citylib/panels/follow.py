"""Open screens follow the change log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from citylib.city.errors import CityError
from citylib.operations.store import Store

PAUSE = 1.0
"""Seconds between two looks at the change log."""

log = logging.getLogger(__name__)


def newest(store: Store) -> int:
    """Number of the newest change; 0 when the log cannot be read."""
    try:
        return store.changes.latest()
    except CityError:
        return 0


async def follow(
    store: Store,
    seen: int,
    changed: Callable[[], None],
    stale: Callable[[], bool],
    kind: str = "cube",
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
        Number of the last change that the screen shows. Take it before the figures are read, so
        that a change in between is not missed.
    changed : callable ()
        Brings the screen up to date.
    stale : callable () -> bool
        Whether there is something newer than what the screen shows.
    kind : str
        Kind of change that is waited for.
    """
    while True:
        await asyncio.sleep(PAUSE)
        try:
            changes = store.changes.since(seen, kind=kind)
        except CityError:
            changes = []
            due = stale()
        else:
            due = bool(changes)
        if due:
            try:
                changed()
            except Exception:
                log.exception("the screen could not be brought up to date")
        if changes:
            seen = changes[-1].number
