"""Counting guesses, so that nobody tries passwords by the thousand. Bounded in memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """At most `tries` failures within `seconds`, for each key."""

    tries: int
    seconds: float


class Throttle:
    """Failures by key, forgotten with time.

    A try is counted before it is judged and forgiven when it was right, so tries that run at the
    same time cannot pass together.

    Parameters
    ----------
    remember : int
        How many keys are kept; beyond it the one that failed longest ago is forgotten.
    clock : callable
        Seconds that only rise.
    """

    def __init__(self, remember: int = 20_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._remember = remember
        self._clock = clock
        # key: tries left to count, and when they were last filled up
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, keys: Sequence[tuple[str, Limit]]) -> float:
        """Count a try against every key.

        Returns
        -------
        float
            0 when it may go on; else the seconds to wait, and nothing was counted.
        """
        now = self._clock()
        spent = [self._now_spent(key, limit, now) for key, limit in keys]
        wait = max(
            (
                (have + 1 - limit.tries) * limit.seconds / limit.tries
                for have, (_, limit) in zip(spent, keys, strict=True)
            ),
            default=0.0,
        )
        # A hair of slack: waiting exactly as long as was said must be enough.
        if wait > 1e-6:
            return wait
        for have, (key, _) in zip(spent, keys, strict=True):
            self._spent[key] = (have + 1, now)
            self._spent.move_to_end(key)
        while len(self._spent) > self._remember:
            self._spent.popitem(last=False)
        return 0.0

    def forgive(self, keys: Sequence[tuple[str, Limit]]) -> None:
        """Take back one try of every key: it was right."""
        for key, limit in keys:
            if key in self._spent:
                left = self._now_spent(key, limit, self._clock()) - 1
                if left > 0:
                    self._spent[key] = (left, self._clock())
                else:
                    del self._spent[key]

    def __len__(self) -> int:
        return len(self._spent)

    def _now_spent(self, key: str, limit: Limit, now: float) -> float:
        have, then = self._spent.get(key, (0.0, now))
        return max(0.0, have - (now - then) * limit.tries / limit.seconds)
