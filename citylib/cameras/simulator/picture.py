"""The pictures of a simulated camera: name, place, running clock, and that it is simulated."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from citylib.cameras.lettering import font, writable

Pixels = NDArray[np.uint8]

SKY, ROAD, TEXT = 150, 70, 235
BITS = 32


class Scene:
    """What a simulated camera sees, one picture after the other.

    Pictures are planes as video has them (YUV 4:2:0): rows of brightness, below them the colours.

    Parameters
    ----------
    names : sequence of str
        What the camera is called; the first that can be written is.
    place : str
        Where it stands.
    width, height : int
        In pixels; multiples of 16 and of 2.
    seed : int
        Cameras with other seeds look different.

    Examples
    --------
    >>> Scene(["Gate"], "1 E 2 N", 640, 360).at(datetime.now(), 0).shape
    (540, 640)
    """

    def __init__(
        self, names: list[str], place: str, width: int = 640, height: int = 360, seed: int = 0
    ) -> None:
        self.width, self.height, self.seed = width, height, seed
        self._size = max(12, height // 15)
        self._still = self._background(names, place)
        self._told = ""
        self._frame = self._still.copy()

    def at(self, now: datetime, number: int) -> Pixels:
        """The picture of a moment.

        At the bottom are 32 squares, black for 0 and white for 1, from the highest: milliseconds
        of the day, so that a program can read from a picture how old it is.
        """
        h, w = self.height, self.width
        told = f"{now:%Y-%m-%d %H:%M:%S}"
        if told != self._told:
            self._told = told
            top = h - 3 * self._size
            self._still[top : top + self._size * 3 // 2, : w * 2 // 3] = _written(
                told, w * 2 // 3, self._size * 3 // 2, self._size, ROAD
            )
        frame = self._frame
        frame[:h] = self._still[:h]
        # Two vehicles, one each way.
        lane = h * 11 // 20
        for step, row, shade in ((3, lane, 200), (-2, lane + h // 12, 30)):
            x = (number * step + self.seed * 37) % (w - w // 10)
            frame[row : row + h // 20, x : x + w // 10] = shade
        side = max(4, w // (2 * BITS))
        ms = ((now.hour * 60 + now.minute) * 60 + now.second) * 1000 + now.microsecond // 1000
        bits = np.array([(ms >> (BITS - 1 - n)) & 1 for n in range(BITS)], np.uint8)
        frame[h - side : h, : side * BITS] = np.repeat(np.where(bits, 235, 16), side)
        return frame

    def _background(self, names: list[str], place: str) -> Pixels:
        h, w = self.height, self.width
        frame = np.full((h * 3 // 2, w), 128, np.uint8)
        frame[: h // 2] = np.linspace(SKY + 40, SKY, h // 2, dtype=np.uint8)[:, None]
        frame[h // 2 : h] = ROAD
        random = np.random.default_rng(self.seed)
        x = 0
        while x < w:  # houses
            wide, high = (
                int(random.integers(w // 16, w // 7)),
                int(random.integers(h // 10, h // 3)),
            )
            frame[h // 2 - high : h // 2, x : x + wide] = int(random.integers(80, 140))
            x += wide + int(random.integers(2, w // 20))
        # A tint of its own, so that tiles of a wall are told apart.
        frame[h : h * 5 // 4] = 118 + int(random.integers(0, 20))
        frame[h * 5 // 4 :] = 118 + int(random.integers(0, 20))
        size = self._size
        name = writable(names, size, "camera")
        for text, top, shade in ((name, 0, SKY - 60), (place, size * 3 // 2, SKY - 60)):
            frame[top : top + size * 3 // 2] = _written(text, w, size * 3 // 2, size, shade)
        badge = _written("SIMULATED", size * 7, size * 3 // 2, size, 16)
        frame[h - 3 * size : h - 3 * size + badge.shape[0], w - badge.shape[1] :] = badge
        return frame


def jpeg_of(frame: Pixels, quality: int = 70) -> bytes:
    """A picture as JPEG, in grey."""
    import io

    height = frame.shape[0] * 2 // 3
    out = io.BytesIO()
    Image.fromarray(frame[:height]).save(out, "JPEG", quality=quality)
    return out.getvalue()


def _written(text: str, width: int, height: int, size: int, shade: int) -> Pixels:
    image = Image.new("L", (width, height), shade)
    ImageDraw.Draw(image).text((size // 3, size // 8), text, fill=TEXT, font=font(size)[0])
    return np.asarray(image)
