"""Taking in what a source brings."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from citylib.city.profile import City
from citylib.lake import compare
from citylib.lake.batch import Batch, Part
from citylib.lake.delivery import Delivery, LoadReport, Preview
from citylib.lake.ledger import Ledger
from citylib.lake.records import map_records
from citylib.lake.schema import SET_ASIDE, stored_schema
from citylib.lake.writer import Writer

BATCH = 1_000_000
"""Records that are judged and committed together."""


def deliver(writer: Writer, city: City, delivery: Delivery) -> LoadReport:
    """Store what a delivery brings; see `Lake.deliver`."""
    start = time.perf_counter()
    total: Counter[str] = Counter()
    version = writer.snapshot()
    if writer.has(version, delivery.digest, delivery.feed):
        for part in _parts(writer, city, delivery):
            mapped = part.mapped
            total["read"] += mapped.read
            total["set_aside"] += len(mapped.aside)
        total["duplicate"] = total["read"] - total["set_aside"]
        return _report(writer, delivery, total, start)
    edge = writer.edge(version)
    ledger = Ledger(writer.loads_uri, writer.records_uri)
    noted = False
    newest: list[datetime] = []
    for batch in _batches(writer, city, delivery):
        if not noted:  # before its first record, so that none is forgotten
            ledger.note_feed(delivery.feed)
            noted = True
        total += writer.commit(batch, lambda _: edge).total
        newest += [pc.max(part.mapped.records["time"]).as_py() for part in batch.parts]
    report = _report(writer, delivery, total, start)
    return replace(report, newest=max(filter(None, newest), default=None))


def preview(writer: Writer, city: City, delivery: Delivery) -> Preview:
    """What would become of a delivery; see `Lake.preview`."""
    start = time.perf_counter()
    version = writer.snapshot()
    batch = Batch(list(_parts(writer, city, delivery)), delivery.feed, delivery.replayed)
    judged = writer.judge(batch, version, writer.edge(version))
    stored = pa.array(judged.verdict.fate <= compare.LATE)
    records = writer.stored(judged.table, delivery.replayed).filter(stored)
    aside = pa.concat_tables([SET_ASIDE.empty_table(), *judged.aside])
    report = _report(writer, delivery, judged.total, start)
    return Preview(records.cast(stored_schema(writer.spec)), aside, report)


def _parts(writer: Writer, city: City, delivery: Delivery) -> Iterator[Part]:
    for number, (sheet, reading) in enumerate(delivery.sheets, 1):
        if not len(sheet.lines) and not sheet.bad:
            continue  # without rows it has no headers either
        mapped = map_records(sheet, reading, writer.spec, city)
        mapped = writer.pseudonyms.protected(mapped, sheet)
        yield Part(sheet, mapped, delivery.digest, number)


def _batches(writer: Writer, city: City, delivery: Delivery) -> Iterator[Batch]:
    """Batches of a delivery; the last says that it is complete."""
    batch = Batch([], delivery.feed, delivery.replayed)
    for part in _parts(writer, city, delivery):
        if batch.rows >= BATCH:
            batch.goes_on = delivery.digest
            yield batch
            batch = Batch([], delivery.feed, delivery.replayed)
        batch.parts.append(part)
    batch.delivered = delivery.digest
    yield batch


def _report(writer: Writer, delivery: Delivery, total: Counter[str], start: float) -> LoadReport:
    return LoadReport(
        dataset=writer.spec.id,
        read=total["read"],
        stored=total["stored"],
        duplicate=total["duplicate"],
        set_aside=total["set_aside"],
        seconds=time.perf_counter() - start,
        digests=(delivery.digest,),
    )
