"""Pictures into fragmented MP4 (ISO/IEC 14496-12), one fragment a picture, for browsers.

Nothing is decoded: a picture's bytes are taken as the camera sent them.
"""

from __future__ import annotations

import struct

from citylib.cameras.gateway.h264 import Format

CLOCK = 90_000
"""Ticks a second, of all times here."""
USUAL = CLOCK // 25
LONGEST = CLOCK
"""Ticks of a picture whose follower is not known yet, usually and at most."""
KEY, OTHER = 0x02000000, 0x01010000
_HEAD = struct.Struct(">I4sI4sIII4sI4sII I4sIQ I4sIIIIIIi I4s")
_MOOF = _HEAD.size - 8


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), *parts)


_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def beginning(form: Format) -> bytes:
    """What a browser needs before the first fragment."""
    size = struct.pack(">HH", form.width, form.height)
    avcc = _box(
        b"avcC",
        b"\1" + form.sps[1:4] + b"\xff\xe1",
        struct.pack(">H", len(form.sps)) + form.sps,
        b"\1" + struct.pack(">H", len(form.pps)) + form.pps,
    )
    entry = _box(
        b"avc1",
        struct.pack(">6xH16x", 1) + size,
        struct.pack(">IIIH32xHh", 0x480000, 0x480000, 0, 1, 24, -1),
        avcc,
    )
    table = _box(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1), entry),
        *(_full(kind, bytes(4)) for kind in (b"stts", b"stsc", b"stco")),
        _full(b"stsz", bytes(8)),
    )
    media = _box(
        b"minf",
        _full(b"vmhd", bytes(8), flags=1),
        _box(b"dinf", _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1))),
        table,
    )
    track = _box(
        b"trak",
        _full(
            b"tkhd",
            struct.pack(">III4xI8xHHHH", 0, 0, 1, 0, 0, 0, 0, 0) + _MATRIX,
            struct.pack(">II", form.width << 16, form.height << 16),
            flags=3,
        ),
        _box(
            b"mdia",
            _full(b"mdhd", struct.pack(">IIIIHH", 0, 0, CLOCK, 0, 0x55C4, 0)),
            _full(b"hdlr", struct.pack(">I4s12x", 0, b"vide") + b"\0"),
            media,
        ),
    )
    header = struct.pack(">IIIIIH10x", 0, 0, 1000, 0, 0x10000, 0x100) + _MATRIX + bytes(24)
    return _box(b"ftyp", b"iso5\0\0\2\0iso5iso6mp41") + _box(
        b"moov",
        _full(b"mvhd", header, struct.pack(">I", 2)),
        track,
        _box(b"mvex", _full(b"trex", struct.pack(">5I", 1, 1, 0, 0, 0))),
    )


def fragment(number: int, time: int, length: int, key: bool, shift: int, data: bytes) -> bytes:
    """A picture as a fragment.

    Parameters
    ----------
    number : int
        Of the fragment, rising.
    time, length : int
        When it is decoded, and for how long it stands, in ticks.
    key : bool
        Whether a decoder can begin with it.
    shift : int
        Ticks from decoding to showing.
    data : bytes
        NAL units, each after its length in four bytes.
    """
    head = _HEAD.pack(
        *(_MOOF, b"moof", 16, b"mfhd", 0, number & 0xFFFFFFFF),
        *(_MOOF - 24, b"traf", 16, b"tfhd", 0x020000, 1),
        *(20, b"tfdt", 0x01000000, time),
        *(36, b"trun", 0x01000F01, 1, _MOOF + 8, length, len(data), KEY if key else OTHER, shift),
        *(len(data) + 8, b"mdat"),
    )
    return head + data


class Clock:
    """Times of decoding from times of showing, which is all that a camera tells.

    Pictures that are shown in another order than they come in (B-frames) get a shift.
    """

    def __init__(self) -> None:
        self._shown: int | None = None
        self._decoded = 0
        self._high = 0
        self._length = USUAL

    def next(self, shown: int) -> tuple[int, int, int]:
        """Time of decoding, length and shift of the next picture.

        Parameters
        ----------
        shown : int
            When the camera says that it is shown: ticks in 32 bits, which begin anew.
        """
        if self._shown is not None:
            # The nearest time with these bits.
            step = (shown - self._shown + 2**31) % 2**32 - 2**31
            if abs(step) > 60 * CLOCK:  # the camera's clock was set
                step = self._length
            self._shown += step
            if self._shown > self._high:
                self._length = min(max(self._shown - self._high, 1), LONGEST)
        else:
            self._shown = shown + 2**32
            self._decoded = self._shown - 1
        self._high = max(self._high, self._shown)
        self._decoded = max(self._decoded + 1, self._shown)
        return self._decoded, self._length, self._shown - self._decoded
