"""Pictures to H.264 or H.265, as a camera does it, and to RTP packets."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import av
from av.video.frame import PictureType

from citylib.cameras.simulator.picture import Pixels

CLOCK = 90_000
LARGEST = 1400
"""Bytes of a packet."""
CODECS = {"h264": "libx264", "h265": "libx265"}


class Encoder:
    """Encodes one picture after the other without delay.

    Parameters
    ----------
    codec : str
        "h264" or "h265".
    width, height, rate : int
        Of the pictures; `rate` a second.
    every : int
        Pictures from one key frame to the next.
    """

    def __init__(
        self, codec: str, width: int, height: int, rate: int, every: int, bits: int = 800_000
    ) -> None:
        self.codec = codec
        context: Any = av.CodecContext.create(CODECS[codec], "w")
        context.width, context.height = width, height
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1, CLOCK)
        context.framerate = Fraction(rate)
        context.gop_size = every
        context.bit_rate = bits
        context.thread_count = 1
        options = {"preset": "ultrafast", "tune": "zerolatency"}
        if codec == "h264":
            options |= {"profile": "baseline", "x264-params": f"keyint={every}:scenecut=0"}
        else:
            options["x265-params"] = f"keyint={every}:log-level=none:pools=1:frame-threads=1"
        context.options = options
        self._context = context

    def encode(self, picture: Pixels, pts: int, key: bool = False) -> list[bytes]:
        """NAL units of a picture; `pts` in ticks of 1/90000 s; `key`: as a key frame."""
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts, frame.time_base = pts, Fraction(1, CLOCK)
        if key:
            frame.pict_type = PictureType.I
        return [unit for p in self._context.encode(frame) for unit in split(bytes(p))]


def split(data: bytes) -> Iterator[bytes]:
    """NAL units of a byte stream with start codes."""
    place = data.find(b"\0\0\1")
    while place >= 0:
        following = data.find(b"\0\0\1", place + 3)
        unit = data[place + 3 : following if following >= 0 else len(data)]
        yield unit.rstrip(b"\0") if following >= 0 else unit
        place = following


def packets(units: list[bytes], codec: str) -> list[tuple[bytes, bool]]:
    """RTP payloads of a picture, each with whether it is the picture's last (RFC 6184, 7798)."""
    made = []
    for unit in units:
        if len(unit) <= LARGEST:
            made.append(unit)
        elif codec == "h264":
            made += _fragments(unit, 1, lambda u, edge: bytes([u[0] & 0xE0 | 28, u[0] & 31 | edge]))
        else:
            made += _fragments(
                unit,
                2,
                lambda u, edge: bytes([u[0] & 0x81 | 49 << 1, u[1], u[0] >> 1 & 63 | edge]),
            )
    return [(payload, number == len(made) - 1) for number, payload in enumerate(made)]


def _fragments(unit: bytes, header: int, head: Callable[[bytes, int], bytes]) -> Iterator[bytes]:
    body = unit[header:]
    for at in range(0, len(body), LARGEST):
        edge = (0x80 if at == 0 else 0) | (0x40 if at + LARGEST >= len(body) else 0)
        yield head(unit, edge) + body[at : at + LARGEST]


class Rtp:
    """Numbers RTP packets of one receiver, in the frames of RTSP's TCP connection."""

    def __init__(self, channel: int = 0, ssrc: int = 1) -> None:
        self.channel, self.ssrc, self.sequence = channel, ssrc, 0

    def wrap(self, payloads: list[tuple[bytes, bool]], time: int) -> bytes:
        """Bytes to send; `time` in ticks of 1/90000 s."""
        out = []
        for payload, last in payloads:
            self.sequence = self.sequence + 1 & 0xFFFF
            head = struct.pack(
                "!BBHBBHII",
                *(0x24, self.channel, len(payload) + 12, 0x80, 96 | (0x80 if last else 0)),
                *(self.sequence, time & 0xFFFFFFFF, self.ssrc),
            )
            out += [head, payload]
        return b"".join(out)
