"""Computing the indicators that are Python functions over a Dask collection."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import xarray as xr

from citylib.city.errors import CityError
from citylib.city.profile import City
from citylib.indicators.areas import Areas, unknown
from citylib.indicators.derive import derived
from citylib.indicators.figures import labelled
from citylib.indicators.own import FunctionIndicator
from citylib.indicators.periods import UNIT

if TYPE_CHECKING:
    from distributed import Client

    from citylib.lake import Piece, Table

NAMES = ["period", "area"]


def records(
    indicator: FunctionIndicator, table: Table, pieces: Sequence[Sequence[Piece]], city: City
) -> Any:
    """Records as the function of an indicator gets them.

    Parameters
    ----------
    indicator : FunctionIndicator
    table : Table
        Of its dataset.
    pieces : sequence of sequence of Piece
        All of the table's, those that make one partition together.
    city : City

    Returns
    -------
    dask.dataframe.DataFrame
        Columns `time` and `period` (datetime64[ns], civil time), `area` (of the level; the city's
        code for records of which no smaller area is known) and those that the function reads.
    """
    import dask.dataframe as dd

    place = Areas.of(city, indicator.level)
    area = {code: place.codes[number] for code, number in place.place.items()}
    said = (indicator.columns, indicator.dataset, area, city.timezone, UNIT[indicator.frequency])
    none = pa.schema([table.schema.field(name) for name in indicator.columns]).empty_table()
    meta = _frame(none, *said[1:])
    return dd.from_map(_partition, list(pieces), args=said, meta=meta, enforce_metadata=False)


def _partition(pieces: Sequence[Piece], names: Sequence[str], *how: Any) -> pd.DataFrame:
    return pd.concat([_frame(piece.read(names), *how) for piece in pieces])


def _frame(
    table: pa.Table, dataset: str, area: dict[str, str], zone: str, unit: str
) -> pd.DataFrame:
    frame = table.to_pandas(types_mapper={pa.string(): pd.StringDtype("pyarrow")}.get)
    frame = frame[frame["area"].notna()]
    for code in frame["area"].unique():
        if code not in area:
            raise unknown(dataset, code)
    local = frame["time"].dt.tz_convert(zone).dt.tz_localize(None).astype("datetime64[ns]")
    period = local.to_numpy().astype(f"datetime64[{unit}]").astype("datetime64[ns]")
    places = frame["area"].map(area).astype(pd.StringDtype("pyarrow"))
    return frame.assign(time=local, period=period, area=places).reset_index(drop=True)


def computed(
    indicator: FunctionIndicator,
    table: Table,
    city: City,
    client: Client | None,
    head: xr.DataArray | None = None,
) -> xr.DataArray:
    """Figures of an indicator that a function computes.

    Parameters
    ----------
    indicator : FunctionIndicator
    table : Table
        Of its dataset.
    city : City
    client : distributed.Client, optional
        Who computes the collection that the function returns; None: this process.
    head : xarray.DataArray, optional
        Figures of the indicator that this one is `per`.

    Returns
    -------
    xarray.DataArray
        Dims `(time, area)`, as from `citylib.indicators.figures.figures`.

    Raises
    ------
    CityError
        The function fails, or does not return what it has to.
    """
    from citylib.indicators.engine import even

    areas = Areas.of(city, indicator.level)
    every = records(indicator, table, even(table.pieces()), city)
    runs = {city.code: every.assign(area=city.code)}
    if indicator.level != "city":
        runs[indicator.level] = every[every["area"] != city.code]
    found = []
    with client.as_current() if client else nullcontext():
        for what, given in runs.items():
            try:
                result = indicator.function(given)
                if hasattr(result, "dask"):
                    result = client.compute(result).result() if client else result.compute()
            except CityError:
                raise
            except Exception as error:
                raise CityError(
                    f"indicator {indicator.id!r}: its function failed on the records of {what}: "
                    f"{type(error).__name__}: {error}"
                ) from error
            found.append(_checked(indicator, result, areas))
    series = pd.concat([one for one in found if len(one)] or found)
    unit = UNIT[indicator.frequency]
    if not len(series):
        return labelled(indicator, 0, np.empty((0, len(areas.codes))), areas, city, table.metadata)
    numbers = series.index.get_level_values(0).to_numpy().astype(f"datetime64[{unit}]")
    period = numbers.astype(np.int64)
    start = int(period.min())
    values = np.full((int(period.max()) - start + 1, len(areas.codes)), np.nan)
    column = {code: number for number, code in enumerate(areas.codes)}
    places = [column[code] for code in series.index.get_level_values(1)]
    values[period - start, places] = series.to_numpy() * indicator.scale
    array = labelled(indicator, start, values, areas, city, table.metadata)
    said = None if head is None else (head["time"].values, head.values)
    return array.copy(data=derived(indicator, array["time"].values, values, said))


def _checked(indicator: FunctionIndicator, result: Any, areas: Areas) -> pd.Series:
    """What a function returned, without what is missing."""

    def wrong(what: str) -> CityError:
        return CityError(
            f"indicator {indicator.id!r}: its function {what}; return a Series of numbers with "
            'the index (period, area), as .groupby(["period", "area"]) gives it'
        )

    if not isinstance(result, pd.Series):
        raise wrong(f"returned {type(result).__name__}")
    if list(result.index.names) != NAMES:
        raise wrong(f"returned the index {list(result.index.names)}")
    try:
        series = result.astype(float)
    except (TypeError, ValueError) as error:
        raise wrong(f"returned no numbers ({error})") from None
    series = series[np.isfinite(series)]
    if series.index.has_duplicates:
        twice = series.index[series.index.duplicated()][0]
        raise wrong(f"returned two figures for {twice}")
    for code in series.index.get_level_values(1).unique():
        if code not in areas.codes:
            raise wrong(f"returned the area {code!r}, which the level {indicator.level!r} lacks")
    try:
        periods = pd.to_datetime(series.index.get_level_values(0)).to_numpy("datetime64[ns]")
    except (TypeError, ValueError) as error:
        raise wrong(f"returned no periods ({error})") from None
    starts = periods.astype(f"datetime64[{UNIT[indicator.frequency]}]").astype("datetime64[ns]")
    if (periods != starts).any():
        raise wrong(f"returned {periods[periods != starts][0]}, which begins no period")
    return series
