"""Water and lines under the figures, made fit to be looked at."""

from __future__ import annotations

from typing import Any

import numpy as np

from citylib.city.profile import City, Layer

# A ring this short is a speck left by whoever generalised the source.
SPECK = 5
COARSE = 40


def layers(city: City) -> list[tuple[Layer, dict[str, Any]]]:
    """Layers of the city's basemap with their shapes; coarse shores are rounded.

    Returns
    -------
    list of (Layer, dict)
        From bottom to top; GeoJSON FeatureCollections in degrees.
    """
    return [
        (layer, _smooth(layer.geojson()) if layer.kind == "water" else layer.geojson())
        for layer in city.basemap
    ]


def _smooth(shapes: dict[str, Any]) -> dict[str, Any]:
    features = []
    for feature in shapes["features"]:
        geometry = feature["geometry"]
        many = geometry["type"] == "MultiPolygon"
        polygons = geometry["coordinates"] if many else [geometry["coordinates"]]
        kept = [
            [rounded(ring) for ring in polygon] for polygon in polygons if len(polygon[0]) > SPECK
        ]
        if kept:
            shape = {"type": "MultiPolygon", "coordinates": kept}
            features.append({"type": "Feature", "properties": {}, "geometry": shape})
    return {"type": "FeatureCollection", "features": features}


def rounded(ring: list[list[float]], times: int = 2) -> list[list[float]]:
    """A closed ring with its corners cut (Chaikin, 1974); a finely drawn one as it is.

    Parameters
    ----------
    ring : list of [longitude, latitude]
        The first point is also the last.
    times : int
        Each cut doubles the points.
    """
    if len(ring) > COARSE:
        return ring
    points = np.array([point[:2] for point in ring[:-1]])
    for _ in range(times):
        following = np.roll(points, -1, axis=0)
        cut = np.stack([0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following], axis=1)
        points = cut.reshape(-1, 2)
    return np.round(np.vstack([points, points[:1]]), 5).tolist()
