"""RTP packets to pictures: H.264 (RFC 6184) and H.265 (RFC 7798)."""

from __future__ import annotations

from collections.abc import Callable

LARGEST = 8 * 2**20
"""Bytes of a picture, at most."""
Picture = Callable[[list[bytes], int, bool], None]


class Depacketiser:
    """Puts a picture's NAL units together.

    Parameters
    ----------
    codec : str
        "h264" or "h265".
    payload : int
        Type of payload that is the video.
    picture : callable
        Gets NAL units, time in ticks, and whether nothing was lost since the picture before.
    """

    def __init__(self, codec: str, payload: int, picture: Picture) -> None:
        self.payload, self._picture = payload, picture
        self._take = self._h264 if codec == "h264" else self._h265
        self._units: list[bytes] = []
        self._part: list[bytes] = []
        self._size = 0
        self._time = -1
        self._sequence = -1
        self._whole = True
        self._packets = self._bad = 0

    def broken(self) -> float:
        """Share of packets, since it was last asked, that are none of the codec."""
        share = self._bad / self._packets if self._packets else 0.0
        self._packets = self._bad = 0
        return share

    def packet(self, data: bytes) -> None:
        """Take a packet; one that is none is left out."""
        if len(data) < 13 or data[0] >> 6 != 2 or data[1] & 127 != self.payload:
            return
        sequence = data[2] << 8 | data[3]
        if self._sequence >= 0 and sequence != (self._sequence + 1) & 0xFFFF:
            self._whole = False
            self._part.clear()
        self._sequence = sequence
        time = int.from_bytes(data[4:8])
        if time != self._time:
            self._end()  # some cameras do not mark the last packet of a picture
            self._time = time
        start = 12 + 4 * (data[0] & 15)
        if data[0] & 16:
            start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
        body = data[start : len(data) - data[-1]] if data[0] & 32 else data[start:]
        self._size += len(body)
        self._packets += 1
        if self._size > LARGEST:
            self._whole = False
            self._units, self._part, self._size = [], [], 0
        elif len(body) > 2 and not body[0] & 128:
            self._take(body)
        else:
            self._none()
        if data[1] & 128:
            self._end()

    def _end(self) -> None:
        if self._units:
            units, self._units = self._units, []
            whole, self._whole = self._whole, True
            self._picture(units, self._time, whole)
        self._part.clear()
        self._size = 0

    def _h264(self, body: bytes) -> None:
        kind = body[0] & 31
        if kind == 28:
            edge = body[1]
            if edge & 128:
                self._part[:] = [bytes((body[0] & 0xE0 | edge & 31,)), body[2:]]
            elif self._part:
                self._part.append(body[2:])
            if edge & 64 and self._part:
                self._units.append(b"".join(self._part))
                self._part.clear()
        elif 0 < kind < 24:
            self._units.append(body)
        elif kind == 24:
            self._several(body, 1)
        else:
            self._none()

    def _h265(self, body: bytes) -> None:
        kind = body[0] >> 1 & 63
        if kind == 49:
            edge = body[2]
            if edge & 128:
                head = bytes((body[0] & 0x81 | (edge & 63) << 1, body[1]))
                self._part[:] = [head, body[3:]]
            elif self._part:
                self._part.append(body[3:])
            if edge & 64 and self._part:
                self._units.append(b"".join(self._part))
                self._part.clear()
        elif kind < 48:
            self._units.append(body)
        elif kind == 48:
            self._several(body, 2)
        else:
            self._none()

    def _none(self) -> None:
        self._bad += 1
        self._whole = False

    def _several(self, body: bytes, place: int) -> None:
        while place + 2 < len(body):
            size = int.from_bytes(body[place : place + 2])
            unit = body[place + 2 : place + 2 + size]
            if len(unit) < size or not size:
                return
            self._units.append(unit)
            place += 2 + size
