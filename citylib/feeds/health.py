"""Whether a feed does what it should, in one word."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from citylib.city.feeds import FeedSpec
from citylib.operations.feeds import FeedState

Condition = Literal["current", "stale", "failing", "silent", "new", "off"]
GOOD: tuple[Condition, ...] = ("current", "new", "off")
FAILING = 3
"""Polls that must fail one after the other before a feed that worked is said to fail."""
GRACE = 120.0
"""Seconds by which a poll may be late before the service is thought not to run."""


def condition(feed: FeedSpec, state: FeedState | None, now: datetime) -> Condition:
    """How a feed is doing.

    Parameters
    ----------
    feed : FeedSpec
        As the profile has it.
    state : FeedState or None
        As the operations store has it; None: it was never asked.
    now : datetime
        Aware.

    Returns
    -------
    str
        "off": switched off in the profile. "new": not asked yet. "failing": it does not answer,
        or what it answers cannot be used. "silent": it should have been asked and was not, so
        nothing is known; the service does not run. "stale": it answers, but its newest record is
        older than `stale` seconds. "current": none of these.
    """
    if not feed.enabled:
        return "off"
    if state is None or state.attempted is None:
        return "new"
    last = max(state.due or state.attempted, state.attempted)
    if now > last + timedelta(seconds=GRACE + feed.interval):
        return "silent"
    if state.errors >= FAILING or (state.errors and state.succeeded is None):
        return "failing"
    if state.newest is not None and now > state.newest + stale_after(feed):
        return "stale"
    return "current"


def stale_after(feed: FeedSpec) -> timedelta:
    """Age from which a feed's newest record is old news."""
    return timedelta(seconds=feed.stale or 3 * feed.interval)
