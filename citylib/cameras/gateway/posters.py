"""Poster pictures: the newest key frame of a camera, small, to be shown until video comes."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
from PIL import Image

from citylib.cameras.gateway.h264 import Format
from citylib.cameras.gateway.pictures import Pictures
from citylib.cameras.registry.model import Camera

WIDTH = 480
FRESH = 5.0
"""Seconds for which a poster stands before a newer one is made."""
NAME = "poster.jpg"


class Posters:
    """The posters of all cameras, in a folder; none is kept for longer than its camera's rule.

    Parameters
    ----------
    folder : Path
        Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._pictures = Pictures(folder)
        self._pool = ThreadPoolExecutor(1, "poster")
        self._busy: set[str] = set()
        self._tasks: set[asyncio.Future[None]] = set()

    def keep(self, camera: Camera, picture: tuple[Format | None, bytes, float] | None) -> None:
        """Make a poster of a picture, in a thread."""
        if picture is None or camera.id in self._busy or len(self._busy) > 200:
            return
        self._busy.add(camera.id)
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._pool, self._make, camera, *picture)
        self._tasks.add(future)
        future.add_done_callback(lambda _: self._done(camera.id, future))

    def _done(self, name: str, future: asyncio.Future[None]) -> None:
        self._busy.discard(name)
        self._tasks.discard(future)
        if not future.cancelled():
            future.exception()  # a picture that cannot be decoded leaves the poster before it

    async def newest(
        self, camera: Camera, picture: tuple[Format | None, bytes, float] | None
    ) -> tuple[bytes, float] | None:
        """The newest poster of a camera and its time (seconds since 1970); None if there is none.

        `picture` is the newest key frame, if the camera is being watched.
        """
        known = await asyncio.to_thread(self._pictures.read, camera, NAME)
        if picture and (known is None or picture[2] - known[1] > FRESH):
            loop = asyncio.get_running_loop()
            try:
                await loop.run_in_executor(self._pool, self._make, camera, *picture)
            except (OSError, ValueError, av.FFmpegError):
                return known
            known = await asyncio.to_thread(self._pictures.read, camera, NAME)
        return known

    def clean(self, cameras: Iterable[Camera]) -> int:
        """Remove posters that are older than their cameras' rules, and those of no camera."""
        return self._pictures.clean(cameras)[0]

    def close(self) -> None:
        """Make no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _make(self, camera: Camera, form: Format | None, data: bytes, taken: float) -> None:
        image = _decoded(form, data) if form else Image.open(io.BytesIO(data))
        image.thumbnail((WIDTH, WIDTH))
        out = io.BytesIO()
        image.convert("RGB").save(out, "JPEG", quality=70)
        self._pictures.write(camera, NAME, out.getvalue(), taken)


def _decoded(form: Format, data: bytes) -> Image.Image:
    decoder: Any = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    units, place = [form.sps, form.pps], 0
    while place + 4 < len(data):
        size = int.from_bytes(data[place : place + 4])
        units.append(data[place + 4 : place + 4 + size])
        place += 4 + size
    packet = av.Packet(b"".join(b"\0\0\0\1" + unit for unit in units))
    for frame in [*decoder.decode(packet), *decoder.decode(None)]:
        image: Image.Image = frame.to_image()
        return image
    raise ValueError("no picture")
