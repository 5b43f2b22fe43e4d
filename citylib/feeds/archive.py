"""Packed files, unpacked within bounds."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
import zlib
from typing import Any, BinaryIO

from citylib.lake.errors import FileFault

MEMBERS = 10_000
"""Files in one archive, at most."""
_ENTRY = b"PK\x01\x02"
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, gzip.BadGzipFile, EOFError),
    *(RuntimeError, NotImplementedError),
)
"""What reading a packed file raises whose packing is broken, or not known."""


def open_zip(name: str, data: bytes) -> zipfile.ZipFile:
    """A ZIP archive.

    Raises
    ------
    FileFault
        It is none, or has more than `MEMBERS` files.
    """
    if data.count(_ENTRY) > MEMBERS:
        raise FileFault(f"{name}: more than {MEMBERS:,} files in one archive; refused")
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    # What is read of a broken archive may be anything.
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, OSError) as error:
        raise FileFault(
            f"{name}: no ZIP archive ({error}); what came has {len(data):,} bytes"
        ) from None


class Bounded(io.RawIOBase):
    """A stream that is at fault when more comes of it than was meant.

    Parameters
    ----------
    name : str
        For messages.
    stream : binary file
        It can be sought back to its beginning.
    most : int
        Bytes.
    """

    def __init__(self, name: str, stream: BinaryIO, most: int) -> None:
        super().__init__()
        self._name, self._stream, self._most = name, stream, most

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be sought, as Parquet must be."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read as much as the buffer holds.

        Raises
        ------
        FileFault
            More than `most` bytes, or the packing is broken.
        """
        try:
            data = self._stream.read(len(buffer))
        except BROKEN as error:
            raise FileFault(f"{self._name}: cannot be unpacked ({error}); fetch it again") from None
        if self._stream.tell() > self._most:
            raise FileFault(
                f"{self._name}: becomes more than {self._most:,} bytes when unpacked; divide "
                "it, or raise max_unpacked if that is meant"
            )
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """The place."""
        return self._stream.tell()

    def close(self) -> None:
        """Close the stream too."""
        self._stream.close()
        super().close()
