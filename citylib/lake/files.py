"""Reading a file: opened, decompressed, and handed on as sheets, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from citylib.city.mapping import Reading
from citylib.lake.sheet import Sheet, read_sheet


def read_sheets(
    path: Path, reading: Reading, stream: BinaryIO | None = None, whole: bool = False
) -> Iterator[Sheet]:
    """Read a file in sheets of some hundred thousand rows, so that memory stays flat.

    Parameters
    ----------
    path : Path
        Its place, for messages and for the compression (`.xz`, `.gz`).
    reading : Reading
        How it is read.
    stream : binary file, optional
        Where its bytes come from, if not from the path; it can be sought.
    whole : bool
        All of it in one sheet, with all its columns: see `across.needs_whole_files`.

    Yields
    ------
    Sheet
        All with the same name; lines are counted from the beginning of the file.

    Raises
    ------
    FileFault
        It is empty, cannot be decompressed or decoded, or is not of the format declared. This may
        come after some sheets.
    """
    data = path.read_bytes() if stream is None else stream.read()
    yield read_sheet(path, data, reading)
