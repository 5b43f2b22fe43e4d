"""Loading the files of a dataset into its table."""

from __future__ import annotations

import fnmatch
import hashlib
import io
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from citylib.city.datasets import DatasetSpec
from citylib.city.errors import CityError
from citylib.city.mapping import AreaRule, Source
from citylib.city.profile import City
from citylib.lake.compare import compare
from citylib.lake.delivery import Delivery, LoadReport, Preview
from citylib.lake.errors import FileFault
from citylib.lake.files import read_sheets
from citylib.lake.records import Mapped, map_records
from citylib.lake.schema import LINE, LOADS, SET_ASIDE, stored_schema, table_schema
from citylib.lake.sheet import Sheet
from citylib.lake.store import Store

BATCH = 500_000
READER = "4"
"""Raised when the code that reads files comes to read them differently: tables are made anew."""


@dataclass
class _Batch:
    feed: str = ""
    replayed: bool = False
    sheets: list[tuple[Sheet, str, Mapped]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(mapped.records.num_rows for _, _, mapped in self.sheets)


def load_dataset(uri: str, spec: DatasetSpec, city: City) -> LoadReport:
    """Load the files of a dataset; files loaded before and unchanged are not read again.

    If the mapping or the areas have changed, the table is made anew from all files, but never
    without one whose records it holds: that is a failure, and the table stays.

    Parameters
    ----------
    uri : str
        Folder or address of the lake.
    spec : DatasetSpec
        The dataset.
    city : City
        For areas and time zone.

    Raises
    ------
    LakeBusy
        Another load is writing to the same table.
    """
    start = time.perf_counter()
    store = Store(uri, spec)
    mapping = _digest_of_mapping(spec, city)
    anew = store.is_other_mapping(mapping)
    known = store.loads(mapping) if not anew else {}
    failures: list[str] = []
    count: Counter[str] = Counter()
    digests: list[str] = []
    batch = _Batch()
    for path, source in _files(spec, failures):
        try:
            data = path.read_bytes()
        except OSError as error:
            failures.append(f"{path}: cannot be read: {error.strerror}")
            continue
        digest = hashlib.sha256(path.name.encode() + b"\0" + data).hexdigest()
        digests.append(digest)
        count["files"] += 1
        if account := known.get(digest):
            count["read"] += account["read"]
            count["duplicate"] += account["read"] - account["set_aside"]
            count["set_aside"] += account["set_aside"]
            continue
        try:
            sheet = next(read_sheets(path, source, io.BytesIO(data), whole=True))
            mapped = map_records(sheet, source, spec, city)
        except FileFault as error:
            failures.append(_located(str(error), path))
            digests.pop()
            count["files"] -= 1
            continue
        batch.sheets.append((sheet, digest, mapped))
        if batch.rows >= BATCH and not anew:
            count += _commit(store, batch, mapping, anew=False)
            batch = _Batch()
    if anew and (missing := store.names() - {sheet.file for sheet, _, _ in batch.sheets}):
        failures.append(_refusal(store, sorted(missing)))
        return LoadReport(spec.id, 0, 0, 0, 0, time.perf_counter() - start, 0, tuple(failures))
    if batch.sheets or (store.records is None and digests):
        count += _commit(store, batch, mapping, anew)
    seconds = time.perf_counter() - start
    return LoadReport(
        dataset=spec.id,
        read=count["read"],
        stored=count["stored"],
        duplicate=count["duplicate"],
        set_aside=count["set_aside"],
        seconds=seconds,
        files=count["files"],
        failures=tuple(failures),
        digests=tuple(digests),
    )


def deliver(uri: str, spec: DatasetSpec, city: City, delivery: Delivery) -> LoadReport:
    """Store what a delivery brings; see `Lake.deliver`."""
    start = time.perf_counter()
    store = Store(uri, spec)
    if account := store.account(delivery.digest):
        aside = account["set_aside"]
        total = Counter(read=account["read"], duplicate=account["read"] - aside, set_aside=aside)
    else:
        batch = _batch_of(delivery, spec, city)
        total = _commit(store, batch, _digest_of_mapping(spec, city), anew=False)
    return _report(spec.id, total, start, delivery)


def preview(uri: str, spec: DatasetSpec, city: City, delivery: Delivery) -> Preview:
    """What would become of a delivery; see `Lake.preview`."""
    start = time.perf_counter()
    batch = _batch_of(delivery, spec, city)
    total, records, aside, _ = _judged(Store(uri, spec), batch, "", anew=False)
    return Preview(records, aside, _report(spec.id, total, start, delivery))


def _batch_of(delivery: Delivery, spec: DatasetSpec, city: City) -> _Batch:
    batch = _Batch(delivery.feed, delivery.replayed)
    for sheet, reading in delivery.sheets:
        batch.sheets.append((sheet, delivery.digest, map_records(sheet, reading, spec, city)))
    return batch


def _report(dataset: str, total: Mapping[str, int], start: float, delivery: Delivery) -> LoadReport:
    return LoadReport(
        dataset=dataset,
        read=total.get("read", 0),
        stored=total.get("stored", 0),
        duplicate=total.get("duplicate", 0),
        set_aside=total.get("set_aside", 0),
        seconds=time.perf_counter() - start,
        digests=(delivery.digest,),
    )


def _refusal(store: Store, missing: list[str]) -> str:
    """Why a table is not made anew."""
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return (
        f"{store.spec.path}: the mapping, the areas or the platform changed since the table was "
        f"made, so it must be made anew, but {', '.join(missing[:3])}{more} in {store.spec.folder} "
        "cannot be read now and its records would be lost. The table stays as it was and nothing "
        "was loaded; put the file back, or undo the change. To go on without the file remove "
        f"{store.records_uri}, {store.aside_uri} and {store.loads_uri}"
    )


def _located(message: str, path: Path) -> str:
    return message if str(path) in message else f"{path.parent}/{message}"


def _files(spec: DatasetSpec, failures: list[str]) -> list[tuple[Path, Source]]:
    """Files of a dataset with the way to read each; what is missing goes to the failures."""
    there = sorted(spec.folder.iterdir()) if spec.folder.is_dir() else []
    result: dict[Path, Source] = {}
    for source in spec.read:
        for pattern in source.files:
            found = [path for path in there if fnmatch.fnmatchcase(path.name, pattern)]
            if not found:
                failures.append(
                    f"{spec.folder / pattern}: there is no such file; fetch it from the publisher "
                    f"or mend `files` in {spec.path}"
                )
            for path in found:
                result.setdefault(path, source)
    for path in there:
        if path not in result and not path.name.startswith("."):
            failures.append(f"{path}: no `files` in {spec.path} names it; say how it is read")
    return sorted(result.items(), key=lambda item: item[0].name)


def _digest_of_mapping(spec: DatasetSpec, city: City) -> str:
    """Digest of all that decides how a file becomes records, and what tables say of themselves."""
    digest = hashlib.sha256(READER.encode() + city.timezone.encode())
    digest.update(spec.model_dump_json(exclude={"folder", "path"}).encode())
    for schema in (stored_schema(spec), SET_ASIDE, LOADS):
        digest.update(schema.serialize().to_pybytes())
    levels: set[str] = set()
    for source in spec.read:
        rule: AreaRule | None = source.area
        while rule is not None:
            levels.add(rule.level)
            if rule.register_ and (path := city.folder / rule.register_).is_file():
                digest.update(path.read_bytes())
            rule = rule.within
    for level in city.levels.values():
        if levels - {"city"}:
            digest.update(level.table.read_bytes() + level.boundary.read_bytes())
    return digest.hexdigest()


def _commit(store: Store, batch: _Batch, mapping: str, anew: bool) -> Counter[str]:
    total, records, aside, loads = _judged(store, batch, mapping, anew)
    store.write(stored_schema(store.spec), records, aside, loads, anew)
    return total


def _judged(
    store: Store, batch: _Batch, mapping: str, anew: bool
) -> tuple[Counter[str], pa.Table, pa.Table, pa.Table]:
    """What becomes of a batch: the account, and what to add to each of the three tables."""
    spec = store.spec
    schema = table_schema(spec)
    key = [*spec.key, *(["occurrence"] if spec.repeats == "number" else [])]
    payload = [name for name in schema.names if name not in (*key, "source_file")]
    tables = [mapped.records for _, _, mapped in batch.sheets]
    empty = schema.append(pa.field(LINE, pa.int64())).empty_table()
    new = pa.concat_tables(tables, promote_options="permissive") if tables else empty
    old_columns = [*key, *payload, "source_file"]
    stored = new.select(old_columns).slice(0, 0) if anew else store.stored(old_columns, new)
    fresh, equal, owner = compare(stored, new, key, payload)
    aside: list[dict[str, object]] = []
    loads: list[dict[str, object]] = []
    total: Counter[str] = Counter()
    begin = 0
    now = datetime.now(UTC)
    for sheet, digest, mapped in batch.sheets:
        own = slice(begin, begin + mapped.records.num_rows)
        clash = np.flatnonzero(~fresh[own] & ~equal[own]) + begin
        files = _owners(owner[clash], stored, new)
        lines = new[LINE].take(clash).to_pylist()
        rows = [
            *mapped.aside,
            *(
                (line, f"other values than the record from {file}")
                for line, file in zip(lines, files, strict=True)
            ),
        ]
        noted = Counter(rows)
        noted.update(dict.fromkeys(mapped.remarks, 0))
        for (line, reason), number in sorted(noted.items()):
            aside.append(
                {
                    "file": sheet.file,
                    "line": line,
                    "records": number,
                    "reason": reason,
                    "raw": sheet.raw(line)[:4000],
                    "digest": digest,
                    "feed": batch.feed,
                    "received": now,
                }
            )
        account = {
            "read": mapped.read,
            "stored": int(fresh[own].sum()),
            "duplicate": int(equal[own].sum()) + mapped.duplicate,
            "set_aside": len(rows),
        }
        if account["read"] != sum(account.values()) - account["read"]:
            raise CityError(f"{sheet.file}: the account does not add up: {account}; report this")
        total.update(account)
        loads.append(
            {"file": sheet.file, "digest": digest, "mapping": mapping, "loaded": now, **account}
        )
        begin = own.stop
    records = new.filter(pa.array(fresh)).drop_columns([LINE])
    replayed = pa.repeat(batch.replayed, records.num_rows)
    records = records.append_column("replayed", replayed).cast(stored_schema(spec))
    return (
        total,
        records,
        pa.Table.from_pylist(aside, SET_ASIDE),
        pa.Table.from_pylist(loads, LOADS),
    )


def _owners(places: np.ndarray, stored: pa.Table, new: pa.Table) -> list[str]:
    old = stored.num_rows
    sources = [stored["source_file"], new["source_file"]]
    return [
        str(sources[1][int(place) - old] if place >= old else sources[0][int(place)])
        for place in places
    ]
