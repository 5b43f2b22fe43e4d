"""How much one page, one address and all together may ask for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from citylib.access.throttle import Limit, Throttle

MOST_SOCKETS, MOST_HERE = 800, 150
"""Open websockets in all, and from one address: a whole office may be behind one."""
KNOCK = Limit(tries=300, seconds=60)
"""Looks, entries and returns from an address; all that is behind it comes back at once after a
restart."""
WRONG = Limit(tries=60, seconds=600)
"""Invitations and tickets from an address that were none."""
KINDS: dict[str, tuple[float, float]] = {
    "candidate": (50, 400),
    "signal": (60, 500),
    "publish": (2, 12),
    "answer": (5, 60),
    "restart": (1, 6),
    "want": (5, 30),
    "state": (8, 40),
    "say": (1, 6),
    "material": (2, 6),
    "mute": (5, 60),
    "admit": (10, 60),
}
"""Messages of a kind in a second, and at once; others: `OTHER`."""
OTHER = (2.0, 10.0)
ALL = (150.0, 1000.0)
PATIENCE = 200
"""Messages too many, after which a page is not listened to any more."""


class Bucket:
    """So many at once, and then so many a second."""

    def __init__(
        self, rate: float, most: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._most, self._clock = rate, most, clock
        self._left, self._then = most, clock()

    def take(self, count: float = 1) -> bool:
        """Whether it may be; counts it if so."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._then) * self._rate)
        self._then = now
        if self._left < count:
            return False
        self._left -= count
        return True


class Pace:
    """How fast one page may speak."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._all = Bucket(*ALL, clock)
        self._kinds: dict[str, Bucket] = {}
        self._beyond = 0

    def allows(self, kind: str) -> bool:
        """Whether a message of a kind is listened to."""
        bucket = self._kinds.get(kind)
        if bucket is None:
            bucket = self._kinds[kind] = Bucket(*KINDS.get(kind, OTHER), self._clock)
        if self._all.take() and bucket.take():
            return True
        self._beyond += 1
        return False

    @property
    def spent(self) -> bool:
        """Whether patience with this page is over."""
        return self._beyond > PATIENCE


class Places:
    """Who has sockets open, and who knocks, by address."""

    def __init__(self) -> None:
        self.open: Counter[str] = Counter()
        self._throttle = Throttle()

    def take(self, address: str) -> bool:
        """Whether one more socket may be open; counts it if so."""
        if self.open.total() >= MOST_SOCKETS or self.open[address] >= MOST_HERE:
            return False
        self.open[address] += 1
        return True

    def give_back(self, address: str) -> None:
        """A socket is closed."""
        self.open[address] -= 1
        if self.open[address] <= 0:
            del self.open[address]

    def knock(self, address: str) -> bool:
        """Whether somebody may try to come in; counts the try."""
        tries = [(f"knock {address}", KNOCK), (f"wrong {address}", WRONG)]
        return self._throttle.take(tries) == 0

    def was_right(self, address: str) -> None:
        """What was tried was an invitation or a ticket."""
        self._throttle.forgive([(f"wrong {address}", WRONG)])
