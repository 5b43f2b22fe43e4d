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
        Folder of the maps, one file for each dataset.

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
        counted = density(table, city, None, CELL)
        place.mkdir(parents=True, exist_ok=True)
        said = {"version": table.version, "cell": CELL, "title": spec.title, **squares(counted)}
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.write_text(json.dumps(said, ensure_ascii=False), "utf-8")
        part.replace(path)
        done.append(name)
    return done


def told_densities(place: Path) -> dict[str, dict[str, Any]]:
    """The maps there are, by dataset: GeoJSON with `cell` (m) and `title` (by language)."""
    found = {}
    for path in sorted(place.glob("[!.]*.json")):
        try:
            value = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):  # it may not be read by whoever shows the screen
            continue
        if isinstance(value, dict) and value.get("features"):
            found[path.stem] = value
    return found


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


def _version(path: Path) -> object:
    try:
        return json.loads(path.read_text("utf-8")).get("version")
    except (OSError, ValueError, AttributeError):
        return None
