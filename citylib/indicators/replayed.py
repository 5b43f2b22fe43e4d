"""Which figures rest on records that were replayed: of another day, played as if of now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.dataset as ds
import xarray as xr

if TYPE_CHECKING:
    from citylib.lake import Table

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
        By id, with the attribute `dataset`.
    tables : mapping of str to Table
        By dataset.
    """
    first = {name: first_replayed(table) for name, table in tables.items()}
    result = {}
    for name, array in figures.items():
        moment, times = first[array.attrs["dataset"]], array["time"].values
        said = ""
        if moment is not None and times.size:
            place = max(0, int(np.searchsorted(times, moment, side="right")) - 1)
            said = str(times[place].astype("datetime64[m]"))
        result[name] = array.assign_attrs({ATTRIBUTE: said})
    return result


def first_replayed(table: Table) -> np.datetime64 | None:
    """Time of a table's first replayed record, in the city's civil time; None: it has none."""
    if "replayed" not in table.schema.names:
        return None
    if table.late:  # corrections must be heeded, so that all is looked at
        found = []
        for piece in table.pieces():
            if any(pc.any(part["replayed"]).as_py() for part in piece.tables(["replayed"])):
                parts = piece.tables(["time", "replayed"])
                found += [pc.min(part.filter(part["replayed"])["time"]).as_py() for part in parts]
    else:  # files without such records are not read: their statistics tell
        found = [pc.min(table.read(["time"], ds.field("replayed"))["time"]).as_py()]
    found = [moment for moment in found if moment is not None]
    if not found:
        return None
    zone = str(table.metadata["timezone"])
    return np.datetime64(pd.Timestamp(min(found)).tz_convert(zone).tz_localize(None))


def real(array: xr.DataArray) -> xr.DataArray:
    """The periods of an indicator that do not rest on replayed records.

    Parameters
    ----------
    array : xarray.DataArray
        From the cube; dims `(time, area)`.
    """
    said = array.attrs.get(ATTRIBUTE)
    return array if not said else array.isel(time=array["time"].values < np.datetime64(said))
