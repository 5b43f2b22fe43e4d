"""What there is in the lake: one entry for each dataset."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from deltalake import DeltaTable

from citylib.city.datasets import Said
from citylib.lake.aside import left
from citylib.lake.errors import storage
from citylib.lake.personal import personal
from citylib.lake.tables import COMPACTION, EPOCH, join, open_table, snapshot

if TYPE_CHECKING:
    from citylib.lake.lake import Lake

RECENT = 20
"""Commits of a table that are looked at for the last that stored records."""


@dataclass(frozen=True)
class Entry:
    """What is known of a dataset.

    Attributes
    ----------
    id : str
    title : dict of str to str
        Per language.
    owner, source, licence : str or dict of str to str
        As the profile says, in one text or per language; the owner is the publisher.
    classification, note : str
        As the profile says.
    units : dict of str to str
        Of each column that has some.
    personal : tuple of str
        Columns of which pseudonyms are kept.
    interval : float, optional
        Seconds between two polls of the feed that is asked most often; none without a feed.
    rows, late : int
        Records in their place; corrections and late records that compaction has not put in theirs
        yet (those that correct one do not add to the records).
    first, last : datetime, optional
        Time of the earliest and the newest record.
    delivered : datetime, optional
        When records were last stored.
    set_aside : int
        Records that did not fit and were not brought again since.
    bytes : int
        Size of the records' files.
    """

    id: str
    title: dict[str, str]
    owner: Said
    source: Said
    licence: Said
    classification: str
    note: str
    units: dict[str, str]
    personal: tuple[str, ...]
    interval: float | None
    rows: int
    late: int
    first: datetime | None
    last: datetime | None
    delivered: datetime | None
    set_aside: int
    bytes: int

    def age(self, now: datetime) -> float | None:
        """Seconds since the time of the newest record; none if there is no record."""
        return None if self.last is None else (now - self.last).total_seconds()

    def waited(self, now: datetime) -> float | None:
        """Seconds since records were last stored; none if none were."""
        return None if self.delivered is None else (now - self.delivered).total_seconds()


def entry(lake: Lake, dataset: str) -> Entry:
    """Entry of a dataset; from the tables' logs and what is set aside, without reading records."""
    spec = lake.spec(dataset)
    version = snapshot(join(lake.uri, dataset))
    files = [*version.main, *version.late]
    intervals = [
        feed.interval
        for feed in lake.city.feeds.values()
        if feed.dataset == dataset and feed.enabled
    ]
    return Entry(
        id=dataset,
        title=spec.title,
        owner=spec.publisher,
        source=spec.source,
        licence=spec.licence,
        classification=spec.classification,
        note=spec.note,
        units={column.name: column.units for column in spec.column if column.units},
        personal=personal(spec),
        interval=min(intervals, default=None),
        rows=sum(file.rows for file in version.main),
        late=sum(file.rows for file in version.late),
        first=_moment(min((file.first for file in files), default=None)),
        last=_moment(max((file.last for file in files), default=None)),
        delivered=_delivered(lake.uri, dataset, version.delta),
        set_aside=left(lake.uri, dataset),
        bytes=sum(file.size for file in files),
    )


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)


def _delivered(uri: str, dataset: str, delta: DeltaTable | None) -> datetime | None:
    """When records were last stored: by the table's log, and by the notes on its files."""
    found = []
    if delta is not None:
        for made in delta.history(RECENT):
            if made.get("operation") == "WRITE" and COMPACTION not in made:
                found.append(datetime.fromtimestamp(made["timestamp"] / 1000, UTC))
    place = join(uri, "_loads", dataset)
    notes = open_table(place)
    if delta is not None and notes is not None:
        with storage(place):
            found += notes.to_pyarrow_table(columns=["loaded"])["loaded"].to_pylist()
    return max(found, default=None)
