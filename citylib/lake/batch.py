"""A batch of mapped records, what became of it, and its account."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np
import pyarrow as pa

from citylib.city.datasets import DatasetSpec
from citylib.city.errors import CityError
from citylib.lake import compare
from citylib.lake.records import Mapped
from citylib.lake.schema import CUT, LINE, SET_ASIDE, table_schema
from citylib.lake.sheet import Sheet


@dataclass
class Part:
    """A sheet of a delivery, mapped.

    Attributes
    ----------
    sheet, mapped : Sheet, Mapped
        Rows and records.
    digest : str
        Of the delivery that it is from.
    number : int
        Its place in the delivery, from 1.
    """

    sheet: Sheet
    mapped: Mapped
    digest: str
    number: int = 1


@dataclass
class Batch:
    """Parts that are committed together; those of one delivery follow each other.

    Attributes
    ----------
    parts : list of Part
    feed : str
        Who brought them.
    replayed : bool
    delivered : str, optional
        Digest of a delivery that is complete with this batch, and refused from then on.
    goes_on : str, optional
        Digest of the delivery that the next batch may go on with.
    """

    parts: list[Part] = field(default_factory=list)
    feed: str = ""
    replayed: bool = False
    delivered: str | None = None
    goes_on: str | None = None

    @property
    def rows(self) -> int:
        """Records in it, also those that do not fit: they take room as well."""
        return sum(part.mapped.read for part in self.parts)


@dataclass
class Judged:
    """What becomes of a batch.

    Attributes
    ----------
    accounts : list of dict
        Of each part: read, stored, duplicate, set_aside.
    aside : list of pa.Table
        Rows to set aside, of each part.
    table : pa.Table
        All records of the batch.
    verdict : Verdict
        Their fates.
    """

    accounts: list[dict[str, int]]
    aside: list[pa.Table]
    table: pa.Table
    verdict: compare.Verdict

    @cached_property
    def main(self) -> np.ndarray:
        """Rows to store in the partitions of their times, in the order of time."""
        order = self.verdict.order
        return order[self.verdict.fate[order] == compare.MAIN]

    @cached_property
    def late(self) -> np.ndarray:
        """Rows to store in the partition `late`, in the order of their delivery."""
        return np.flatnonzero(self.verdict.fate == compare.LATE)

    @property
    def stored(self) -> bool:
        """Whether there is something to store."""
        return bool(len(self.main) or len(self.late))

    @property
    def total(self) -> Counter[str]:
        """Account of the batch."""
        return sum((Counter(account) for account in self.accounts), Counter())


def together(batch: Batch, spec: DatasetSpec) -> pa.Table:
    tables = [part.mapped.records for part in batch.parts if part.mapped.records.num_rows]
    if not tables:
        return table_schema(spec).append(pa.field(LINE, pa.int64())).empty_table()
    return pa.concat_tables(tables, promote_options="permissive")


def account_of(part: Part, fate: np.ndarray, aside: int) -> dict[str, int]:
    account = {
        "read": part.mapped.read,
        "stored": int((fate <= compare.LATE).sum()),
        "duplicate": int((fate == compare.DUPLICATE).sum()) + part.mapped.duplicate,
        "set_aside": aside,
    }
    if account["read"] != sum(account.values()) - account["read"]:
        raise CityError(f"{part.sheet.file}: the account does not add up: {account}; report this")
    return account


def set_aside(part: Part, rows: list[tuple[int, str]], feed: str, now: datetime) -> pa.Table:
    noted = Counter(rows)
    noted.update(dict.fromkeys(part.mapped.remarks, 0))
    return pa.Table.from_pylist(
        [
            {
                "file": part.sheet.file,
                "line": line,
                "records": number,
                "reason": reason,
                "raw": part.sheet.raw(line)[:CUT],
                "digest": part.digest,
                "feed": feed,
                "received": now,
            }
            for (line, reason), number in sorted(noted.items())
        ],
        SET_ASIDE,
    )
