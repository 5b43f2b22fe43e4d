"""What is brought to the lake at once, and what would become of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from citylib.city.mapping import Reading
from citylib.lake.sheet import Sheet


@dataclass(frozen=True)
class LoadReport:
    """Account of a load, in records: read = stored + duplicate + set_aside.

    Attributes
    ----------
    dataset : str
        Its id.
    read, stored, duplicate, set_aside : int
        Records in the files; newly stored; there already; that do not fit.
    seconds : float
        Time it took.
    files : int
        Files that were read.
    failures : tuple of str
        A sentence for each file that could not be read at all; nothing of it is in the account.
    digests : tuple of str
        Files that the account speaks of.
    newest : datetime, optional
        Time of the newest record that fits, for a delivery.
    """

    dataset: str
    read: int
    stored: int
    duplicate: int
    set_aside: int
    seconds: float
    files: int = 0
    failures: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    newest: datetime | None = None


@dataclass(frozen=True)
class Delivery:
    """Records that a source brought, stored together.

    Attributes
    ----------
    id : str
        The same for the same content: a delivery whose id was committed before is refused, all of
        its records counted as duplicates, unless the feed has changed the table since by another.
        A digest of what the source answered does well.
    sheets : iterable of (Sheet, Reading)
        Rows, and how they become records; taken one after the other, so that they need not all be
        in memory at once.
    feed : str
        Who brought it: the feed's id, "" for files.
    replayed : bool
        Whether these are records of another day, played as if they were of now.

    Examples
    --------
    >>> sheet = sheet_of("stations", answer["stations"])  # doctest: +SKIP
    >>> lake.deliver("bikes", Delivery(digest, [(sheet, feed.read)], feed.id))  # doctest: +SKIP
    LoadReport(dataset='bikes', read=2715, stored=2715, duplicate=0, set_aside=0, ...)
    """

    id: str
    sheets: Iterable[tuple[Sheet, Reading]]
    feed: str = ""
    replayed: bool = False

    @property
    def digest(self) -> str:
        """SHA-256 of feed and id, by which the lake knows it again."""
        return hashlib.sha256(f"{self.feed}\0{self.id}".encode()).hexdigest()


@dataclass(frozen=True)
class Preview:
    """What would become of a delivery; nothing of it is stored.

    Attributes
    ----------
    records : pa.Table
        New records, with the table's columns.
    aside : pa.Table
        Rows that would be set aside: file, line, records, reason, raw, digest, feed, received.
    report : LoadReport
        The account.
    """

    records: pa.Table
    aside: pa.Table
    report: LoadReport
