"""Areas of a city: levels, names, boundaries, and the crosswalk between codes that offices use."""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from citylib.city.errors import CityError, ProfileError
from citylib.city.model import Plain

ALIAS = "alias"
NAME = "name"
CODE = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
"""What a code looks like: it becomes a part of paths, addresses and CSS classes."""


class UnknownArea(CityError):
    """A code or a name that no area of the level has."""


class Area(NamedTuple):
    """One area: canonical code, name per language, code of the area that holds it."""

    code: str
    name: dict[str, str]
    parent: str | None


class AreaLevel(Plain):
    """A way of dividing the city, such as its districts.

    Attributes
    ----------
    id : str
        Name of the level in the profile, such as "district".
    name : dict of str to str
        What people call it, per language.
    parent : str or None
        Level whose areas hold those of this level; None: the city itself.
    table : Path
        CSV with a row for each area: code, parent, name_<language>…; every other column is a
        scheme of the crosswalk. A cell may hold several values, separated by "|"; the column
        "alias" holds further names.
    boundary : Path
        GeoJSON FeatureCollection whose features have `properties.code`.
    areas : dict of str to Area
        Areas by canonical code, in the order of the table.
    crosswalk : dict of str to dict
        For each scheme ("code", "name", those of the table): value to canonical codes.
    """

    id: str
    name: dict[str, str]
    parent: str | None
    table: Path
    boundary: Path
    areas: dict[str, Area]
    crosswalk: dict[str, dict[str, tuple[str, ...]]]

    def code_of(self, value: str, scheme: str | None = None, within: str | None = None) -> str:
        """Canonical code of an area, from any code or name that it goes by.

        Parameters
        ----------
        value : str
            A code or a name; spaces in names do not count.
        scheme : str, optional
            "code", "name" (any language, aliases included) or a crosswalk column such as "mois";
            by default all are tried in this order.
        within : str, optional
            Canonical code of the parent, for names that several parents have.

        Raises
        ------
        UnknownArea
            No area goes by this value, or several do.

        Examples
        --------
        >>> city.levels["district"].code_of("11740", "mois")  # doctest: +SKIP
        '11250'
        """
        if scheme is not None and scheme not in self.crosswalk:
            raise UnknownArea(
                f"{self.table}: no crosswalk scheme {scheme!r}; there are {list(self.crosswalk)}"
            )
        found: tuple[str, ...] = ()
        for name in [scheme] if scheme else self.crosswalk:
            found = self.crosswalk[name].get(plain(value), ())
            if within is not None:
                found = tuple(code for code in found if self.areas[code].parent == within)
            if found:
                break
        if len(found) == 1:
            return found[0]
        where = f" within {within}" if within else ""
        if found:
            raise UnknownArea(f"{value!r} may be any of {', '.join(found)} ({self.id}{where})")
        by = f" by {scheme}" if scheme else ""
        raise UnknownArea(f"no {self.id} goes by {value!r}{by}{where}; see {self.table}")

    def geojson(self) -> dict[str, Any]:
        """Boundaries as a FeatureCollection (WGS 84); each feature's `id` and
        `properties.code` are the canonical code.
        """
        return json.loads(json.dumps(self._boundaries))

    def locate(
        self, lon: Sequence[float] | np.ndarray, lat: Sequence[float] | np.ndarray
    ) -> np.ndarray:
        """Codes of the areas that positions lie in.

        Parameters
        ----------
        lon, lat : sequence of float, shape (n,)
            Degrees (WGS 84); NaN is allowed.

        Returns
        -------
        ndarray of object, shape (n,)
            Canonical code, or None where a position lies in no area. On a shared border the
            area that comes first in the boundary file is taken.
        """
        import shapely

        codes, tree = self._tree
        lon, lat = np.asarray(lon, float), np.asarray(lat, float)
        # The tree finds boxes; whether a position lies in the area itself is asked of prepared
        # shapes without making a point of it, which takes a fraction of the tree's own predicate.
        which, area = tree.query(shapely.points(lon, lat))
        inside = shapely.intersects_xy(tree.geometries[area], lon[which], lat[which])
        which, area = which[inside], area[inside]
        result = np.full(len(lon), None, dtype=object)
        order = np.lexsort((area, which))[::-1]  # the first area is written last and stays
        result[which[order]] = codes[area[order]]
        return result

    @cached_property
    def _boundaries(self) -> dict[str, Any]:
        try:
            value = json.loads(self.boundary.read_text("utf-8"))
            codes = [feature["properties"]["code"] for feature in value["features"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ProfileError(
                f"{self.boundary}: not a GeoJSON file of areas with properties.code: {error!r}"
            ) from None
        for feature, code in zip(value["features"], codes, strict=True):
            feature["id"] = code
        if wrong := sorted(set(codes) ^ set(self.areas)):
            raise ProfileError(
                f"{self.boundary}: areas {wrong[:5]} are in only one of it and {self.table}"
            )
        return value

    @cached_property
    def _tree(self) -> tuple[np.ndarray, Any]:
        import shapely
        from shapely.geometry import shape

        features = self._boundaries["features"]
        codes = np.array([feature["id"] for feature in features], dtype=object)
        shapes = [shape(feature["geometry"]) for feature in features]
        shapely.prepare(shapes)
        return codes, shapely.STRtree(shapes)


@lru_cache(maxsize=1 << 12)
def plain(value: str) -> str:
    """A name or code as it is compared: without spaces, dots of one kind, lower case.

    >>> plain("강 남 구"), plain("종로1·2·3·4가동")
    ('강남구', '종로1.2.3.4가동')
    """
    return re.sub(
        "[·ㆍ・‧]", ".", re.sub(r"\s", "", unicodedata.normalize("NFC", value))
    ).casefold()


def read_level(
    id_: str,
    name: dict[str, str],
    parent: AreaLevel | None,
    table: Path,
    boundary: Path,
    languages: tuple[str, ...],
) -> AreaLevel:
    """Read the table of a level; boundaries are read when they are first used.

    Raises
    ------
    ProfileError
        A file is missing, a column is missing, a code is there twice, or a parent is unknown.
    """
    names = [f"{NAME}_{language}" for language in languages]
    needed = ["code", *names, *(["parent"] if parent else [])]
    try:
        with table.open(encoding="utf-8-sig", newline="") as handle:
            rows = list(csv.DictReader(handle, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ProfileError(f"{table}: not readable as a UTF-8 CSV file: {error}") from None
    if not boundary.is_file():
        raise ProfileError(f"{boundary}: there is no such file; level {id_!r} needs it")
    if not rows:
        raise ProfileError(f"{table}: it has no rows; add one for each area")
    if missing := [key for key in needed if key not in rows[0]]:
        raise ProfileError(f"{table}: column {missing[0]!r} is missing; add it to the first line")
    schemes = [key for key in rows[0] if key not in needed and key != ALIAS]
    areas: dict[str, Area] = {}
    crosswalk: dict[str, dict[str, tuple[str, ...]]] = {"code": {}, NAME: {}}
    crosswalk.update({scheme: {} for scheme in schemes})
    for line, row in enumerate(rows, 2):
        if None in row or any(value is None for value in row.values()):
            raise ProfileError(f"{table}: line {line} has not as many fields as the first line")
        code, holder = row["code"], row["parent"] if parent else None
        if not code or code in areas:
            raise ProfileError(f"{table}: line {line}: code {code!r} is empty or there twice")
        if not re.fullmatch(CODE, code):
            raise ProfileError(
                f"{table}: line {line}: code {code!r} must be of letters, digits, '_', '.', '-', "
                "and begin with none of the last two"
            )
        if parent and holder not in parent.areas:
            raise ProfileError(f"{table}: line {line}: no {parent.id} has the code {holder!r}")
        areas[code] = Area(code, {lang: row[f"{NAME}_{lang}"] for lang in languages}, holder)
        values = {"code": [code], NAME: [*(row[key] for key in names), row.get(ALIAS, "")]}
        values.update({scheme: [row[scheme]] for scheme in schemes})
        for scheme, cells in values.items():
            for value in {plain(part) for cell in cells for part in cell.split("|")} - {""}:
                crosswalk[scheme][value] = (*crosswalk[scheme].get(value, ()), code)
    return AreaLevel(
        id=id_,
        name=name,
        parent=parent.id if parent else None,
        table=table,
        boundary=boundary,
        areas=areas,
        crosswalk=crosswalk,
    )
