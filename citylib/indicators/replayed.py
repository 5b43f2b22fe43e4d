"""Which figures rest on records that were replayed: of another day, played as if of now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xarray as xr

from citylib.indicators.periods import UNIT, edges
from citylib.lake.errors import storage
from citylib.lake.storage import filesystem

if TYPE_CHECKING:
    from citylib.lake.changes import Changes
    from citylib.lake.pieces import Piece
    from citylib.lake.table import Table

ATTRIBUTE = "replayed_from"
"""Start of the first period that rests on replayed records, ISO 8601 in the city's civil time;
empty: no period does. All later periods count as replayed too."""


def marked(
    figures: Mapping[str, xr.DataArray], tables: Mapping[str, Table]
) -> dict[str, xr.DataArray]:
    """Figures with the attribute `replayed_from`.

    Parameters
    ----------
    figures : mapping of str to xarray.DataArray
        By id, with the attributes `dataset` and `frequency`.
    tables : mapping of str to Table
        By dataset.
    """
    first = {name: first_replayed(table.pieces()) for name, table in tables.items()}
    result = {}
    for name, array in figures.items():
        dataset, frequency = array.attrs["dataset"], array.attrs["frequency"]
        said = ""
        if array.sizes["time"]:
            start = array["time"].values[0].astype(f"datetime64[{UNIT[frequency]}]").astype(int)
            zone = str(array["time"].attrs["time_zone"])
            span = (int(start), int(start) + array.sizes["time"])
            said = replayed_from(first[dataset], zone, frequency, span)
        result[name] = array.assign_attrs({ATTRIBUTE: said})
    return result


def replayed_from(first: int | None, zone: str, frequency: str, span: Sequence[int]) -> str:
    """What `replayed_from` says.

    Parameters
    ----------
    first : int, optional
        Time of the first replayed record in microseconds since 1970; None: there is none.
    zone : str
        The city's time zone.
    frequency : {"hour", "day", "month", "year"}
    span : (int, int)
        Numbers of the first period with a figure and of the one after the last.
    """
    if first is None or span[1] <= span[0]:
        return ""
    _, numbers = edges(zone, frequency, first, first)
    period = np.clip(numbers[:1], span[0], span[1] - 1).astype(f"datetime64[{UNIT[frequency]}]")
    return str(period.astype("datetime64[m]")[0])


def first_replayed(pieces: Sequence[Piece]) -> int | None:
    """Time of the first replayed record of a table, in microseconds since 1970; None: none is."""
    found = []
    for piece in pieces:
        if "replayed" not in piece.schema.names or not _perhaps(piece):
            continue
        for part in piece.tables(["time", "replayed"]):
            moment = pc.min(part.filter(part["replayed"])["time"].cast(pa.int64())).as_py()
            found += [] if moment is None else [moment]
    return min(found, default=None)


def newer_first(table: Table, changes: Changes, before: int | None) -> int | None:
    """The same, from what it was before the table changed."""
    if changes.nothing:
        return before
    spans = changes.touched
    known = before is None or not ((spans[:, 0] <= before) & (before <= spans[:, 1])).any()
    if changes.everything or not known:
        return first_replayed(table.pieces())
    if len(spans):  # records that were added may have been corrected since
        more = np.array([(file.first, file.last) for file in changes.added], np.int64)
        new = first_replayed(table.pieces(np.concatenate([spans, more.reshape(-1, 2)])))
    else:
        new = first_replayed(table.added(changes.added))
    return min((moment for moment in (before, new) if moment is not None), default=None)


def _perhaps(piece: Piece) -> bool:
    """Whether a piece may have replayed records; files say so at their end."""
    return any(_said(piece, path) for path in ([piece.path] if piece.path else piece.late))


def _said(piece: Piece, path: str) -> bool:
    system, root = filesystem(piece.root)
    with storage(f"{piece.root}/{path}"), system.open_input_file(f"{root}/{path}") as source:
        about = pq.ParquetFile(source).metadata
    names = [about.schema.column(number).path for number in range(about.num_columns)]
    if "replayed" not in names:
        return False
    for group in range(about.num_row_groups):
        statistics = about.row_group(group).column(names.index("replayed")).statistics
        if statistics is None or not statistics.has_min_max or statistics.max:
            return True
    return False


def real(array: xr.DataArray) -> xr.DataArray:
    """The periods of an indicator that do not rest on replayed records.

    Parameters
    ----------
    array : xarray.DataArray
        From the cube; dims `(time, area)`.
    """
    said = array.attrs.get(ATTRIBUTE)
    return array if not said else array.isel(time=array["time"].values < np.datetime64(said))
