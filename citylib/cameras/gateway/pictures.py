"""Pictures of cameras in a folder; none is kept for longer than its camera's rule."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from citylib.cameras.registry.model import Camera
from citylib.city.secrets import keep_from_others, write_private


class Pictures:
    """JPEG files, each in the folder of its camera. Several gateways may share them.

    Parameters
    ----------
    folder : Path
        Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, camera: Camera, name: str) -> tuple[bytes, float] | None:
        """A picture and its time (seconds since 1970); None if there is none, or its time is over.

        A picture whose time is over is removed.
        """
        path = self._folder / camera.id / name
        try:
            taken = path.stat().st_mtime
            if time.time() - taken > camera.retention_hours * 3600:
                path.unlink(missing_ok=True)
                return None
            return path.read_bytes(), taken
        except FileNotFoundError:
            return None

    def write(self, camera: Camera, name: str, data: bytes, taken: float) -> None:
        """Keep a picture that was taken at `taken`, seconds since 1970."""
        folder = self._folder / camera.id
        for closed in (self._folder, folder):
            keep_from_others(closed)
        write_private(folder / name, data)
        os.utime(folder / name, (taken, taken))

    def clean(self, cameras: Iterable[Camera]) -> tuple[int, int]:
        """Remove what is older than its camera's rule, or of no camera; how many went, and stay."""
        rules = {camera.id: camera.retention_hours for camera in cameras}
        removed = left = 0
        for path in self._folder.glob("**/*.jpg"):
            hours = rules.get(path.relative_to(self._folder).parts[0], 0.0)
            # Another gateway, or who asked for it, may have removed it by now.
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > hours * 3600:
                    path.unlink()
                    removed += 1
                else:
                    left += 1
        return removed, left

    def count(self) -> int:
        """How many there are."""
        return sum(1 for _ in self._folder.glob("**/*.jpg"))
