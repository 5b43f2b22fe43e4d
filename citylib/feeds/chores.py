"""Programs that the feeds' service runs besides: figures made anew, tables compacted."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from citylib.lake.delivery import LoadReport

log = logging.getLogger(__name__)

DONE, SAME = "done", "same"
"""What the program of the figures answers."""
SAVED, EACH = 60, 2.0
"""Rounds of figures that may follow each other at once after a rest, and seconds for which one
more is saved: records that come now and then are shown at once, a flow of them every so often."""
FAILED = 60.0
"""Seconds after which figures that failed are tried again, and a program that ended is started."""
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
    figures : sequence of str
        What brings figures up to date; none: nothing. It stays: a line tells it that there are new
        records, and it answers with `DONE` once figures show them, with `SAME` when they did
        already, with anything else when it failed.
    pages : sequence of str
        What makes pages of new figures, and ends; none: nothing.
    every : float
        Seconds between two runs of it at least. It is also never more than a tenth of the time.
    compact : sequence of str
        What compacts all tables or, with its name after it, that of a dataset; none: nothing.
    after : int
        Deliveries to a dataset after which its table is compacted.
    """

    figures: Sequence[str] = ()
    pages: Sequence[str] = ()
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
        self._fresh, self._new = asyncio.Event(), asyncio.Event()

    def delivered(self, report: LoadReport) -> None:
        """Take note of a delivery: whatever becomes of it, tables have more files or entries."""
        self._delivered[report.dataset] += 1
        if report.stored:
            self._fresh.set()

    async def figures(self) -> None:
        """Have figures follow the records, without a pause between the two."""
        # Records may have come before the last stop that no figure shows yet.
        self._fresh.set()
        while self._chores.figures:
            try:
                pipe = asyncio.subprocess.PIPE
                async with self._started(self._chores.figures, pipe, pipe) as program:
                    await self._feed(program)
            except OSError as error:
                told = str(error) or "does not answer"
                log.error("%s: %s", self._chores.figures[-1], told)
            self._fresh.set()
            await asyncio.sleep(FAILED)

    async def _feed(self, program: asyncio.subprocess.Process) -> None:
        """Tell the program of new records as long as it lives."""
        send, answers = program.stdin, program.stdout
        if send is None or answers is None:
            return
        loop, saved = asyncio.get_running_loop(), float(SAVED)
        ended = loop.time()
        while program.returncode is None:
            await self._fresh.wait()
            saved = min(SAVED, saved + (loop.time() - ended) / EACH)
            if saved < 1:
                await asyncio.sleep((1 - saved) * EACH)
                saved = 1.0
            self._fresh.clear()
            began = loop.time()
            send.write(b"\n")
            async with asyncio.timeout(LONGEST):
                answer = (await answers.readline()).decode("utf-8", "replace").strip()
            ended = loop.time()
            # What takes long is saved for as well: it has a third of the time at most.
            saved -= max(1.0, 2 * (ended - began) / EACH)
            if answer == DONE:
                self._new.set()
            elif not answer:
                raise OSError(f"ended by itself, exit status {await program.wait()}")
            elif answer != SAME:
                log.error("%s: %s", self._chores.figures[-1], answer)
                loop.call_later(FAILED, self._fresh.set)

    async def pages(self) -> None:
        """Have pages made anew after new figures."""
        loop = asyncio.get_running_loop()
        loop.call_later(self._chores.every, self._new.set)
        while self._chores.pages:
            await self._new.wait()
            self._new.clear()
            began = loop.time()
            well = await self.run(self._chores.pages)
            took = loop.time() - began
            if not well:
                self._new.set()
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
        said = b""
        try:
            pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
            async with self._started(command, nothing, nothing, pipe) as process:
                async with asyncio.timeout(LONGEST):
                    _, said = await process.communicate()
        except TimeoutError:
            log.error("%s: ended, because it ran for more than %g s", command[-1], LONGEST)
            return False
        except OSError as error:  # no memory or no process for it just now
            log.error("%s: not started: %s", command[-1], error)
            return False
        if process.returncode:
            last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
            log.error("%s: exit status %s: %s", command[-1], process.returncode, "".join(last))
        return process.returncode == 0

    @asynccontextmanager
    async def _started(
        self, command: Sequence[str], stdin: int, stdout: int, stderr: int | None = None
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """Start a program at low priority, without the feeds' keys; it ends with the block."""
        process = await asyncio.create_subprocess_exec(
            *("nice", "-n", "10", *command),
            env={name: text for name, text in os.environ.items() if name not in self._secret},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.terminate()
            await process.communicate()
