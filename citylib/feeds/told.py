"""How the feeds are doing, in a file: for screens, which may not read the operations store.

What feeds remember and what went wrong in detail stays in the store.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from citylib.city.errors import CityError
from citylib.city.settings import Settings
from citylib.operations.feeds import FeedState

TIMES = ("attempted", "succeeded", "newest", "due")
"""Of a state, in its order."""


def place_of(settings: Settings) -> Path:
    """Where the file is."""
    return settings.var / "feeds.json"


def tell(place: Path, states: Iterable[FeedState]) -> None:
    """Write the file; who reads it meanwhile reads the one before.

    Raises
    ------
    OSError
        It cannot be written.
    """
    known = {}
    for state in states:
        times = {name: getattr(state, name) for name in TIMES}
        told = {name: time.isoformat() for name, time in times.items() if time}
        known[state.feed] = {**told, "errors": state.errors}
    part = place.with_name(f".{place.name}.{os.getpid()}")
    part.write_text(json.dumps(known), "utf-8")
    part.replace(place)


def told(place: Path) -> dict[str, FeedState]:
    """States by feed, without what is not told; none while the service has never run.

    Raises
    ------
    CityError
        The file cannot be read.
    """
    try:
        known = json.loads(place.read_text("utf-8"))
        return {feed: _state(feed, said) for feed, said in known.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise CityError(
            f"{place}: cannot be read ({error}); the feeds' service writes it"
        ) from None


def _state(feed: str, said: dict[str, Any]) -> FeedState:
    attempted, succeeded, newest, due = (
        datetime.fromisoformat(said[name]) if name in said else None for name in TIMES
    )
    return FeedState(feed, attempted, succeeded, newest, due, errors=int(said["errors"]))
