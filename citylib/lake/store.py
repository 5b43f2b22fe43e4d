"""What was set aside of a dataset."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from citylib.lake.errors import storage
from citylib.lake.overruled import complete
from citylib.lake.schema import SET_ASIDE
from citylib.lake.tables import join, open_table


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
