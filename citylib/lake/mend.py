"""Mended rows of what was set aside, stored as their sources' own."""

from __future__ import annotations

import fnmatch
import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from citylib.city.datasets import DatasetSpec
from citylib.city.mapping import Reading
from citylib.city.profile import City
from citylib.lake.aside import NOTES, from_csv, mended_uri, rows_aside
from citylib.lake.delimited import head_of
from citylib.lake.delivery import Delivery, LoadReport
from citylib.lake.errors import FileFault
from citylib.lake.files import opener, read_sheets
from citylib.lake.personal import LEFT_OUT
from citylib.lake.schema import CUT, MENDED
from citylib.lake.sheet import Sheet, sheet_of, strings
from citylib.lake.tables import again, append, open_table
from citylib.lake.text import line_blocks

if TYPE_CHECKING:
    from citylib.lake.lake import Lake


@dataclass(frozen=True)
class Mended:
    """What became of mended rows.

    Attributes
    ----------
    reports : list of LoadReport
        Account of each delivery.
    rows : int
        Rows set aside that were brought again. One that still does not fit is set aside anew.
    before : int
        Rows that had been brought again before; they were left alone.
    untold : int
        Rows whose text the lake does not have, or not all of it, and that nobody filled in.
    """

    reports: list[LoadReport]
    rows: int
    before: int
    untold: int


def mend(lake: Lake, path: Path) -> Mended:
    """Store mended rows; see `Lake.mend`."""
    found = from_csv(path)
    reports, rows, before, untold = [], 0, 0, 0
    plans = [(dataset, _Plan(lake, dataset, texts, path)) for dataset, texts in found.items()]
    ready = [(dataset, plan, list(plan.deliveries())) for dataset, plan in plans]
    for dataset, plan, deliveries in ready:  # nothing is stored unless all of it can be read
        before, untold = before + plan.before, untold + plan.untold
        for delivery, names in deliveries:
            reports.append(lake.deliver(dataset, delivery))
            _mark(mended_uri(lake.uri, dataset), delivery, names)
            rows += len(names)
    return Mended(reports, rows, before, untold)


class _Plan:
    """Mended rows of one dataset."""

    def __init__(self, lake: Lake, dataset: str, texts: dict[str, str], path: Path) -> None:
        self.city, self.spec = lake.city, lake.spec(dataset)
        if self.spec.repeats == "number":
            raise FileFault(
                f"{path}: rows of {dataset!r} are told apart by their place in the file, so they "
                f"can only be mended in the file itself, in {self.spec.folder}"
            )
        every = {row["row"]: row for row in rows_aside(lake.uri, dataset, True).to_pylist()}
        left = set(rows_aside(lake.uri, dataset)["row"].to_pylist())
        if unknown := texts.keys() - every.keys():
            raise FileFault(
                f"{path}: {dataset} has set aside no row {sorted(unknown)[0]!r}; begin with what "
                "`citylib aside export` writes, and leave its column row as it is"
            )
        self.before = len(texts.keys() - left)
        self.untold = 0
        self.groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for name, text in texts.items():
            row = every[name]
            if name not in left:
                continue
            if text == LEFT_OUT or (text == row["raw"] and len(text) >= CUT):
                self.untold += 1
                continue
            file = row["file"].removeprefix(MENDED)
            self.groups.setdefault((row["feed"] or "", file), []).append((name, text))

    def deliveries(self) -> Iterator[tuple[Delivery, list[str]]]:
        """A delivery for each feed, and the names of its rows."""
        for feed in sorted({feed for feed, _ in self.groups}):
            sheets, names = [], []
            digest = hashlib.sha256()
            for (of, file), rows in sorted(self.groups.items()):
                if of == feed:
                    reading = _reading(self.city, self.spec, feed, file)
                    texts = [text for _, text in rows]
                    sheets += [
                        (_named(sheet, file, reading), _unnamed(reading))
                        for sheet in _sheets(self.spec, file, texts, reading)
                    ]
                    names += [name for name, _ in rows]
                    digest.update(json.dumps([file, rows]).encode())
            yield Delivery(f"mended {digest.hexdigest()}", sheets, feed), names


def _reading(city: City, spec: DatasetSpec, feed: str, file: str) -> Reading:
    """How rows of a source are read."""
    if feed:
        if feed in city.feeds:
            return city.feeds[feed].read
        raise FileFault(f"{spec.id}: rows of the feed {feed!r}, which the profile does not have")
    for source in spec.read:
        if any(fnmatch.fnmatchcase(file, pattern) for pattern in source.files):
            return source
    raise FileFault(f"{spec.path}: no `files` names {file!r}; say how its rows are read")


def _sheets(spec: DatasetSpec, file: str, texts: list[str], reading: Reading) -> list[Sheet]:
    if reading.format == "xlsx":
        raise FileFault(
            f"{file}: rows of a workbook can only be mended in the workbook, in {spec.folder}"
        )
    values = [_value(text) for text in texts]
    if all(isinstance(value, dict) for value in values):
        return [sheet_of(file, values)]
    if reading.format != "csv":
        raise FileFault(f"{file}: rows must be JSON objects; {texts[0][:80]!r} is none")
    head = b"" if reading.names and not reading.header_rows else _header(spec, file, reading)
    data = head + "".join(f"{text}\n" for text in texts).encode()
    plain = reading.model_copy(update={"encodings": ("utf-8",)})
    return list(read_sheets(Path("mended.csv"), plain, io.BytesIO(data), whole=True))


def _value(text: str) -> Any:
    if not text.lstrip().startswith("{"):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _header(spec: DatasetSpec, file: str, reading: Reading) -> bytes:
    """The header of a file, as UTF-8."""
    path = spec.folder / file
    if not path.is_file():
        raise FileFault(
            f"{path}: its header is needed to know what the fields of its rows are, but the file "
            "is not there; put it back, or write the rows as JSON objects by header"
        )
    block = next(line_blocks(path, opener(path, None), reading.encodings))
    _, begin, _ = head_of(block, reading)
    return block[:begin]


def _named(sheet: Sheet, file: str, reading: Reading) -> Sheet:
    """The sheet with what the name of its file says in columns of its own."""
    sheet.file = file
    match = re.search(reading.file_pattern, sheet.base) if reading.file_pattern else None
    for name, value in (match.groupdict() if match else {}).items():
        sheet.columns[name] = strings([value or ""] * len(sheet.lines))
    sheet.file = MENDED + file
    return sheet


def _unnamed(reading: Reading) -> Reading:
    return reading.model_copy(update={"file_pattern": None})


def _mark(uri: str, delivery: Delivery, names: list[str]) -> None:
    """Note rows as brought again, once."""
    now = datetime.now(UTC)
    rows = [{"row": name, "delivery": delivery.digest, "mended": now} for name in names]

    def once() -> None:
        table = open_table(uri)
        if table is None or table.transaction_version(delivery.digest) is None:
            append(uri, pa.Table.from_pylist(rows, NOTES), [(delivery.digest, 1)])

    again(uri, once)
