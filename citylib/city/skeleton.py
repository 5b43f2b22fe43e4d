"""A new city's profile from a file of boundaries: what is known is filled in, the rest named."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from citylib.city.areas import ALIAS, CODE, NAME
from citylib.city.errors import CityError

FILES = Path(__file__).parent / "skeleton_files"
LEVEL = "district"
LARGE = 5_000_000
"""Bytes of boundaries from which pages become slow."""
ID = r"[a-z][a-z0-9_]*"
LANGUAGE = r"[a-z]{2,3}"
SCALARS = (str, int, float)


class SkeletonError(CityError):
    """A profile cannot be begun from these boundaries; says why and what to do."""


def new_city(
    cities: Path,
    id_: str,
    boundaries: Path,
    language: str = "en",
    code: str | None = None,
    name: str | None = None,
) -> list[str]:
    """Begin a profile.

    Parameters
    ----------
    cities : Path
        Folder of profiles.
    id_ : str
        The city's id, and the name of the folder that is made.
    boundaries : Path
        GeoJSON FeatureCollection of the city's areas, polygons in degrees (WGS 84).
    language : str
        The city's own language, such as "en".
    code, name : str, optional
        Properties that hold an area's code and its name; by default those that look like it.

    Returns
    -------
    list of str
        What is left to do, a sentence each; those that begin with a file's name and `key` must be
        done before the profile can be read.

    Raises
    ------
    SkeletonError
        The folder is there already, or the boundaries are not as they should be. Nothing is left
        behind.

    Examples
    --------
    >>> new_city(Path("cities"), "springfield", Path("wards.geojson"))  # doctest: +SKIP
    ['city.toml: key timezone: …', …]
    """
    if not re.fullmatch(ID, id_):
        raise SkeletonError(
            f"{id_!r} cannot be a city's id: begin with a letter; use a-z, 0-9 and '_'"
        )
    folder = cities / id_
    if not re.fullmatch(LANGUAGE, language):
        raise SkeletonError(f"language {language!r}: write it like en or fr")
    if folder.exists():
        raise SkeletonError(f"{folder} is there already; choose another name")
    features = _features(boundaries)
    code_key = _property(features, code, "code", boundaries)
    name_key = _property(features, name, "name", boundaries, code_key)
    cities.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{id_}-", dir=cities))
    try:
        _write_areas(new, features, code_key, name_key, language)
        size = (new / "areas" / f"{LEVEL}.geojson").stat().st_size
        _write_texts(new, id_, features, code_key, language)
        new.chmod(0o755)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return _to_do(len(features), code_key, name_key, size, language)


def _to_do(count: int, code_key: str, name_key: str, size: int, language: str) -> list[str]:
    tasks = [
        'city.toml: key timezone: the city\'s IANA time zone, such as "Europe/Paris"',
        f"city.toml: key attribution.{language}: one line that names who published the data",
        "city.toml: name, code, alias: what the city is called, and its own area code",
        f'city.toml: level "{LEVEL}": what such an area is called',
        f"areas/{LEVEL}.csv: {count} areas, codes from {code_key!r}, names from {name_key!r}; look "
        "them through; leave out columns that are neither code nor name",
        "datasets/example.toml.txt: a dataset, explained; without .txt it is read, together with "
        "records/example/example.csv",
        "indicators/example.toml: an indicator of it; take the number signs away",
    ]
    if size > LARGE:
        tasks.append(
            f"areas/{LEVEL}.geojson: {size / 1e6:.0f} MB travel to every screen; simplify the "
            "boundaries, with common borders kept, to less than 5 MB"
        )
    return tasks


def _features(path: Path) -> list[dict[str, Any]]:
    try:
        value = json.loads(path.read_text("utf-8-sig"))
        features = value["features"] if value["type"] == "FeatureCollection" else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SkeletonError(f"{path}: not readable as GeoJSON: {error!r}") from None
    if not isinstance(features, list) or not features:
        raise SkeletonError(f"{path}: it is no FeatureCollection with features")
    for number, feature in enumerate(features, 1):
        where = f"{path}: feature {number}"
        try:
            geometry, properties = feature["geometry"], feature["properties"]
            polygon = geometry["type"] in ("Polygon", "MultiPolygon")
            points = list(_points(geometry["coordinates"]))
        except (KeyError, TypeError, ValueError, IndexError):
            raise SkeletonError(f"{where} has no geometry, coordinates or properties") from None
        if not polygon or not points or not isinstance(properties, dict):
            raise SkeletonError(f"{where} is no area; leave all but polygons out")
        if not all(abs(lon) <= 180 and abs(lat) <= 90 for lon, lat in points):
            raise SkeletonError(
                f"{where}: coordinates are not degrees; convert the file to WGS 84, for example "
                "with ogr2ogr -t_srs EPSG:4326 new.geojson old.geojson"
            )
    return features


def _points(coordinates: Any) -> Iterator[tuple[float, float]]:
    if not isinstance(coordinates, list):
        raise TypeError("coordinates are lists")
    if isinstance(coordinates[0], (int, float)):
        yield float(coordinates[0]), float(coordinates[1])
        return
    for part in coordinates:
        yield from _points(part)


def _text(feature: dict[str, Any], key: str) -> str:
    value = feature["properties"].get(key)
    if isinstance(value, bool) or not isinstance(value, SCALARS):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).split())


def _property(
    features: list[dict[str, Any]], chosen: str | None, what: str, path: Path, code: str = ""
) -> str:
    """The property that holds codes, or names: the one chosen, or the likeliest."""
    keys = list(dict.fromkeys(key for f in features for key in f["properties"]))
    fit = _codes if what == "code" else _names
    if chosen is not None:
        if fault := fit([_text(f, chosen) for f in features]):
            raise SkeletonError(f"{path}: property {chosen!r} cannot be the {what}: {fault}")
        return chosen
    fitting = [key for key in keys if not fit([_text(f, key) for f in features])]
    if what == "name":
        # Numbers are seldom what people call a place.
        words = [k for k in fitting if any(re.search(r"[^\W\d_]", _text(f, k)) for f in features)]
        fitting = [key for key in words if NAME in key.lower()] + [k for k in words if k != code]
        return fitting[0] if fitting else code
    if not fitting:
        raise SkeletonError(
            f"{path}: no property has a code of its own for each area (letters, digits, '_', "
            f"'.', '-'); there are {', '.join(map(repr, keys)) or 'none'}; add one"
        )
    return max(fitting, key=_likely_code)


def _codes(values: list[str]) -> str:
    """Why these cannot be codes; empty: they can."""
    for value in values:
        if not re.fullmatch(CODE, value):
            return f"{value!r} is no code of letters, digits, '_', '.', '-'"
    (value, count), *_ = Counter(values).most_common(1)
    return f"{value!r} is there {count} times" if count > 1 else ""


def _names(values: list[str]) -> str:
    return "" if any(values) else "it is empty"


def _likely_code(key: str) -> int:
    words = re.split(r"[^a-z]+", key.lower())
    if key.lower() == "code":
        return 3
    if "code" in key.lower() or "cd" in words:
        return 2
    return 1 if key.lower().endswith("id") else 0


def _write_areas(
    new: Path, features: list[dict[str, Any]], code_key: str, name_key: str, language: str
) -> None:
    needed = ["code", f"{NAME}_{language}"]
    schemes: dict[str, str] = {}
    for key in dict.fromkeys(key for f in features for key in f["properties"]):
        scheme = re.sub(r"\W+", "_", key).strip("_").lower()
        taken = {*needed, ALIAS, NAME, "parent", *schemes.values()}
        # Measures such as an area's size are neither code nor name.
        measure = any(isinstance(f["properties"].get(key), float) for f in features)
        # What all have in common tells none from another.
        tells = len({_text(f, key) for f in features}) > 1
        if key not in (code_key, name_key) and scheme not in taken and tells and not measure:
            schemes[key] = scheme
    folder = new / "areas"
    folder.mkdir()
    with (folder / f"{LEVEL}.csv").open("w", encoding="utf-8", newline="") as handle:
        table = csv.writer(handle, lineterminator="\n")
        table.writerow([*needed, *schemes.values()])
        for feature in features:
            code = _text(feature, code_key)
            name = _text(feature, name_key) or code
            table.writerow([code, name, *(_text(feature, key) for key in schemes)])
    shapes = [
        {
            "type": "Feature",
            "id": _text(feature, code_key),
            "properties": {"code": _text(feature, code_key)},
            "geometry": {
                "type": feature["geometry"]["type"],
                "coordinates": _rounded(feature["geometry"]["coordinates"]),
            },
        }
        for feature in features
    ]
    lines = ",\n".join(json.dumps(s, ensure_ascii=False, separators=(",", ":")) for s in shapes)
    text = f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n'
    (folder / f"{LEVEL}.geojson").write_text(text, "utf-8")


def _rounded(coordinates: Any) -> Any:
    """Longitude and latitude to a decimetre, without heights."""
    if isinstance(coordinates[0], (int, float)):
        return [round(float(part), 6) for part in coordinates[:2]]
    return [_rounded(part) for part in coordinates]


def _write_texts(
    new: Path, id_: str, features: list[dict[str, Any]], code_key: str, language: str
) -> None:
    points = [point for f in features for point in _points(f["geometry"]["coordinates"])]
    lons, lats = zip(*points, strict=True)
    down, up = (lambda v: math.floor(v * 100) / 100), (lambda v: math.ceil(v * 100) / 100)
    codes = [_text(feature, code_key) for feature in features]
    values = {
        "id": id_,
        "code": id_ if id_ not in codes else f"{id_}_city",
        "name": id_.replace("_", " ").title(),
        "language": language,
        "level": LEVEL,
        "bounds": f"[{down(min(lons))}, {down(min(lats))}, {up(max(lons))}, {up(max(lats))}]",
        "area": codes[0],
    }
    for source, target in {
        "city.toml": "city.toml",
        "dataset.toml": "datasets/example.toml.txt",
        "records.csv": "records/example/example.csv",
        "indicator.toml": "indicators/example.toml",
    }.items():
        text = (FILES / source).read_text("utf-8")
        (new / target).parent.mkdir(parents=True, exist_ok=True)
        (new / target).write_text(_filled(text, values), "utf-8")


def _filled(text: str, values: dict[str, str]) -> str:
    return re.sub(r"<<(\w+)>>", lambda found: values[found[1]], text)
