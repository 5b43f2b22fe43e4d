"""Loading the files of a dataset into its table."""

from __future__ import annotations

import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Literal

import pyarrow as pa

from citylib.city.mapping import Source
from citylib.city.profile import City
from citylib.lake.across import needs_whole_files
from citylib.lake.anew import Remake
from citylib.lake.aside import outdated
from citylib.lake.batch import Batch, Judged, Part
from citylib.lake.delivery import LoadReport
from citylib.lake.errors import FileFault
from citylib.lake.files import ahead, read_sheets
from citylib.lake.folder import digest_of_mapping, digested, files_of
from citylib.lake.freed import give_back
from citylib.lake.ledger import Ledger
from citylib.lake.records import map_records
from citylib.lake.schema import LOADS
from citylib.lake.tables import Snapshot
from citylib.lake.writer import Writer

BATCH = 1_000_000
"""Records that are judged and committed together."""
AHEAD = 8
"""Parts of files that are read and mapped while a batch is stored: about as many as it has."""
OFTEN = 4
"""Batches after which freed memory is given back."""
SHEETS = 500
"""Parts that a batch has at most."""

Store = Callable[[Batch], Judged]


@dataclass
class _Progress:
    """Where a load is.

    Attributes
    ----------
    total : Counter
        Account of the load.
    accounts : dict of str to Counter
        Accounts of files that were read but not yet noted, by digest.
    names : dict of str to str
        Their names.
    """

    total: Counter[str] = field(default_factory=Counter)
    accounts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    names: dict[str, str] = field(default_factory=dict)


def load_dataset(writer: Writer, city: City) -> LoadReport:
    """Load the files of a dataset; files loaded before and unchanged are not read again.

    If the mapping or the areas have changed, the table is made anew from all files, but never
    without one whose records it holds: that is a failure, and the table stays.

    Parameters
    ----------
    writer : Writer
        Of the dataset.
    city : City
        For areas and time zone.

    Raises
    ------
    LakeBusy
        Others keep writing to the same table.
    StorageFault
        The storage of the lake failed.
    """
    start = time.perf_counter()
    spec = writer.spec
    ledger = Ledger(writer.loads_uri, writer.records_uri)
    mapping = digest_of_mapping(spec, city)
    if writer.pseudonyms.names:  # with another key it is made anew
        mark = writer.pseudonyms.fingerprint()
        mapping = hashlib.sha256(mapping.encode() + mark).hexdigest()
    load = _Load(writer, city, ledger, mapping)
    with writer.lock:
        if ledger.is_other_mapping(mapping):
            load.anew()
        else:
            load.more()
    total = load.progress.total
    return LoadReport(
        dataset=spec.id,
        read=total["read"],
        stored=total["stored"],
        duplicate=total["duplicate"],
        set_aside=total["set_aside"],
        seconds=time.perf_counter() - start,
        files=len(load.digests),
        failures=tuple(load.failures),
        digests=tuple(load.digests),
    )


