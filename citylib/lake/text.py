"""Text of a file in blocks of whole lines: decoded, with one kind of line break."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from citylib.lake.errors import FileFault

BLOCK = 8 << 20
"""Bytes read at once: large enough that what is done once for each block does not count."""
LONGEST = 32 << 20
"""Bytes of a line, at most."""
Open = Callable[[], BinaryIO]
UTF8 = ("utf-8", "utf-8-sig")


def line_blocks(path: Path, open_: Open, encodings: tuple[str, ...]) -> Iterator[bytes]:
    """Whole lines as UTF-8, each ended by one "\\n", in blocks of about `BLOCK` bytes.

    Parameters
    ----------
    path : Path
        For messages.
    open_ : callable
        Opens the file at its beginning; with several encodings it is read once for each that does
        not fit.
    encodings : tuple of str
        Tried in this order.

    Raises
    ------
    FileFault
        The text is in none of the encodings, or a line has no end.
    """
    encoding = encodings[0] if len(encodings) == 1 else _first_that_fits(path, open_, encodings)
    rest, offset = b"", 0
    is_utf8 = codecs.lookup(encoding).name in UTF8
    with open_() as stream:
        pieces = _raw(stream, encoding) if is_utf8 else _pieces(path, stream, encoding)
        for piece, last in with_last(pieces):
            data = rest + piece if rest else piece
            if last and data and not data.endswith((b"\n", b"\r")):
                data += b"\n"
            cut = _end_of_lines(data, last)
            if not cut and len(data) > LONGEST:
                raise FileFault(
                    f"{path}: a line of more than {LONGEST >> 20} MB; this is no table, or its "
                    "lines are ended by something else"
                )
            if cut:
                yield _lines(path, data[:cut], encoding, offset if is_utf8 else None)
                offset += cut
            rest = data[cut:]


def with_last(items: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each with whether it is the last."""
    before = None
    for item in items:
        if before is not None:
            yield before, False
        before = item
    if before is not None:
        yield before, True


def _end_of_lines(data: bytes, last: bool) -> int:
    """Where the last line ends; a "\\r" at the end may be one half of a line break."""
    if last:
        return len(data)
    cut = data.rfind(b"\n") + 1
    return max(cut, data.rfind(b"\r", 0, len(data) - 1) + 1) if b"\r" in data else cut


def whole_text(path: Path, open_: Open, encodings: tuple[str, ...]) -> str:
    """All of the text."""
    return b"".join(line_blocks(path, open_, encodings)).decode()


def _raw(stream: BinaryIO, encoding: str) -> Iterator[bytes]:
    first = stream.read(BLOCK)
    yield first.removeprefix(codecs.BOM_UTF8) if encoding.endswith("sig") else first
    while piece := stream.read(BLOCK):
        yield piece


def _pieces(path: Path, stream: BinaryIO, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    offset = 0
    while True:
        piece = stream.read(BLOCK)
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(piece, final=not piece)
        except UnicodeError as error:  # also UTF-16 without its mark of byte order
            place = offset - pending + getattr(error, "start", 0)
            raise _not_in(path, [f"{encoding} fails at byte {place}"]) from None
        offset += len(piece)
        yield text.encode("utf-8", "replace")
        if not piece:
            return


def _lines(path: Path, data: bytes, encoding: str, offset: int | None) -> bytes:
    """The lines with one kind of line break; with an offset they are checked to be UTF-8."""
    if offset is not None and not _is_utf8(data):
        try:
            data.decode()
        except UnicodeDecodeError as error:
            raise _not_in(path, [f"{encoding} fails at byte {offset + error.start}"]) from None
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data


def _is_utf8(data: bytes) -> bool:
    ends = pa.py_buffer(np.array([0, len(data)], np.int32))
    try:
        pa.StringArray.from_buffers(1, ends, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _first_that_fits(path: Path, open_: Open, encodings: tuple[str, ...]) -> str:
    places = []
    for encoding in encodings:
        try:
            with open_() as stream:
                for _ in _pieces(path, stream, encoding):
                    pass
        except _NotIn as fault:
            places += fault.places
        else:
            return encoding
    raise _not_in(path, places)


class _NotIn(FileFault):
    """The text is not in an encoding."""

    places: list[str]


def _not_in(path: Path, places: list[str]) -> _NotIn:
    fault = _NotIn(
        f"{path}: the text is not in the encoding declared ({'; '.join(places)}); "
        "add its encoding to `encodings`"
    )
    fault.places = places
    return fault
