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


async def follow(store: Store, seen: int, changed: Callable[[], None], kind: str = "cube") -> None:
    """Call `changed` after each change of a kind, until cancelled.

    A log that cannot be read, or a screen that cannot be drawn, is tried again with the next
    change: who follows comes back by itself.

    Parameters
    ----------
    store : Store
        Where the change log is.
    seen : int
        Number of the last change that the screen shows. Take it before the figures are read, so
        that a change in between is not missed.
    changed : callable ()
        Brings the screen up to date.
    kind : str
        Kind of change that is waited for.
    """
    while True:
        await asyncio.sleep(PAUSE)
        try:
            changes = store.changes.since(seen, kind=kind)
            if changes:
                changed()
                seen = changes[-1].number
        except CityError as error:
            log.warning("the screen could not follow the change log: %s", error)
        except Exception:
            log.exception("the screen could not be brought up to date")
            seen = newest(store)
