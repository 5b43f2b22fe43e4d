"""Pictures that somebody keeps: name and time written in, gone when the camera's rule says."""

from __future__ import annotations

import asyncio
import io
import re
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import av
from PIL import Image, ImageDraw

from citylib.cameras.lettering import font, writable
from citylib.cameras.registry.model import Camera
from citylib.city.secrets import keep_from_others, write_private

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
        self._folder = folder
        self._pool = ThreadPoolExecutor(1, "snapshot")
        self._waiting = 0
        self._kept = sum(1 for _ in folder.glob("*/*.jpg"))

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
            await asyncio.to_thread(self._write, camera, name, made)
        finally:
            self._waiting -= 1
        self._kept += 1
        return name

    def read(self, camera: Camera, name: str) -> bytes | None:
        """A picture that was kept, unless its time is over."""
        path = self._folder / camera.id / name
        try:
            if time.time() - path.stat().st_mtime > camera.retention_hours * 3600:
                path.unlink(missing_ok=True)
                return None
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def clean(self, cameras: Iterable[Camera]) -> int:
        """Remove pictures that are older than their cameras' rules, and those of no camera."""
        rules = {camera.id: camera.retention_hours for camera in cameras}
        removed = left = 0
        for path in self._folder.glob("*/*.jpg"):
            hours = rules.get(path.parent.name, 0.0)
            # Somebody who asked for it may have removed it by now.
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > hours * 3600:
                    path.unlink()
                    removed += 1
                else:
                    left += 1
        self._kept = left
        return removed

    def close(self) -> None:
        """Make no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _write(self, camera: Camera, name: str, data: bytes) -> None:
        assert re.fullmatch(NAME, name)  # noqa: S101
        keep_from_others(self._folder)
        folder = self._folder / camera.id
        keep_from_others(folder)
        write_private(folder / name, data)


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
