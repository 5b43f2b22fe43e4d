"""What was set aside of a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from citylib.lake.errors import storage
from citylib.lake.overruled import complete
from citylib.lake.schema import SET_ASIDE
from citylib.lake.tables import join, open_table


def scan(uri: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Columns of a table that is kept beside the records, a part at a time: it may be large."""
    table = open_table(uri)
    if table is None:
        return
    with storage(uri):
        whole = table.to_pyarrow_dataset()
        names = [name for name in columns if name in whole.schema.names]
        for batch in whole.scanner(columns=names).to_batches():
            part = pa.Table.from_batches([batch])
            for name in set(columns).difference(names):  # the table is older than the column
                part = part.append_column(name, pa.nulls(part.num_rows, SET_ASIDE.field(name).type))
            yield part


def reasons(uri: str, dataset: str, digests: Iterable[str]) -> list[dict[str, Any]]:
    """Why rows of files with these digests were set aside, most records first.

    Returns
    -------
    list of dict
        reason; records set aside for it; values left out for it of records that were kept; file
        and line of the first.
    """
    wanted = pa.array(sorted(digests), pa.string())
    found: dict[str, dict[str, Any]] = {}
    columns = ["digest", "reason", "records", "file", "line"]
    for part in scan(join(uri, "_set_aside", dataset), columns):
        some = part.filter(pc.is_in(part["digest"], wanted))
        some = some.append_column("values", pc.equal(some["records"], 0).cast(pa.int64()))
        some = some.sort_by([("file", "ascending"), ("line", "ascending")])
        groups = some.group_by("reason", use_threads=False).aggregate(
            [("records", "sum"), ("values", "sum"), ("file", "first"), ("line", "first")]
        )
        for row in groups.to_pylist():
            new = {name.removesuffix("_sum").removesuffix("_first"): row[name] for name in row}
            known = found.setdefault(row["reason"], {**new, "records": 0, "values": 0})
            first = min((known["file"], known["line"]), (new["file"], new["line"]))
            known["file"], known["line"] = first
            for name in ("records", "values"):
                known[name] += new[name]
    return sorted(found.values(), key=lambda one: (-one["records"], one["reason"]))


def read_aside(uri: str, dataset: str, digests: Iterable[str] | None = None) -> pa.Table:
    """Rows set aside of a dataset, of the files with these digests or of all."""
    place = join(uri, "_set_aside", dataset)
    table = open_table(place)
    if table is None:
        return SET_ASIDE.empty_table()
    with storage(place):
        rows = complete(table.to_pyarrow_table(), SET_ASIDE)
    if digests is not None:
        rows = rows.filter(pc.is_in(rows["digest"], pa.array(list(digests), pa.string())))
    return rows.sort_by([("file", "ascending"), ("line", "ascending"), ("reason", "ascending")])
