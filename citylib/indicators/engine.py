"""From tables of records to figures: one task for each piece, partial results merged by Dask.

A task reads the columns that the table's indicators need, once, and returns the states of its
groups; states are merged two by two in the pieces' order, so that the figures do not depend on
which worker was quicker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import xarray as xr
from distributed import Client, Future, as_completed

from citylib.city.datasets import Said
from citylib.city.errors import CityError
from citylib.city.profile import City
from citylib.indicators.aggregations import Rows
from citylib.indicators.declaration import Indicator
from citylib.indicators.partial import Partial, empty, merge
from citylib.indicators.replayed import marked
from citylib.lake.errors import StorageFault

if TYPE_CHECKING:
    from citylib.lake import Lake, Piece

UNIT = {"hour": "h", "day": "D", "month": "M", "year": "Y"}
"""numpy's unit of a period for each frequency."""


@dataclass(frozen=True)
class Areas:
    """Areas along the cube's dimension for one level, and where each record's area belongs.

    Attributes
    ----------
    codes : tuple of str
        The city, then the level's areas in the profile's order.
    place : dict of str to int
        Number of the level's area for every code at or below it; -1 for a code of which only the
        city is known.
    """

    codes: tuple[str, ...]
    place: dict[str, int]

    @classmethod
    def of(cls, city: City, level: str) -> Areas:
        """Areas of a level of a city; the level `city` has the city alone."""
        codes = (city.code, *(() if level == "city" else city.levels[level].areas))
        number = {code: index for index, code in enumerate(codes) if index}
        place = {city.code: -1}
        for finer in city.levels.values():
            for code in finer.areas:
                line = (code, *city.ancestors(code))
                place[code] = next((number[c] for c in line if c in number), -1)
        return cls(codes, place)


@dataclass(frozen=True)
class Plan:
    """What a task needs to know of one indicator, small enough to send to any worker."""

    indicator: Indicator
    areas: Areas
    timezone: str


def compute(
    indicators: Sequence[Indicator],
    lake: Lake,
    city: City,
    client: Client,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, xr.DataArray]:
    """Compute indicators from the tables of the lake.

    Parameters
    ----------
    indicators : sequence of Indicator
        Any number, over any tables; a table is read once for all its indicators.
    lake : Lake
        Where the tables are. Workers must reach the same address.
    city : City
        Its areas, time zone and languages.
    client : distributed.Client
        Threads of this process or a cluster; the figures are the same.
    progress : callable (done, total), optional
        Called whenever a task is done.

    Returns
    -------
    dict of str to xarray.DataArray
        By id; dims `(time, area)`, see `citylib.indicators.cube`.

    Raises
    ------
    DeclarationError
        An indicator does not fit the city.
    DatasetMissing
        A table has not been loaded yet.
    """
    for indicator in indicators:
        indicator.check(city)
    levels = {level: Areas.of(city, level) for level in {i.level for i in indicators}}
    finished: dict[str, Future] = {}
    tasks: list[Future] = []
    tables = {name: lake.table(name) for name in dict.fromkeys(i.dataset for i in indicators)}
    for name, table in tables.items():
        plans = [Plan(i, levels[i.level], city.timezone) for i in indicators if i.dataset == name]
        parts = [client.submit(_chunk_piece, piece, plans, pure=False) for piece in table.pieces()]
        tasks += parts
        while len(parts) > 1:
            pairs = [parts[at : at + 2] for at in range(0, len(parts), 2)]
            parts = [
                client.submit(_merge_all, plans, *pair, pure=False) if len(pair) == 2 else pair[0]
                for pair in pairs
            ]
            tasks += parts
        for plan in plans:
            finished[plan.indicator.id] = (
                client.submit(_pick, parts[0], plan.indicator.id, pure=False)
                if parts
                else client.submit(empty, plan.indicator.how, pure=False)
            )
    _follow([*dict.fromkeys(tasks), *finished.values()], progress)
    figures = {
        indicator.id: _figures(
            indicator,
            finished[indicator.id].result(),
            levels[indicator.level],
            city,
            tables[indicator.dataset].metadata,
        )
        for indicator in indicators
    }
    return marked(figures, tables)


def _follow(tasks: list[Future], progress: Callable[[int, int], None] | None) -> None:
    for done, task in enumerate(as_completed(tasks), start=1):
        if task.status == "error":
            raise task.exception()
        if progress:
            progress(done, len(tasks))


def _chunk_piece(piece: Piece, plans: list[Plan]) -> dict[str, Partial]:
    """Task: states of one piece of a table for each indicator, row group by row group."""
    columns = list(dict.fromkeys(name for plan in plans for name in plan.indicator.columns))
    result = {plan.indicator.id: empty(plan.indicator.how) for plan in plans}
    try:
        for table in piece.tables(columns):
            for plan in plans:
                part = _chunk(table, plan)
                result[plan.indicator.id] = merge(
                    plan.indicator.how, result[plan.indicator.id], part
                )
    except StorageFault as error:
        raise CityError(
            f"{error}. If workers run on other machines, the lake must have an address that they "
            "reach too"
        ) from None
    return result


