"""A simulated camera: what it shows, how it behaves, who receives it."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from citylib.cameras.simulator.encode import CLOCK, Encoder, packets
from citylib.cameras.simulator.picture import Scene

Behaviour = Literal[
    "well", "dead", "hanging", "refusing", "missing", "silent", "late", "garbage", "resized",
    "restarting", "redirecting",
]  # fmt: skip
BEHAVIOURS: tuple[Behaviour, ...] = get_args(Behaviour)
Payloads = list[tuple[bytes, bool]]
Receiver = Callable[[Payloads, int], None]
LATE = 10
"""Seconds between two key frames of a camera that is late with them."""


@dataclass
class Mount:
    """A simulated camera.

    Attributes
    ----------
    names, place : list of str, str
        Written into its pictures.
    zone : str
        Time zone of its clock.
    size : tuple of int
        Width and height of its pictures.
    rate, every : int
        Pictures a second; pictures from one key frame to the next.
    key_at_once : bool
        Whether it sends a key frame to whoever connects.
    user, password : str
        What it asks for, if anything.
    digest : bool
        Whether it wants them digested (RFC 7616), or plain (Basic).
    does : str
        How it behaves: "well", or one of the faults of `BEHAVIOURS`.
    location : str
        Where it sends others when it is "redirecting".
    loop : list of list of bytes, optional
        NAL units of pictures that are sent over and over, instead of encoding them.
    opened, open : int
        Connections that asked for pictures, and those that are open.
    """

    names: list[str]
    place: str = ""
    zone: str = "UTC"
    size: tuple[int, int] = (640, 360)
    rate: int = 25
    every: int = 25
    key_at_once: bool = True
    user: str = ""
    password: str = ""
    digest: bool = True
    does: Behaviour = "well"
    location: str = ""
    loop: list[list[bytes]] | None = None
    opened: int = 0
    open: int = 0
    receivers: dict[str, set[Receiver]] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _wanted: bool = False

    def scene(self, size: tuple[int, int] | None = None) -> Scene:
        """What it sees, in its size or another."""
        seed = sum(map(ord, self.names[0]))
        return Scene(self.names, self.place, *(size or self.size), seed=seed)

    def now(self) -> datetime:
        """Its clock."""
        return datetime.now(ZoneInfo(self.zone))

    def attach(self, codec: str, receiver: Receiver, pool: ThreadPoolExecutor) -> None:
        """Send pictures to one more receiver; pictures are made while there is one."""
        self.receivers.setdefault(codec, set()).add(receiver)
        self._wanted = True
        if codec not in self._tasks:
            work = self._replay if self.loop else self._live
            self._tasks[codec] = asyncio.create_task(work(codec, pool))

    def detach(self, codec: str, receiver: Receiver) -> None:
        """Send no more."""
        left = self.receivers.get(codec, set())
        left.discard(receiver)
        if not left and codec in self._tasks:
            self._tasks.pop(codec).cancel()

    async def _live(self, codec: str, pool: ThreadPoolExecutor) -> None:
        began, number = time.monotonic(), 0
        state: tuple[bool, bool] | None = None
        loop = asyncio.get_running_loop()
        while True:
            wanted = (self.does == "late", self.does == "resized")
            if wanted != state:
                state = wanted
                width, height = (320, 192) if wanted[1] else self.size
                every = LATE * self.rate if wanted[0] else self.every
                scene = self.scene((width, height))
                encoder = Encoder(codec, width, height, self.rate, every)
                # One that is late with key frames has sent its last when somebody comes.
                skip = wanted[0]
            key = self._wanted and self.key_at_once and not wanted[0]
            self._wanted = False
            pts = number * CLOCK // self.rate

            made = await loop.run_in_executor(pool, self._make, scene, encoder, number, pts, key)
            if not skip:
                self._send(codec, made, pts)
            skip = False
            number += 1
            await asyncio.sleep(max(0.0, began + number / self.rate - time.monotonic()))

    def _make(self, scene: Scene, encoder: Encoder, number: int, pts: int, key: bool) -> Payloads:
        picture = scene.at(self.now(), number)
        return packets(encoder.encode(picture, pts, key), encoder.codec)

    async def _replay(self, codec: str, pool: ThreadPoolExecutor) -> None:
        assert self.loop is not None  # noqa: S101
        pictures = [packets(units, codec) for units in self.loop]
        # Cameras do not send in step.
        number = 0
        began = time.monotonic() + random.random() / self.rate  # noqa: S311
        while True:
            self._send(codec, pictures[number % len(pictures)], number * CLOCK // self.rate)
            number += 1
            await asyncio.sleep(max(0.0, began + number / self.rate - time.monotonic()))

    def _send(self, codec: str, payloads: Payloads, pts: int) -> None:
        if self.does == "garbage":
            payloads = [(os.urandom(len(one)), last) for one, last in payloads]
        if self.does != "silent":
            for receiver in [*self.receivers.get(codec, ())]:
                receiver(payloads, pts)
