"""Video that browsers cannot show (H.265), converted to H.264; a few cameras at once."""

from __future__ import annotations

import asyncio
import queue
import threading
from fractions import Fraction
from typing import Any

import av

from citylib.cameras.gateway.faults import Fault
from citylib.cameras.gateway.fmp4 import CLOCK
from citylib.cameras.gateway.sdp import Track
from citylib.cameras.gateway.sink import Picture

LARGEST_SIDE = 1280
"""Pixels of the longer side of what is made; larger pictures are made smaller."""
WAITING = 50
"""Pictures that wait to be converted; then some are left out up to the next key frame."""
EVERY = 50
"""Pictures from one key frame to the next."""


class Transcoders:
    """The places for converting; each is a thread while it is taken, which needs no lock of
    Python's for most of its work.

    Parameters
    ----------
    most : int
        How many there are.
    """

    def __init__(self, most: int) -> None:
        self.most, self.taken = most, 0

    def take(self, track: Track, picture: Picture) -> Transcoder:
        """Take a place; its `close` gives it back.

        Raises
        ------
        Fault
            "busy": all are taken.
        """
        if self.taken >= self.most:
            raise Fault("busy", f"{self.most} cameras are being converted already")
        self.taken += 1
        return Transcoder(self, track, picture)


class Transcoder:
    """Converts one camera's pictures: NAL units in, NAL units out."""

    def __init__(self, places: Transcoders, track: Track, picture: Picture) -> None:
        self._places, self._picture = places, picture
        self._loop = asyncio.get_running_loop()
        self._queue: queue.Queue[tuple[bytes, int] | None] = queue.Queue()
        self._skipping = True
        self._open = True
        self._sets = b"".join(b"\0\0\0\1" + unit for unit in track.sets)
        threading.Thread(target=self._work, name="transcode", daemon=True).start()

    def take(self, units: list[bytes], time: int, whole: bool) -> None:
        """Take a picture."""
        key = any(16 <= (unit[0] >> 1 & 63) < 24 for unit in units)
        if not whole or self._queue.qsize() > WAITING:
            self._skipping = True
        if self._skipping:
            if not key:
                return
            self._skipping = False
        data = b"".join(b"\0\0\0\1" + unit for unit in units)
        self._queue.put((self._sets + data if key else data, time))

    def close(self) -> None:
        """Give the place back."""
        if self._open:
            self._open = False
            self._places.taken -= 1
            self._queue.put(None)

    def _work(self) -> None:
        decoder: Any = av.CodecContext.create("hevc", "r")
        decoder.thread_count = 1
        encoder: Any = None
        while (item := self._queue.get()) is not None and self._open:
            data, time = item
            try:
                packet = av.Packet(data)
                packet.pts = packet.dts = time
                for frame in decoder.decode(packet):
                    if encoder is None or (frame.width, frame.height) != encoder[1]:
                        encoder = _encoder(frame)
                    small = frame.reformat(*encoder[2], format="yuv420p")
                    small.pts, small.time_base = frame.pts, Fraction(1, CLOCK)
                    small.pict_type = 0
                    for made in encoder[0].encode(small):
                        self._give(bytes(made), int(made.pts or 0))
            except av.FFmpegError:
                continue  # a picture that was damaged; the next key frame mends it

    def _give(self, data: bytes, time: int) -> None:
        units = [unit for unit in data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]
        self._loop.call_soon_threadsafe(self._pass_on, units, time)

    def _pass_on(self, units: list[bytes], time: int) -> None:
        if self._open:
            self._picture(units, time, True)


def _encoder(frame: Any) -> tuple[Any, tuple[int, int], tuple[int, int]]:
    scale = min(1.0, LARGEST_SIDE / max(frame.width, frame.height))
    size = (int(frame.width * scale) // 2 * 2, int(frame.height * scale) // 2 * 2)
    context: Any = av.CodecContext.create("libx264", "w")
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    context.time_base = Fraction(1, CLOCK)
    context.gop_size = EVERY
    context.thread_count = 1
    context.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
    return context, (frame.width, frame.height), size
