"""One who watches: a queue with a bound, so that who is slow holds up nobody."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]
MOST_BYTES, MOST_PICTURES = 2 * 2**20, 50
"""What waits for a viewer at most, two seconds of a camera mostly; then pictures are left out up to
the next key frame. Older ones would be jumped over by the player anyway."""
TOGETHER = 128 * 1024
"""Bytes that are sent as one message, about; a heartbeat waits behind it."""
STUCK = 20.0
"""Seconds after which a viewer that takes nothing is let go of."""


class Viewer:
    """Sends to one viewer what comes, in order; leaves out what the viewer is too slow for.

    Parameters
    ----------
    write : callable
        Sends text or bytes; done when the network has taken them.
    lost : callable
        Called once when the viewer takes nothing any more.
    worded : callable, optional
        Puts a message into the viewer's words.
    """

    def __init__(
        self,
        write: Callable[[str | bytes], Awaitable[None]],
        lost: Callable[[], None],
        worded: Callable[[Message], Message] = lambda message: message,
    ) -> None:
        self._write, self._lost, self._worded = write, lost, worded
        self._queue: deque[str | bytes] = deque()
        self._bytes = self._pictures = 0
        self._skipping = self._whole = False
        self._ready = asyncio.Event()
        self.left_out = 0
        self._task = asyncio.create_task(self._send())

    def tell(self, message: dict[str, Any]) -> None:
        """Send a message."""
        self._queue.append(json.dumps(self._worded(message), ensure_ascii=False))
        self._ready.set()

    def begin(self, message: dict[str, Any], pictures: list[bytes], whole: bool) -> None:
        """Begin a stream anew: what it is, and pictures from a key frame on.

        `whole`: each picture stands for itself and takes the place of those that wait.
        """
        self._drop()
        self._whole = whole
        self._skipping = not pictures
        self.tell(message)
        for picture in pictures:
            self._put(picture)

    def push(self, picture: bytes, key: bool) -> None:
        """Send a picture; `key`: one that needs none before it."""
        if self._skipping:
            if not key:
                self.left_out += 1
                return
            self._skipping = False
        if self._whole:
            self._drop()
        waits = self._bytes + len(picture) > MOST_BYTES or self._pictures >= MOST_PICTURES
        if waits and self._pictures:
            self._drop()
            self.tell({"type": "skipped"})
            if not key:
                self._skipping = True
                self.left_out += 1
                return
        self._put(picture)

    def close(self) -> None:
        """Send no more."""
        self._task.cancel()

    def _put(self, picture: bytes) -> None:
        self._queue.append(picture)
        self._bytes += len(picture)
        self._pictures += 1
        self._ready.set()

    def _drop(self) -> None:
        """Leave out all pictures that wait; messages stay."""
        self.left_out += self._pictures
        self._queue = deque(one for one in self._queue if isinstance(one, str))
        self._bytes = self._pictures = 0

    async def _send(self) -> None:
        try:
            while True:
                await self._ready.wait()
                self._ready.clear()
                while self._queue:
                    async with asyncio.timeout(STUCK):
                        await self._write(self._next())
        except (OSError, TimeoutError):
            self._lost()

    def _next(self) -> str | bytes:
        """The next message, or pictures before it as one."""
        if isinstance(self._queue[0], str):
            return self._queue.popleft()
        parts: list[bytes] = []
        size = 0
        while self._queue and size < TOGETHER and not (self._whole and parts):
            part = self._queue[0]
            if isinstance(part, str):
                break
            parts.append(part)
            size += len(part)
            self._queue.popleft()
        self._bytes -= size
        self._pictures -= len(parts)
        return parts[0] if len(parts) == 1 else b"".join(parts)
