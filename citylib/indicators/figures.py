"""From states to figures: what stands in the cube."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from citylib.city.datasets import Said
from citylib.city.profile import City
from citylib.indicators.aggregations import Floats
from citylib.indicators.aims import aims_attributes
from citylib.indicators.areas import Areas
from citylib.indicators.declaration import Indicator
from citylib.indicators.derive import derived
from citylib.indicators.partial import Partial, whole
from citylib.indicators.periods import UNIT

if TYPE_CHECKING:
    from citylib.lake.table import Table


def figures(
    indicator: Indicator,
    partial: Partial,
    city: City,
    metadata: Mapping[str, Any],
    head: xr.DataArray | None = None,
) -> xr.DataArray:
    """Figures of an indicator from its states.

    Parameters
    ----------
    indicator : Indicator
        Its declaration.
    partial : Partial
        From `citylib.indicators.engine.partials`.
    city : City
        Its areas, time zone and languages.
    metadata : mapping
        Of the table: `publisher` and `licence` are told.
    head : xarray.DataArray, optional
        Figures of the indicator that this one is `per`.

    Returns
    -------
    xarray.DataArray
        Dims `(time, area)`, see `citylib.indicators.cube`; from the first period with a figure to
        the last.
    """
    areas = Areas.of(city, indicator.level)
    start, values = matrix(indicator, partial, len(areas.codes))
    array = labelled(indicator, start, values, areas, city, metadata)
    said = None if head is None else (head["time"].values, head.values)
    return array.copy(data=derived(indicator, array["time"].values, values, said))


def matrix(indicator: Indicator, partial: Partial, width: int) -> tuple[int, Floats]:
    """Figures before anything is derived from them.

    Parameters
    ----------
    width : int
        Number of areas, the city included.

    Returns
    -------
    start : int
        Number of the first period, in units of the indicator's frequency since 1970.
    values : ndarray of float64, shape (periods, width)
        Without gaps; NaN: missing. The first and the last period have figures.
    """
    part = whole(indicator.how, partial, width)
    known = indicator.how.finalize(part.states) * indicator.scale
    some = ~np.isnan(known)
    if not some.any():
        return 0, np.empty((0, width))
    period, place = np.divmod(part.keys[some], width)
    start, end = int(period[0]), int(period[-1]) + 1
    values = np.full((end - start, width), np.nan)
    values[period[place > 0] - start, 1:] = indicator.how.absent
    values[period - start, place] = known[some]
    return start, values


def labelled(
    indicator: Indicator,
    start: int,
    values: Floats,
    areas: Areas,
    city: City,
    metadata: Mapping[str, Any],
) -> xr.DataArray:
    """Figures with their coordinates and attributes.

    Parameters
    ----------
    start : int
        Number of the first period.
    values : ndarray of float64, shape (periods, areas)
    """
    unit = UNIT[indicator.frequency]
    time = np.arange(start, start + len(values)).astype(f"datetime64[{unit}]")
    return xr.DataArray(
        values,
        dims=("time", "area"),
        coords={
            "time": (
                "time",
                time.astype("datetime64[ns]"),
                {"standard_name": "time", "time_zone": city.timezone},
            ),
            "area": ("area", np.array(areas.codes, dtype=object), {"level": indicator.level}),
        },
        name=indicator.id,
        attrs=attributes(indicator, metadata),
    )


def attributes(indicator: Indicator, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What the cube says of an indicator.

    Parameters
    ----------
    metadata : mapping
        Of its table.
    """
    titles = {f"long_name_{language}": title for language, title in indicator.title.items()}
    methods = {f"description_{lang}": text for lang, text in indicator.description.items()}
    return {
        "long_name": indicator.title.get("en", indicator.id),
        **titles,
        **methods,
        "units": indicator.units,
        "domain": indicator.domain,
        "dataset": indicator.dataset,
        **_said("source", metadata["publisher"]),
        **_said("licence", metadata["licence"]),
        "classification": indicator.classification,
        "frequency": indicator.frequency,
        "aggregation": indicator.aggregation,
        "cell_methods": f"time: {indicator.aggregation} area: {indicator.aggregation}",
        "better": indicator.better or "",
        **aims_attributes(indicator.thresholds, indicator.target),
        "headline": int(indicator.headline),
        "declaration": indicator.digest,
    }


def declarations(
    indicators: Mapping[str, Indicator], tables: Mapping[str, Table]
) -> dict[str, str]:
    """What tells by indicator whether something else is declared, of it or of its table."""
    said = {
        name: json.dumps(attributes(one, tables[one.dataset].metadata))
        for name, one in indicators.items()
    }
    return {name: hashlib.sha256(text.encode()).hexdigest()[:16] for name, text in said.items()}


def _said(name: str, text: Said) -> dict[str, str]:
    """Attributes for a text that may differ by language: `name`, and `name_<language>`."""
    if isinstance(text, str):
        return {name: text}
    plain = text.get("en") or next(iter(text.values()))
    return {name: plain, **{f"{name}_{language}": own for language, own in text.items()}}
