"""Who speaks in a room, and who spoke last; a cough changes nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

LONG_ENOUGH = 0.9
"""Seconds that somebody speaks until they count as a speaker."""
BREATH = 0.7
"""Seconds of silence that belong to speaking."""


class Speakers:
    """The speakers of a room.

    Parameters
    ----------
    changed : callable
        Called when `now` or `recent` are others.

    Attributes
    ----------
    recent : list of str
        Who spoke long enough, latest first: the order of pictures.
    heard : list of str
        Who made a sound, latest first: the order of microphones, which must be quick.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._timers: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._now: dict[str, None] = {}
        self._loud_since: dict[str, float] = {}
        self._spoken: dict[str, float] = {}
        self.recent: list[str] = []
        self.heard: list[str] = []

    @property
    def now(self) -> list[str]:
        """Who speaks, in the order in which they began."""
        return [*self._now]

    def sound(self, who: str, talking: bool) -> None:
        """Somebody's microphone became loud, or still."""
        if not talking:
            if (since := self._loud_since.pop(who, None)) is not None:
                self._cancel("counts", who)
                self._spoken[who] = self._spoken.get(who, 0.0) + time.monotonic() - since
                self._later("still", who, BREATH, self._ends)
            return
        self._cancel("still", who)
        if who in self._loud_since:
            return
        self._loud_since[who] = time.monotonic()
        if self.recent[:1] != [who]:
            rest = LONG_ENOUGH - self._spoken.get(who, 0.0)
            self._later("counts", who, max(0.0, rest), self._counts)
        if who not in self._now:
            self._now[who] = None
            self.heard = [who, *(other for other in self.heard if other != who)]
            self._changed()

    def forget(self, who: str) -> None:
        """Somebody left, or can be heard no more."""
        self._cancel("still", who)
        self._cancel("counts", who)
        known = who in self._now or who in self.recent
        self._loud_since.pop(who, None)
        self._spoken.pop(who, None)
        self._now.pop(who, None)
        for order in (self.recent, self.heard):
            if who in order:
                order.remove(who)
        if known:
            self._changed()

    def _ends(self, who: str) -> None:
        self._now.pop(who, None)
        self._spoken.pop(who, None)
        self._changed()

    def _counts(self, who: str) -> None:
        self.recent = [who, *(other for other in self.recent if other != who)]
        self._changed()

    def _later(self, what: str, who: str, seconds: float, act: Callable[[str], None]) -> None:
        self._cancel(what, who)
        loop = asyncio.get_running_loop()
        self._timers[what, who] = loop.call_later(seconds, self._act, what, who, act)

    def _act(self, what: str, who: str, act: Callable[[str], None]) -> None:
        self._timers.pop((what, who), None)
        act(who)

    def _cancel(self, what: str, who: str) -> None:
        if timer := self._timers.pop((what, who), None):
            timer.cancel()
