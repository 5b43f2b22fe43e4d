"""What a picture's own header says of it: its size and its codec's name (ITU-T H.264)."""

from __future__ import annotations

from dataclasses import dataclass

HIGH = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
"""Profiles whose header has more in it."""


@dataclass(frozen=True)
class Format:
    """What a decoder must know before the first picture.

    Attributes
    ----------
    sps, pps : bytes
        The parameter sets, as NAL units.
    width, height : int
        In pixels.
    """

    sps: bytes
    pps: bytes
    width: int
    height: int

    @property
    def mime(self) -> str:
        """As Media Source Extensions want it."""
        return f'video/mp4; codecs="avc1.{self.sps[1:4].hex()}"'


class _Bits:
    def __init__(self, data: bytes) -> None:
        # Bytes that keep start codes out of the payload.
        plain = data.replace(b"\0\0\3", b"\0\0")
        self._value, self._left = int.from_bytes(plain), len(plain) * 8

    def take(self, count: int) -> int:
        """The next bits as a number."""
        self._left -= count
        if self._left < 0:
            raise ValueError("the header ends too early")
        return self._value >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        """An unsigned number of variable length."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise ValueError("a number without end")
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        """A signed number of variable length."""
        value = self.golomb()
        return (value + 1) // 2 if value & 1 else -(value // 2)


def format_of(sps: bytes, pps: bytes) -> Format:
    """Read the sequence parameter set.

    Raises
    ------
    ValueError
        It is none.
    """
    if len(sps) < 5 or sps[0] & 31 != 7 or not pps or pps[0] & 31 != 8:
        raise ValueError("no parameter sets")
    bits = _Bits(sps[1:])
    profile = bits.take(8)
    bits.take(16)
    bits.golomb()
    chroma = 1
    if profile in HIGH:
        chroma = bits.golomb()
        if chroma == 3:
            bits.take(1)
        bits.golomb(), bits.golomb(), bits.take(1)
        if bits.take(1):
            for number in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    _skip_list(bits, 16 if number < 6 else 64)
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1), bits.signed(), bits.signed()
        count = bits.golomb()
        if count > 255:
            raise ValueError("no parameter set")
        for _ in range(count):
            bits.signed()
    bits.golomb(), bits.take(1)
    width, rows = (bits.golomb() + 1) * 16, (bits.golomb() + 1) * 16
    frames_only = bits.take(1)
    if not frames_only:
        bits.take(1)
    height = rows * (2 - frames_only)
    bits.take(1)
    if bits.take(1):
        wide = 2 if chroma in (1, 2) else 1
        high = (2 if chroma == 1 else 1) * (2 - frames_only)
        width -= (bits.golomb() + bits.golomb()) * wide
        height -= (bits.golomb() + bits.golomb()) * high
    if not (0 < width <= 16384 and 0 < height <= 16384):
        raise ValueError("no size that a picture has")
    return Format(sps, pps, width, height)


def _skip_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last
