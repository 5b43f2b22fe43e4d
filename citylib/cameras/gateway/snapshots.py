"""Pictures that somebody keeps: name and time written in, gone when the camera's rule says."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import av
from PIL import Image, ImageDraw

from citylib.cameras.gateway.pictures import Pictures
from citylib.cameras.lettering import font, writable
from citylib.cameras.registry.model import Camera

NAME = r"\d{8}T\d{9}Z\.jpg"
MOST = 10_000
"""Pictures that are kept at once, of all cameras."""
MOST_WAITING = 8
"""Pictures that are being made at once."""


class Full(Exception):
    """Too many pictures are kept, or being made."""


class Snapshots:
    """Pictures of cameras, in a folder for each; none is kept for longer than its camera's rule.

    Parameters
    ----------
    folder : Path
        Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._pictures = Pictures(folder)
        self._pool = ThreadPoolExecutor(1, "snapshot")
        self._waiting = 0
        self._kept = self._pictures.count()

    async def take(self, camera: Camera, lang: str, stream: bytes, now: datetime) -> str:
        """Keep the newest picture of a stream, and give its name.

        Parameters
        ----------
        camera : Camera
            Whose it is.
        lang : str
            Of the name that is written in.
        stream : bytes
            MP4 from a key frame on, or one JPEG.
        now : datetime
            What is written in, in the time zone that it has.

        Raises
        ------
        Full
            There are too many.
        ValueError, OSError, av.FFmpegError
            There is no picture in the stream.
        """
        if self._waiting >= MOST_WAITING or self._kept >= MOST:
            raise Full
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            made = await loop.run_in_executor(self._pool, _made, camera, lang, stream, now)
            name = f"{now.astimezone(UTC):%Y%m%dT%H%M%S%f}"[:-3] + "Z.jpg"
            assert re.fullmatch(NAME, name)  # noqa: S101
            await asyncio.to_thread(self._pictures.write, camera, name, made, now.timestamp())
        finally:
            self._waiting -= 1
        self._kept += 1
        return name

    def read(self, camera: Camera, name: str) -> bytes | None:
        """A picture that was kept, unless its time is over."""
        known = self._pictures.read(camera, name)
        return known[0] if known else None

    def clean(self, cameras: Iterable[Camera]) -> int:
        """Remove pictures that are older than their cameras' rules, and those of no camera."""
        removed, self._kept = self._pictures.clean(cameras)
        return removed

    def close(self) -> None:
        """Make no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _made(camera: Camera, lang: str, stream: bytes, now: datetime) -> bytes:
    image = Image.open(io.BytesIO(stream)) if stream[:2] == b"\xff\xd8" else _last(stream)
    image = image.convert("RGB")
    size = max(12, image.height // 24)
    name = writable([camera.name_in(lang), *camera.name.values()], size, camera.id)
    told = f"{name}   {now:%Y-%m-%d %H:%M:%S %Z}"
    if camera.source == "simulated":
        told += "   SIMULATED"
    # Below the picture, so that nothing of it is covered.
    whole = Image.new("RGB", (image.width, image.height + size * 2), "black")
    whole.paste(image)
    letters = font(size)[0]
    ImageDraw.Draw(whole).text((size // 2, image.height + size // 4), told, "white", letters)
    out = io.BytesIO()
    whole.save(out, "JPEG", quality=88)
    return out.getvalue()


def _last(stream: bytes) -> Image.Image:
    newest = None
    with av.open(io.BytesIO(stream), "r") as container:
        for frame in container.decode(video=0):
            newest = frame
    if newest is None:
        raise ValueError("no picture")
    image: Image.Image = newest.to_image()
    return image
