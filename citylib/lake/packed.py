"""Packed files: `.xz` and `.gz` as streams that are unpacked while they are read."""

from __future__ import annotations

import gzip
import io
import lzma
from pathlib import Path
from typing import Any, BinaryIO, cast

MEMORY = 128 * 2**20
"""Bytes that unpacking `.xz` may take: `xz -9` needs half of it, a hostile file any amount."""
BLOCK = 1 << 18


def unpacked(path: Path, stream: BinaryIO) -> BinaryIO:
    """A stream as its name says that it is packed: `.xz`, `.gz`, or not at all.

    What is read of it may raise LZMAError, OSError, EOFError or zlib.error where the packing is
    broken.
    """
    if path.suffix == ".xz":
        return cast(BinaryIO, io.BufferedReader(_Xz(stream), BLOCK))
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.open(stream))
    return stream


class _Xz(io.RawIOBase):
    """An `.xz` file, which Python's own reader would give any memory that it asks for."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source
        self._begin()

    def _begin(self) -> None:
        self._part: lzma.LZMADecompressor | None = None
        self._packed, self._place, self._some = b"", 0, False

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be sought, by unpacking it again; Parquet needs it."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read as much as the buffer holds, or less."""
        data = b""
        while not data:
            if not self._packed and (self._part is None or self._part.needs_input):
                self._packed = self._source.read(BLOCK)
                if not self._packed and self._part is None and self._some:
                    return 0
                if not self._packed:
                    raise EOFError("it ends before its end was marked")
            if self._part is None:  # after the first, others may follow, and noughts between them
                self._packed = self._packed.lstrip(b"\0") if self._some else self._packed
                if not self._packed:
                    continue
                self._part, self._some = lzma.LZMADecompressor(memlimit=MEMORY), True
            data = self._unpacked(self._part, len(buffer))
            if self._part.eof:
                self._packed, self._part = self._part.unused_data, None
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)

    def _unpacked(self, part: lzma.LZMADecompressor, most: int) -> bytes:
        packed, self._packed = self._packed, b""
        try:
            return part.decompress(packed, most)
        except lzma.LZMAError as error:
            if "Memory" not in str(error):
                raise
            raise lzma.LZMAError(
                f"it takes more than {MEMORY >> 20} MB of memory; pack it with xz -9 or less"
            ) from None

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        if whence == 2:
            while self.read(BLOCK):
                pass
        place = offset + (self._place if whence else 0)
        if place < self._place:
            self._source.seek(0)
            self._begin()
        while self._place < place and self.read(min(BLOCK, place - self._place)):
            pass
        return self._place

    def tell(self) -> int:
        """The place."""
        return self._place

    def close(self) -> None:
        """Close what it reads, too."""
        self._source.close()
        super().close()
