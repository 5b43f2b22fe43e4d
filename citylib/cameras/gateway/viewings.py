"""The audit of viewing: who, which camera, when, for how long."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from pathlib import Path
from threading import Lock
from typing import Any

from citylib.city.errors import CityError
from citylib.city.secrets import keep_from_others, write_private
from citylib.operations.store import Store

log = logging.getLogger(__name__)

OPENED, CLOSED, KEPT = "opened camera", "closed camera", "kept picture of camera"
MOST_WAITING = 2000
"""Entries that wait for the operations store; with more, nobody may open another camera."""
NOTE_EVERY = 5.0
"""Seconds between two notes of who watches, for when the gateway is killed."""
AGAIN = 2.0
"""Seconds after which the operations store is tried again."""


class Viewings:
    """Writes each viewing into the audit log: when it begins, and when it ends with its seconds.

    The store may be away for a while: entries wait. What a gateway that was killed could not close
    is closed by the next, with the seconds that are known.

    Parameters
    ----------
    store : Store
        The operations store.
    note : Path
        File of this gateway's open viewings.
    """

    def __init__(self, store: Store, note: Path) -> None:
        self._store, self._file = store, note
        self._open: dict[int, tuple[str, str, float]] = {}
        self._waiting: deque[tuple[str, str, str, dict[str, Any]]] = deque()
        self._ready = asyncio.Event()
        self._writing = Lock()
        self._number = 0
        self._changed = False

    @property
    def full(self) -> bool:
        """Whether no more can be remembered, so that nobody may open a camera."""
        return len(self._waiting) >= MOST_WAITING

    def opened(self, who: str, camera: str) -> int:
        """Somebody watches a camera; gives the number of the viewing."""
        self._number += 1
        self._open[self._number] = who, camera, time.time()
        self._put(who, OPENED, camera, {})
        return self._number

    def closed(self, number: int, why: str) -> None:
        """The viewing is over."""
        who, camera, began = self._open.pop(number)
        self._put(who, CLOSED, camera, {"seconds": round(time.time() - began, 1), "why": why})

    def kept(self, who: str, camera: str, picture: str) -> None:
        """Somebody kept a picture of a camera."""
        self._put(who, KEPT, camera, {"picture": picture})

    def _put(self, who: str, action: str, camera: str, detail: dict[str, Any]) -> None:
        self._waiting.append((who, action, camera, detail))
        self._changed = True
        self._ready.set()

    async def run(self) -> None:
        """Write what comes, until cancelled."""
        await asyncio.to_thread(self._close_left)
        noting = asyncio.create_task(self._note_often())
        try:
            while True:
                await self._ready.wait()
                self._ready.clear()
                await self._write()
        finally:
            noting.cancel()

    async def finish(self) -> None:
        """Close what is open and write all that waits, at the end."""
        for number in [*self._open]:
            self.closed(number, "the gateway stopped")
        try:
            await asyncio.to_thread(self._write_all)
            self._file.unlink(missing_ok=True)
        except (CityError, OSError) as error:
            log.error("%d entries of the audit log are lost: %s", len(self._waiting), error)

    async def _write(self) -> None:
        told = False
        while self._waiting:
            try:
                await asyncio.to_thread(self._write_all)
            except Exception as error:  # the store is away; cameras go on
                if not told:
                    log.error("the audit log cannot be written: %s", error)
                told = True
                await asyncio.sleep(AGAIN)

    def _write_all(self) -> None:
        # At the end there may be another thread that writes still.
        with self._writing:
            while self._waiting:
                self._store.audit.append(*self._waiting[0])
                self._waiting.popleft()

    async def _note_often(self) -> None:
        while True:
            await asyncio.sleep(NOTE_EVERY)
            if self._open or self._changed:
                self._changed = False
                text = json.dumps({"now": time.time(), "open": [*self._open.values()]})
                try:
                    await asyncio.to_thread(self._note, text)
                except OSError as error:
                    log.error("open viewings are not noted: %s", error.strerror)

    def _note(self, text: str) -> None:
        keep_from_others(self._file.parent)
        write_private(self._file, text.encode())

    def _close_left(self) -> None:
        try:
            left = json.loads(self._file.read_text("utf-8"))
            for who, camera, began in left["open"]:
                seconds = round(max(0.0, left["now"] - began), 1)
                detail = {"seconds": seconds, "why": "the gateway was killed"}
                self._put(str(who), CLOSED, str(camera), detail)
            self._file.unlink()
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError):
            log.error("open viewings of a gateway that was killed cannot be read")
