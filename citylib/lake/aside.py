"""Rows that were set aside: which there are, given out to be mended, and taken in again.

Nothing is taken out of the table of rows set aside. A second table, `_mended`, notes those that
were brought again, mended or in another state of their file, so that over the history of a dataset
what was read remains what was stored, was there already or was set aside. What a feed brings at
every poll, until its source mends it, is one row to whoever lists or mends it.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from citylib.lake.errors import FileFault
from citylib.lake.personal import LEFT_OUT
from citylib.lake.schema import CUT, MENDED, STAMP
from citylib.lake.store import read_aside, scan
from citylib.lake.tables import again, append, join

NOTES = pa.schema(
    [
        pa.field("row", pa.string()),
        pa.field("delivery", pa.string()),
        pa.field("mended", STAMP),
    ]
)
HEADERS = ("dataset", "row", "reason", "feed", "file", "line", "raw")
"""Of a file to be mended; `raw` is the row as its source has it."""
LARGEST = 256 * 2**20
"""Bytes of a file of mended rows."""
PLACE = ("digest", "file", "line", "feed", "raw")
"""What a row set aside has its name by."""


def mended_uri(uri: str, dataset: str) -> str:
    """Where it is noted which rows set aside of a dataset were brought again."""
    return join(uri, "_mended", dataset)


def rows_aside(uri: str, dataset: str, every: bool = False) -> pa.Table:
    """Rows of a dataset that are set aside.

    Parameters
    ----------
    uri, dataset : str
        Lake and dataset.
    every : bool
        Those too that were brought again since, and each of those that a feed brought many times.

    Returns
    -------
    pa.Table
        As `Lake.set_aside`, and `row`, a name for each row. Values that were left out of records
        that were kept are not among them.
    """
    found = read_aside(uri, dataset)
    found = found.filter(pc.greater(found["records"], 0))
    names = _names(found)
    found = found.append_column("row", pa.array(names, pa.string()))
    if every or not found.num_rows:
        return found
    done = _brought_again(mended_uri(uri, dataset))
    newest: dict[str, tuple[datetime, str]] = {}
    brought = list(zip(found["received"].to_pylist(), found["digest"].to_pylist(), strict=True))
    for name, delivery in zip(names, brought, strict=True):
        newest[name] = max(newest.get(name, delivery), delivery)
    keep = [
        name not in done and newest[name] == delivery
        for name, delivery in zip(names, brought, strict=True)
    ]
    return found.filter(pa.array(keep, pa.bool_()))


def _names(rows: pa.Table) -> list[str]:
    columns = [rows[name].to_pylist() for name in PLACE]
    return [_name(*values) for values in zip(*columns, strict=True)]


def _name(digest: str, file: str, line: int, feed: str | None, raw: str | None) -> str:
    """Name of a row: its place in its file; its text, where a feed brought it.

    Not so when the text is not whole, and for a mended row that still does not fit: it may have
    the text of the row that it stands for, which was brought again.
    """
    place = f"{digest}\0{file}\0{line}"
    if feed and raw and raw != LEFT_OUT and len(raw) < CUT and not file.startswith(MENDED):
        place = f"{feed}\0{raw}"
    return hashlib.blake2b(place.encode(), digest_size=12).hexdigest()


def outdated(aside_uri: str, mended_uri: str, current: dict[str, str]) -> None:
    """Note rows set aside of files that have come with other bytes since, once, as brought again.

    Parameters
    ----------
    aside_uri, mended_uri : str
        The table of rows set aside, and that of rows brought again.
    current : dict of str to str
        Digests of files as they are now, by name.
    """
    done = _brought_again(mended_uri)
    now = datetime.now(UTC)
    noted: dict[str, str] = {}
    for part in scan(aside_uri, ["digest", "file", "line", "feed"]):
        for row in part.to_pylist():
            digest = current.get(row["file"])
            if digest not in (None, row["digest"]) and not row["feed"]:
                noted[_name(row["digest"], row["file"], row["line"], None, None)] = digest or ""
    new = [row for row in noted if row not in done]
    if new:
        rows = [{"row": row, "delivery": noted[row], "mended": now} for row in new]
        again(mended_uri, lambda: append(mended_uri, pa.Table.from_pylist(rows, NOTES)))


def left(uri: str, dataset: str) -> int:
    """Number of records set aside that were not brought again; `rows_aside` without the rows."""
    done = _brought_again(mended_uri(uri, dataset))
    newest: dict[str, tuple[datetime, str, int]] = {}
    for part in scan(join(uri, "_set_aside", dataset), [*PLACE, "received", "records"]):
        counted = part.filter(pc.greater(part["records"], 0))
        columns = [counted[name].to_pylist() for name in ("received", "digest", "records")]
        for name, *delivery, records in zip(_names(counted), *columns, strict=True):
            known = newest.get(name)
            if known and known[:2] == tuple(delivery):
                records += known[2]
            if not known or known[:2] <= tuple(delivery):
                newest[name] = (*delivery, records)
    return sum(records for name, (*_, records) in newest.items() if name not in done)


def _brought_again(uri: str) -> set[str]:
    return {name for part in scan(uri, ["row"]) for name in part["row"].to_pylist()}


def some(rows: pa.Table, reason: str = "", feed: str = "") -> pa.Table:
    """Of rows set aside those whose reason has these words and that a feed brought."""
    keep = np.ones(rows.num_rows, bool)
    if reason:
        keep &= pc.match_substring(rows["reason"], reason, ignore_case=True).to_numpy()
    if feed:
        keep &= pc.equal(pc.fill_null(rows["feed"], ""), feed).to_numpy()
    return rows.filter(pa.array(keep))


def summary(uri: str, datasets: Collection[str]) -> list[dict[str, Any]]:
    """What is set aside by dataset, reason and feed, most records first.

    Returns
    -------
    list of dict
        dataset, reason, feed, rows, records, newest (when the lake last read such a row).
    """
    result = []
    for dataset in datasets:
        groups = rows_aside(uri, dataset).group_by(["reason", "feed"])
        counted = groups.aggregate([("row", "count"), ("records", "sum"), ("received", "max")])
        part = [
            {
                "dataset": dataset,
                "reason": group["reason"],
                "feed": group["feed"] or "",
                "rows": group["row_count"],
                "records": group["records_sum"],
                "newest": group["received_max"],
            }
            for group in counted.to_pylist()
        ]
        result += sorted(part, key=lambda group: (-group["records"], group["reason"]))
    return result


def to_csv(rows: dict[str, pa.Table]) -> str:
    """Rows set aside as a CSV file to be mended, each once, by dataset."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADERS)
    for dataset, table in rows.items():
        once: dict[str, dict[str, Any]] = {}
        for row in table.to_pylist():
            if row["row"] in once:
                reasons = once[row["row"]]["reason"]
                row["reason"] = f"{reasons}; {row['reason']}"
            once[row["row"]] = {**row, "dataset": dataset}
        writer.writerows([row[name] for name in HEADERS] for row in once.values())
    return text.getvalue()


def from_csv(path: Path) -> dict[str, dict[str, str]]:
    """Mended rows of a file, the text of each by its name, by dataset.

    Raises
    ------
    FileFault
        The file is not one that `to_csv` has made.
    """
    result: dict[str, dict[str, str]] = {}
    try:
        if path.stat().st_size > LARGEST:
            raise FileFault(f"{path}: more than {LARGEST >> 20} MB; mend it in parts")
        with path.open(encoding="utf-8-sig", newline="") as file:
            csv.field_size_limit(LARGEST)
            reader = csv.DictReader(file, strict=True)
            missing = {"dataset", "row", "raw"} - {*(reader.fieldnames or ())}
            if missing:
                raise FileFault(
                    f"{path}: no column {', '.join(sorted(missing))}; begin with what "
                    "`citylib aside export` writes, and change the column raw alone"
                )
            for row in reader:
                if row["raw"] is None or None in row:
                    raise FileFault(f"{path}:{reader.line_num}: fields are missing or too many")
                result.setdefault(row["dataset"], {})[row["row"]] = row["raw"]
    except OSError as error:
        raise FileFault(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise FileFault(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except csv.Error as error:
        raise FileFault(f"{path}: not readable as CSV: {error}") from None
    return result