def _chunk(table: pa.Table, plan: Plan) -> Partial:
    indicator = plan.indicator
    table = table.filter(pc.is_valid(table["area"]))
    meant = _meant(table, indicator)
    if indicator.how.needs_measure:
        table = table.filter(meant)
    area = table["area"].combine_chunks().dictionary_encode()
    names = area.dictionary.to_pylist()
    for code in names:
        if code not in plan.areas.place:
            raise CityError(
                f"dataset {indicator.dataset!r}: area {code!r} is not in the city's profile; "
                "load the dataset again after changing the profile's areas"
            )
    place = np.array([plan.areas.place[code] for code in names], np.int64)
    place = place[area.indices.to_numpy()] if len(names) else np.empty(0, np.int64)
    period = _periods(table["time"], plan)
    time = table["time"].cast(pa.int64()).to_numpy().astype(np.float64)
    values = _floats(table[indicator.measure]) if indicator.measure else _floats(meant)
    below = _floats(table[indicator.denominator]) if indicator.denominator else values
    rows = Rows(values, below, time)
    part = _group(plan, rows, period, np.zeros_like(place))
    inside = np.flatnonzero(place > 0)
    if len(inside):
        of_areas = _group(
            plan,
            Rows(values[inside], below[inside], time[inside]),
            period[inside],
            place[inside],
        )
        part = merge(indicator.how, part, of_areas)
    return part


def _group(plan: Plan, rows: Rows, period: np.ndarray, place: np.ndarray) -> Partial:
    keys, groups = np.unique(period * len(plan.areas.codes) + place, return_inverse=True)
    return Partial(keys, plan.indicator.how.chunk(rows, groups.astype(np.int64), len(keys)))


def _periods(time: pa.ChunkedArray, plan: Plan) -> np.ndarray:
    moments, groups = np.unique(time.cast(pa.int64()).to_numpy(), return_inverse=True)
    civil = (
        pd.DatetimeIndex(moments.astype("datetime64[us]"), tz="UTC")
        .tz_convert(plan.timezone)
        .tz_localize(None)
    )
    unit = UNIT[plan.indicator.frequency]
    periods = civil.to_numpy().astype(f"datetime64[{unit}]").astype(np.int64)
    return periods[groups]


def _meant(table: pa.Table, indicator: Indicator) -> pa.ChunkedArray:
    """Whether `where` keeps each record."""
    keep = pa.chunked_array([pa.repeat(True, table.num_rows)])
    for column, wanted in indicator.where.items():
        values = pa.array(wanted if isinstance(wanted, list) else [wanted])
        keep = pc.and_(keep, pc.is_in(table[column], values.cast(table[column].type)))
    return keep


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    return column.cast(pa.float64()).to_numpy(zero_copy_only=False)


def _merge_all(
    plans: list[Plan], a: dict[str, Partial], b: dict[str, Partial]
) -> dict[str, Partial]:
    """Task: merge what two pieces of a table brought."""
    return {
        plan.indicator.id: merge(plan.indicator.how, a[plan.indicator.id], b[plan.indicator.id])
        for plan in plans
    }


def _pick(parts: dict[str, Partial], name: str) -> Partial:
    return parts[name]


def _figures(
    indicator: Indicator, part: Partial, areas: Areas, city: City, source: dict[str, Any]
) -> xr.DataArray:
    width = len(areas.codes)
    period, place = np.divmod(part.keys, width)
    start, end = (period.min(), period.max() + 1) if len(period) else (0, 0)
    values = np.full((int(end - start), width), np.nan)
    values[period[place > 0] - start, 1:] = indicator.how.absent
    values[period - start, place] = indicator.how.finalize(part.states) * indicator.scale
    if indicator.derive == "difference":
        values = np.diff(values, axis=0, prepend=np.nan)
    elif indicator.derive == "running_total":
        values = np.where(np.isnan(values), np.nan, np.nancumsum(values, axis=0))
    unit = UNIT[indicator.frequency]
    time = np.arange(start, end).astype(f"datetime64[{unit}]").astype("datetime64[ns]")
    titles = {f"long_name_{language}": title for language, title in indicator.title.items()}
    methods = {f"description_{lang}": text for lang, text in indicator.description.items()}
    return xr.DataArray(
        values,
        dims=("time", "area"),
        coords={
            "time": ("time", time, {"standard_name": "time", "time_zone": city.timezone}),
            "area": ("area", np.array(areas.codes, dtype=object), {"level": indicator.level}),
        },
        name=indicator.id,
        attrs={
            "long_name": indicator.title.get("en", indicator.id),
            **titles,
            **methods,
            "units": indicator.units,
            "domain": indicator.domain,
            "dataset": indicator.dataset,
            **_said("source", source["publisher"]),
            **_said("licence", source["licence"]),
            "classification": indicator.classification,
            "frequency": indicator.frequency,
            "aggregation": indicator.aggregation,
            "cell_methods": f"time: {indicator.aggregation} area: {indicator.aggregation}",
            "better": indicator.better or "",
            "headline": int(indicator.headline),
            "declaration": indicator.digest,
        },
    )


def _said(name: str, text: Said) -> dict[str, str]:
    """Attributes for a text that may differ by language: `name`, and `name_<language>`."""
    if isinstance(text, str):
        return {name: text}
    plain = text.get("en") or next(iter(text.values()))
    return {name: plain, **{f"{name}_{language}": own for language, own in text.items()}}