class _Load:
    """One load of one dataset."""

    def __init__(self, writer: Writer, city: City, ledger: Ledger, mapping: str) -> None:
        self.writer, self.city, self.ledger, self.mapping = writer, city, ledger, mapping
        self.failures: list[str] = []
        self.digests: list[str] = []
        self.progress = _Progress()

    def more(self) -> None:
        """Add the files that are not in the table yet."""
        writer = self.writer
        known = self.ledger.accounts(self.mapping)
        edges: dict[str, int | None] = {}  # of each file, as it was when its first record came
        number = count(1)
        for batch, complete in self._batches(known):
            digests = [part.digest for part in batch.parts]
            now = writer.edge(writer.snapshot())
            for digest in digests:
                edges.setdefault(digest, now)
            edge = edges[digests[0]] if digests else now
            judged = writer.commit(batch, _always(edge))
            self._count(batch, judged)
            self._note(complete)
            if not next(number) % OFTEN:
                give_back()
        if self.digests and not known and not self.ledger.has_table():
            writer.commit(Batch(), lambda _: None)
        outdated(writer.aside_uri, writer.mended_uri, self._current())

    def _current(self) -> dict[str, str]:
        """Files as they are now, all of them read: name and digest."""
        return {self.progress.names[digest]: digest for digest in self.digests}

    def anew(self) -> None:
        """Make the table anew from all files."""
        remake = Remake(self.writer)
        try:
            for batch in self.ledger.kept(self.writer):
                remake.add(batch)
            noted: list[str] = []
            for batch, complete in self._batches({}):
                self._count(batch, remake.add(batch))
                noted += complete
            there = {name for digest, name in self.progress.names.items() if digest in noted}
            if missing := self.ledger.names() - there:
                self.failures.append(self._refusal(sorted(missing)))
                self.digests, self.progress = [], _Progress()
                remake.abandon()
                return
            remake.finish()
        except BaseException:
            remake.abandon()
            raise
        self._note(noted, anew=True)

    def _batches(self, known: dict[str, dict[str, int]]) -> Iterator[tuple[Batch, list[str]]]:
        """Batches of the files that are not known, and the digests of those complete with each."""
        batch = Batch()
        complete: list[str] = []
        files = files_of(self.writer.spec, self.failures)
        for path, digest, what in ahead(self._read(files, known), AHEAD):
            if isinstance(what, OSError):
                self.failures.append(f"{path}: cannot be read: {what.strerror}")
            elif isinstance(what, FileFault):
                self.failures.append(_located(str(what), path))
                self.digests.remove(digest)
                batch.parts = [part for part in batch.parts if part.digest != digest]
            elif isinstance(what, Part):
                batch.parts.append(what)
                if batch.rows >= BATCH or len(batch.parts) >= SHEETS:
                    batch.goes_on = digest
                    yield batch, complete
                    batch, complete = Batch(), []
            elif what == "ends":
                complete.append(digest)
            else:
                self.digests.append(digest)
                self.progress.names[digest] = path.name
                if account := known.get(digest):
                    self.progress.total["read"] += account["read"]
                    self.progress.total["duplicate"] += account["read"] - account["set_aside"]
                    self.progress.total["set_aside"] += account["set_aside"]
        if batch.parts or complete:
            yield batch, complete

    def _read(
        self, files: list[tuple[Path, Source]], known: dict[str, dict[str, int]]
    ) -> Iterator[tuple[Path, str, Part | FileFault | OSError | Literal["begins", "ends"]]]:
        """Each file with its digest: that it begins, its parts unless it is known, that it ends;
        or why it cannot be read.
        """
        for path, source, digest in ahead(digested(files)):
            if isinstance(digest, OSError):
                yield path, "", digest
                continue
            yield path, digest, "begins"
            if digest in known:
                continue
            try:
                for part in self._parts(path, source, digest):
                    yield path, digest, part
            except FileFault as error:
                yield path, digest, error
            else:
                yield path, digest, "ends"

    def _parts(self, path: Path, source: Source, digest: str) -> Iterator[Part]:
        spec = self.writer.spec
        sheets = read_sheets(path, source, whole=needs_whole_files(spec))
        for number, sheet in enumerate(sheets, 1):
            mapped = map_records(sheet, source, spec, self.city)
            mapped = self.writer.pseudonyms.protected(mapped, sheet)
            sheet.columns = {}  # from here on only the text of single rows is asked for
            yield Part(sheet, mapped, digest, number)

    def _count(self, batch: Batch, judged: Judged) -> None:
        for part, account in zip(batch.parts, judged.accounts, strict=True):
            self.progress.accounts[part.digest].update(account)
            self.progress.total.update(account)

    def _note(self, complete: list[str], anew: bool = False) -> None:
        """Note that files were loaded."""
        now = datetime.now(UTC)
        rows = [
            {
                "file": self.progress.names[digest],
                "digest": digest,
                "mapping": self.mapping,
                "loaded": now,
                **{name: self.progress.accounts[digest][name] for name in _NUMBERS},
            }
            for digest in complete
        ]
        if rows or anew:
            self.ledger.note(pa.Table.from_pylist(rows, LOADS), anew)

    def _refusal(self, missing: list[str]) -> str:
        """Why a table is not made anew."""
        writer = self.writer
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        return (
            f"{writer.spec.path}: the mapping, the areas or the platform changed since the table "
            f"was made, so it must be made anew, but {', '.join(missing[:3])}{more} in "
            f"{writer.spec.folder} cannot be read now and its records would be lost. The table "
            "stays as it was and nothing was loaded; put the file back, or undo the change. To go "
            f"on without the file remove {writer.records_uri}, {writer.aside_uri} and "
            f"{writer.loads_uri}"
        )


def _always(edge: int | None) -> Callable[[Snapshot], int | None]:
    return lambda _: edge


_NUMBERS = ("read", "stored", "duplicate", "set_aside")


def _located(message: str, path: Path) -> str:
    return message if str(path) in message else f"{path.parent}/{message}"
