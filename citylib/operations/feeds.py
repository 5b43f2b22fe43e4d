"""How each feed is doing, and what it remembers: one row for each, written many at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from citylib.operations.tables import feeds

if TYPE_CHECKING:
    from citylib.operations.store import Store

LONGEST = 1000
"""Characters of an error's sentence that are kept."""


@dataclass(frozen=True)
class FeedState:
    """State of a feed. Times are aware; totals count records since the feed's first poll.

    Attributes
    ----------
    feed : str
        Its id in the profile.
    attempted, succeeded : datetime, optional
        When its last poll began; when the last one that was stored did.
    newest : datetime, optional
        Time of the newest record that it has brought.
    due : datetime, optional
        When it is asked next.
    read, stored, duplicate, set_aside : int
        read = stored + duplicate + set_aside.
    errors : int
        Polls that failed since the last that did not.
    error : str
        What was wrong at the last poll that failed, even if later ones did not.
    sequence : int
        Deliveries that it has made.
    memory : dict of str to str
        What the connector and its session remember from poll to poll.
    """

    feed: str
    attempted: datetime | None = None
    succeeded: datetime | None = None
    newest: datetime | None = None
    due: datetime | None = None
    read: int = 0
    stored: int = 0
    duplicate: int = 0
    set_aside: int = 0
    errors: int = 0
    error: str = ""
    sequence: int = 0
    memory: dict[str, str] = field(default_factory=dict)


class FeedStates:
    """States of all feeds; reached as `store.feeds`.

    Examples
    --------
    >>> store.feeds.write([FeedState("air", errors=1, error="no answer")])  # doctest: +SKIP
    >>> store.feeds.read()["air"].errors  # doctest: +SKIP
    1
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, memory: bool = False) -> dict[str, FeedState]:
        """States by feed; feeds that were never asked have none.

        Parameters
        ----------
        memory : bool
            With what they remember, which only the service needs; otherwise that is empty.
        """
        columns = [column for column in feeds.c if memory or column.name != "memory"]
        with self._store.read() as connection:
            rows = connection.execute(select(*columns).order_by(feeds.c.feed)).mappings()
            return {row["feed"]: FeedState(**row) for row in rows}

    def write(self, states: Iterable[FeedState]) -> None:
        """Write states in the place of what was known of their feeds, all in one transaction."""
        rows = [{**asdict(state), "error": state.error[:LONGEST]} for state in states]
        if not rows:
            return
        with self._store.write() as connection:
            kind = sqlite if connection.dialect.name == "sqlite" else postgresql
            query = kind.insert(feeds)
            others = {name: query.excluded[name] for name in feeds.c.keys() if name != "feed"}  # noqa: SIM118
            connection.execute(
                query.on_conflict_do_update(index_elements=["feed"], set_=others), rows
            )
