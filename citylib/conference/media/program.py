"""A program of the system, kept running beside the service."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from citylib.city.errors import CityError
from citylib.city.processes import end_with_parent

log = logging.getLogger(__name__)

PATIENCE = 3.0
"""Seconds that it has to stop by itself."""
LONG_ENOUGH = 30.0
"""Seconds after which a program that dies is started again at once."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0


class Program:
    """A command that is started again whenever it ends, until told to stop.

    Parameters
    ----------
    name : str
        For the log.
    command : list of str
        The program and its arguments; no shell.
    output : Path
        File that its output is added to, for its owner alone.
    """

    def __init__(self, name: str, command: list[str], output: Path) -> None:
        self._name, self._command, self._output = name, command, output
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process and running else None

    async def keep(
        self,
        stop: asyncio.Event,
        prepare: Callable[[], None] = lambda: None,
        meanwhile: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Run it until told to stop; started again after 0.2 s, then ever later up to 10 s.

        Parameters
        ----------
        stop : asyncio.Event
            Told to stop.
        prepare : callable
            Called before each start.
        meanwhile : callable, optional
            Awaited while it runs, cancelled when it ends; when this ends, the program is ended too.
        """
        pause = FIRST_PAUSE
        told = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                begun = time.monotonic()
                await self._run_once(told, prepare, meanwhile)
                if time.monotonic() - begun > LONG_ENOUGH:
                    pause = FIRST_PAUSE
                await asyncio.wait({told}, timeout=pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            told.cancel()

    async def _run_once(
        self,
        told: asyncio.Task[bool],
        prepare: Callable[[], None],
        meanwhile: Callable[[], Awaitable[None]] | None,
    ) -> None:
        works: set[asyncio.Future[Any]] = set()
        try:
            prepare()
            process = await self._start()
            works.add(asyncio.ensure_future(process.wait()))
            if meanwhile:
                works.add(asyncio.ensure_future(meanwhile()))
            await asyncio.wait({told, *works}, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, CityError) as error:
            log.error("%s cannot be started: %s", self._name, error)
        finally:
            await self._end()
            for work in works:
                work.cancel()
            for fault in await asyncio.gather(*works, return_exceptions=True):
                if isinstance(fault, Exception):
                    log.error("beside %s: %r", self._name, fault)

    async def _start(self) -> Process:
        self._output.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env={"PATH": os.defpath, "LANG": "C.UTF-8"},
                # A Ctrl-C in the terminal is for this process, which then stops the other.
                start_new_session=True,
                preexec_fn=_after_fork,
            )
        finally:
            os.close(descriptor)
        return self._process

    async def _end(self) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), PATIENCE)
            except TimeoutError:
                process.kill()
                await process.wait()
        else:
            log.warning("%s ended with %s", self._name, process.returncode)


def _after_fork() -> None:
    # What it had in its memory when it died, secrets included, is not to lie about.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    end_with_parent()
