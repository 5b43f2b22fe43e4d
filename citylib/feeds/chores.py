"""Programs that the feeds' service runs besides: figures made anew, tables compacted."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from citylib.lake.delivery import LoadReport

log = logging.getLogger(__name__)

LOOK_EVERY = 60.0
"""Seconds between two looks at how many deliveries wait to be compacted."""
FIRST_ROUND, ROUND = 900.0, 86_400.0
"""Seconds from the start to the first compaction of all tables, and from one to the next: what
`citylib load` wrote is compacted as well, and files that were kept for readers go."""
LONGEST = 6 * 3600.0
"""Seconds after which a program is ended that does not end by itself."""


@dataclass(frozen=True)
class Chores:
    """Programs that are run besides, one of each kind at a time.

    Attributes
    ----------
    renew : sequence of str
        What brings figures and pages up to date after new records; none: nothing.
    every : float
        Seconds between two such runs at least. It is also never more than a tenth of the time.
    compact : sequence of str
        What compacts all tables or, with its name after it, that of a dataset; none: nothing.
    after : int
        Deliveries to a dataset after which its table is compacted.
    """

    renew: Sequence[str] = ()
    every: float = 60.0
    compact: Sequence[str] = ()
    after: int = 500


class Housekeeping:
    """Does the chores while polling goes on.

    Parameters
    ----------
    chores : Chores
        What there is to do.
    secret : collection of str
        Names of environment variables that the programs are not given.
    """

    def __init__(self, chores: Chores, secret: Collection[str] = ()) -> None:
        self._chores, self._secret = chores, frozenset(secret)
        self._delivered: Counter[str] = Counter()
        self._fresh = asyncio.Event()

    def delivered(self, report: LoadReport) -> None:
        """Take note of a delivery: whatever becomes of it, tables have more files or entries."""
        self._delivered[report.dataset] += 1
        if report.stored:
            self._fresh.set()

    async def renew(self) -> None:
        """Have figures made anew after new records."""
        loop = asyncio.get_running_loop()
        # Records may have come before the last stop that no figure shows yet.
        loop.call_later(self._chores.every, self._fresh.set)
        while self._chores.renew:
            await self._fresh.wait()
            self._fresh.clear()
            began = loop.time()
            well = await self.run(self._chores.renew)
            took = loop.time() - began
            if not well:
                self._fresh.set()
            await asyncio.sleep(max(self._chores.every, 10 * took))

    async def compact(self) -> None:
        """Have tables compacted: those with many deliveries soon, all of them once a day."""
        loop = asyncio.get_running_loop()
        due = loop.time() + FIRST_ROUND
        while self._chores.compact:
            await asyncio.sleep(LOOK_EVERY)
            if loop.time() >= due:
                due = loop.time() + ROUND
                self._delivered.clear()
                await self.run(self._chores.compact)
            for dataset, count in [*self._delivered.items()]:
                if count >= self._chores.after:
                    self._delivered[dataset] -= count
                    await self.run([*self._chores.compact, dataset])

    async def run(self, command: Sequence[str]) -> bool:
        """Run a program to its end, at low priority; whether it went well."""
        try:
            process = await asyncio.create_subprocess_exec(
                *("nice", "-n", "10", *command),
                env={name: text for name, text in os.environ.items() if name not in self._secret},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:  # no memory or no process for it just now
            log.error("%s: not started: %s", command[-1], error)
            return False
        said = b""
        try:
            async with asyncio.timeout(LONGEST):
                _, said = await process.communicate()
        except TimeoutError:
            log.error("%s: ended, because it ran for more than %g s", command[-1], LONGEST)
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.terminate()
                await process.wait()
        if process.returncode:
            last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
            log.error("%s: exit status %s: %s", command[-1], process.returncode, "".join(last))
        return process.returncode == 0
