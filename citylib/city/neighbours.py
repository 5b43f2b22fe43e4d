"""Which areas of a level touch each other."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from citylib.city.areas import AreaLevel

if TYPE_CHECKING:
    from collections.abc import Mapping

REACH = 1e-4
"""Degrees, some 10 m: boundaries that were generalised one by one do not meet exactly."""


def neighbours(level: AreaLevel) -> Mapping[str, tuple[str, ...]]:
    """Areas that touch an area, by its code.

    Parameters
    ----------
    level : AreaLevel
        Areas and their boundaries.

    Returns
    -------
    mapping of str to tuple of str
        Codes in the order of the level; empty for an island, and for an area without a boundary.

    Examples
    --------
    >>> neighbours(city.levels["district"])["11250"]  # doctest: +SKIP
    ('11050', '11240')
    """
    found = _touching(level.boundary, level.boundary.stat().st_mtime_ns)
    order = {code: place for place, code in enumerate(level.areas)}
    return {
        code: tuple(sorted((c for c in found.get(code, ()) if c in order), key=order.__getitem__))
        for code in level.areas
    }


@lru_cache(maxsize=16)
def _touching(boundary: Path, _changed: int) -> dict[str, set[str]]:
    # Slow to import, and needed only where somebody looks at an area.
    from shapely import STRtree
    from shapely.geometry import shape

    features = json.loads(boundary.read_text("utf-8"))["features"]
    codes = [str(feature["properties"]["code"]) for feature in features]
    shapes = np.array([shape(feature["geometry"]) for feature in features], dtype=object)
    one, other = STRtree(shapes).query(shapes, predicate="dwithin", distance=REACH)
    touching: dict[str, set[str]] = {code: set() for code in codes}
    for a, b in zip(one.tolist(), other.tolist(), strict=True):
        if codes[a] != codes[b]:
            touching[codes[a]].add(codes[b])
    return touching
