"""A recording as it came from a browser becomes a file that plays from any place in it."""

from __future__ import annotations

import logging
import mmap
import os
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import av

log = logging.getLogger(__name__)
MARKS = {".webm": b"\x1a\x45\xdf\xa3", ".mp4": b"ftyp"}
"""How a file begins (an MP4 four bytes later)."""
NEAR = 64
"""Bytes after the mark within which it says what it is."""
DONE = b"citylib"
"""Name of the program, written into a finished file."""
BEGINNING = 128 * 1024
"""Bytes in which that stands."""


def finish(path: Path) -> None:
    """Make one file, with its length and places to begin at, of what a browser sent.

    A page that was loaded again began anew in the middle of the file; the pieces come one after the
    other. What cannot be read is left out. Where nothing can be read the file stays as it is. Doing
    it again changes nothing.
    """
    with path.open("rb") as file:
        pieces = [] if DONE in file.read(BEGINNING) else _pieces(file, path.suffix)
        if not pieces:
            return
        descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
        os.close(descriptor)
        try:
            if _join(pieces, Path(name)):
                Path(name).replace(path)
        except (av.FFmpegError, ValueError) as error:
            log.error("recording %s stays as it came: %s", path.name, error)
        finally:
            Path(name).unlink(missing_ok=True)


class Piece:
    """A part of a file, as PyAV reads files."""

    def __init__(self, file: BinaryIO, begin: int, end: int) -> None:
        self._file, self._begin, self._end, self._at = file, begin, end, begin

    def read(self, size: int) -> bytes:
        """The next bytes, up to the end of the part."""
        self._file.seek(self._at)
        data = self._file.read(max(0, min(size, self._end - self._at)))
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to another place; gives where that is."""
        origin = {os.SEEK_SET: self._begin, os.SEEK_CUR: self._at, os.SEEK_END: self._end}
        self._at = max(self._begin, origin[whence] + offset)
        return self.tell()

    def tell(self) -> int:
        """Where it is, from the beginning of the part."""
        return self._at - self._begin


def _pieces(file: BinaryIO, kind: str) -> list[Piece]:
    mark, before = MARKS[kind], 4 if kind == ".mp4" else 0
    size = file.seek(0, os.SEEK_END)
    if not size:
        return []
    begins = []
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(mark)
        while at >= 0:
            if kind == ".mp4" or b"webm" in data[at : at + NEAR]:
                begins.append(at - before)
            at = data.find(mark, at + 1)
    return [Piece(file, begin, end) for begin, end in pairwise([*begins, size])]


def _join(pieces: list[Piece], target: Path) -> bool:
    options = {"reserve_index_space": "65536"} if target.suffix == ".webm" else {}
    shift = Fraction(0)
    written = False
    with av.open(str(target), "w", options=options) as out:
        out.metadata["comment"] = DONE.decode()
        streams: dict[str, av.VideoStream | av.AudioStream] = {}
        for piece in pieces:
            longest = Fraction(0)
            with av.open(piece, "r") as source:
                if not streams:
                    streams = {
                        one.type: out.add_stream_from_template(one)
                        for one in source.streams
                        if isinstance(one, av.VideoStream | av.AudioStream)
                    }
                for packet in _readable(source):
                    stream = streams.get(packet.stream.type)
                    if stream is None or packet.dts is None or packet.pts is None:
                        continue
                    base = packet.time_base
                    longest = max(longest, (packet.pts + (packet.duration or 0)) * base)
                    packet.pts += int(shift / base)
                    packet.dts += int(shift / base)
                    packet.stream = stream
                    out.mux(packet)
                    written = True
            shift += longest
    return written


def _readable(source: av.container.InputContainer) -> Iterator[av.Packet]:
    packets = source.demux()
    while True:
        try:
            yield next(packets)
        except StopIteration:
            return
        except av.FFmpegError:  # a part is missing: what follows it may be readable
            continue
