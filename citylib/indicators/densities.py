"""Density maps of all datasets with positions, kept where screens find them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from citylib.city.profile import City
from citylib.city.settings import Settings
from citylib.indicators.grid import density
from citylib.lake import DatasetMissing, Lake

if TYPE_CHECKING:
    import xarray as xr

CELL = 500.0
"""Metres."""
POSITION = ("lon", "lat")


def place_of(settings: Settings) -> Path:
    """Folder of the maps."""
    return settings.var / "densities"


def tell_densities(lake: Lake, city: City, place: Path) -> list[str]:
    """Count the records of each dataset with positions in squares, where they have changed.

    Personal records are left out: a square may hold a single person.

    Parameters
    ----------
    lake : Lake
        Where the tables are.
    city : City
        Its datasets.
    place : Path
        Folder of the maps, two files for each dataset.

    Returns
    -------
    list of str
        Datasets that were counted.
    """
    done = []
    for name, spec in city.datasets.items():
        columns = {column.name: column for column in spec.column}
        shown = [columns[one].classification or spec.classification for one in POSITION
                 if one in columns]  # fmt: skip
        if len(shown) < len(POSITION) or "personal" in shown:
            continue
        try:
            table = lake.table(name)
        except DatasetMissing:
            continue
        path = place / f"{name}.json"
        if _version(path) == table.version:
            continue
        cells = squares(density(table, city, None, CELL))
        place.mkdir(parents=True, exist_ok=True)
        _write(_cells(place, name), cells)
        told = {"cell": CELL, "title": spec.title, "squares": len(cells["features"])}
        _write(path, {"version": table.version, **told})
        done.append(name)
    return done


def told_densities(place: Path) -> dict[str, dict[str, Any]]:
    """The maps there are, by dataset: `cell` (m), `title` (by language), number of `squares`."""
    found = {}
    for path in sorted(place.glob("[!.]*.json")):
        try:
            value = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):  # it may not be read by whoever shows the screen
            continue
        if isinstance(value, dict) and value.get("squares"):
            found[path.stem] = value
    return found


def told_squares(place: Path, dataset: str) -> list[dict[str, Any]]:
    """Squares of a map as GeoJSON features with the property `count`; none if it is gone."""
    try:
        features: list[dict[str, Any]] = json.loads(_cells(place, dataset).read_text("utf-8"))[
            "features"
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return features


def squares(counted: xr.DataArray) -> dict[str, Any]:
    """Cells that hold something as a GeoJSON FeatureCollection with the property `count`."""
    lat, lon = (np.asarray(counted[name].values, dtype="float64") for name in ("lat", "lon"))
    high, wide = (float(axis[1] - axis[0]) / 2 if axis.size > 1 else 0.0 for axis in (lat, lon))
    features = []
    for row, column in np.argwhere(counted.values > 0):
        south, north = lat[row] - high, lat[row] + high
        west, east = lon[column] - wide, lon[column] + wide
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        points = [[round(float(x), 5), round(float(y), 5)] for x, y in ring]
        features.append(
            {
                "type": "Feature",
                "properties": {"count": int(counted.values[row, column])},
                "geometry": {"type": "Polygon", "coordinates": [points]},
            }
        )
    return {"type": "FeatureCollection", "features": features}


def _cells(place: Path, dataset: str) -> Path:
    """Kept apart: few of those who offer a map show it."""
    return place / f"{dataset}.geojson"


def _write(path: Path, value: dict[str, Any]) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    part.replace(path)


def _version(path: Path) -> object:
    try:
        told = json.loads(path.read_text("utf-8"))
        return told["version"] if "squares" in told else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
