"""The city's profile: one folder that describes a city as data."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from citylib.city.areas import CODE, AreaLevel, UnknownArea, plain, read_level
from citylib.city.datasets import DatasetSpec
from citylib.city.errors import ProfileError
from citylib.city.feeds import FeedSpec
from citylib.city.mapping import AreaRule, Reading
from citylib.city.model import Plain, parse, read_toml

CITY = "city.toml"
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")]


class Layer(Plain):
    """A layer of the basemap.

    Attributes
    ----------
    id : str
        Name of the layer.
    title : dict of str to str
        Per language.
    kind : str
        "water" (areas) or "line".
    path : Path
        GeoJSON FeatureCollection in WGS 84.
    source : str
        Who is to be named on the map.
    """

    id: str
    title: dict[str, str]
    kind: Literal["water", "line"]
    path: Path
    source: str = ""

    def geojson(self) -> dict[str, Any]:
        """The layer as a GeoJSON FeatureCollection.

        Raises
        ------
        ProfileError
            The file is missing or is not GeoJSON.
        """
        try:
            value = json.loads(self.path.read_text("utf-8"))
            if value["type"] != "FeatureCollection":
                raise ValueError("it is no FeatureCollection")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ProfileError(f"{self.path}: not readable as GeoJSON: {error}") from None
        return value


class _Level(Plain):
    id: str
    name: dict[str, str]
    parent: str | None = None
    table: str
    boundary: str


class _Domain(Plain):
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    name: dict[str, str]


class _Profile(Plain):
    """`city.toml` as it is written."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    code: Annotated[str, Field(pattern=CODE)]
    name: dict[str, str]
    alias: tuple[str, ...] = ()
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    timezone: str
    bounds: tuple[float, float, float, float]
    attribution: dict[str, str]
    level: Annotated[tuple[_Level, ...], Field(min_length=1)]
    basemap: tuple[Layer, ...] = ()
    domain: tuple[_Domain, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, KeyError, OSError):
            raise ValueError("no such time zone; write it like Europe/Paris") from None
        return value

    @field_validator("bounds")
    @classmethod
    def _box(cls, value: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        west, south, east, north = value
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise ValueError("write west, south, east, north in degrees")
        return value


class City(Plain):
    """A city as the platform knows it.

    Attributes
    ----------
    id, code : str
        Name of the profile, and the city's own area code.
    name : dict of str to str
        Name per language.
    alias : tuple of str
        Other names of the city that occur in files.
    languages : tuple of str
        The first is the city's own.
    timezone : str
        IANA name of the time zone.
    bounds : tuple of float
        West, south, east, north in degrees.
    levels : dict of str to AreaLevel
        From coarse to fine.
    basemap : tuple of Layer
        From bottom to top.
    domains : dict of str to dict of str to str
        Parts of the city's life by id, in the order of the screen, with their names by language;
        none where the profile leaves them to the indicators.
    datasets : dict of str to DatasetSpec
        By id.
    feeds : dict of str to FeedSpec
        By id.
    feed_faults : dict of str to str
        What is wrong with the file of a feed, by its id; the others work without it.
    attribution : dict of str to str
        One line that names the publishers, per language.
    folder : Path
        Folder of the profile.
    """

    id: str
    code: str
    name: dict[str, str]
    alias: tuple[str, ...]
    languages: tuple[str, ...]
    timezone: str
    bounds: tuple[float, float, float, float]
    levels: dict[str, AreaLevel]
    basemap: tuple[Layer, ...]
    domains: dict[str, dict[str, str]] = Field(default={})
    datasets: dict[str, DatasetSpec]
    feeds: dict[str, FeedSpec]
    feed_faults: dict[str, str]
    attribution: dict[str, str]
    folder: Path

    def area_name(self, code: str, lang: str) -> str:
        """Name of the city or of an area in a language (the first language if it has none there).

        Raises
        ------
        UnknownArea
            The city has no area with this code.
        """
        names = self.name if code == self.code else self._area(code)[1].name
        return names.get(lang) or names[self.languages[0]]

    def domain_name(self, domain: str, lang: str) -> str:
        """Name of a domain in a language; its id where the profile names none."""
        return self.domains.get(domain, {}).get(lang) or domain.replace("_", " ").capitalize()

    def ancestors(self, code: str) -> list[str]:
        """Codes of the areas that hold this one, from the nearest up to the city.

        >>> city.ancestors("1101053")  # doctest: +SKIP
        ['11010', '11']
        """
        if code == self.code:
            return []
        parent = self._area(code)[1].parent
        return [self.code] if parent is None else [parent, *self.ancestors(parent)]

    def level_of(self, code: str) -> str:
        """Level of an area: "city" or a key of `levels`."""
        return "city" if code == self.code else self._area(code)[0]

    def is_city(self, value: str) -> bool:
        """Whether a code or name means the city itself."""
        return plain(value) in self._own_names

    @cached_property
    def _own_names(self) -> set[str]:
        return {plain(value) for value in (self.code, *self.name.values(), *self.alias)}

    @cached_property
    def _index(self) -> dict[str, tuple[str, Any]]:
        return {
            code: (level.id, area)
            for level in self.levels.values()
            for code, area in level.areas.items()
        }

    def _area(self, code: str) -> tuple[str, Any]:
        try:
            return self._index[code]
        except KeyError:
            raise UnknownArea(f"{self.id} has no area with the code {code!r}") from None


def load_city(folder: Path) -> City:
    """Read and check a profile.

    Parameters
    ----------
    folder : Path
        Folder with `city.toml`, `areas/`, `basemap/`, `datasets/`, `feeds/`.

    Raises
    ------
    ProfileError
        The message names file, key and mend.

    Examples
    --------
    >>> load_city(Path("cities/seoul")).area_name("11250", "en")  # doctest: +SKIP
    'Gangdong-gu'
    """
    path = Path(folder) / CITY
    values = read_toml(path)
    for layer in values.get("basemap", []):
        if isinstance(layer, dict) and isinstance(layer.get("path"), str):
            layer["path"] = path.parent / layer["path"]
    profile = parse(_Profile, values, path)
    for where, names in [("name", profile.name), ("attribution", profile.attribution)]:
        _all_languages(names, profile.languages, f"{path}: key {where!r}")
    levels: dict[str, AreaLevel] = {}
    for item in profile.level:
        where = f"{path}: level {item.id!r}"
        _all_languages(item.name, profile.languages, f"{where}: key 'name'")
        if item.id == "city" or item.id in levels:
            raise ProfileError(f"{where}: there is a level of this name already; choose another")
        if item.parent is not None and item.parent not in levels:
            raise ProfileError(f"{where}: key 'parent' must name a level above it")
        levels[item.id] = read_level(
            item.id,
            item.name,
            levels[item.parent] if item.parent else None,
            path.parent / item.table,
            path.parent / item.boundary,
            profile.languages,
        )
    for layer in profile.basemap:
        if not layer.path.is_file():
            raise ProfileError(f"{layer.path}: no such file; basemap {layer.id!r} needs it")
    domains: dict[str, dict[str, str]] = {}
    for one in profile.domain:
        where = f"{path}: domain {one.id!r}"
        _all_languages(one.name, profile.languages, f"{where}: key 'name'")
        if one.id in domains:
            raise ProfileError(f"{where} is there twice; remove one")
        domains[one.id] = one.name
    datasets = _read_datasets(path.parent, profile.languages, set(levels))
    feeds, faults = _read_feeds(path.parent, profile.languages, set(levels), datasets)
    return City(
        **{name: getattr(profile, name) for name in _SHARED},
        levels=levels,
        domains=domains,
        datasets=datasets,
        feeds=feeds,
        feed_faults=faults,
        folder=path.parent,
    )


_SHARED = (
    "id code name alias languages timezone bounds basemap attribution".split()  # noqa: SIM905
)


def _read_datasets(
    folder: Path, languages: tuple[str, ...], levels: set[str]
) -> dict[str, DatasetSpec]:
    result = {}
    for path in sorted((folder / "datasets").glob("*.toml")):
        values = read_toml(path)
        own = {"id": path.stem, "path": path, "folder": folder / "records" / path.stem}
        if taken := [key for key in own if key in values]:
            raise ProfileError(f"{path}: key {taken[0]!r} follows from the file's name; remove it")
        spec = parse(DatasetSpec, {**values, **own}, path)
        _all_languages(spec.title, languages, f"{path}: key 'title'")
        for key in ("publisher", "source", "licence"):
            if isinstance(text := getattr(spec, key), dict):
                _all_languages(text, languages, f"{path}: key {key!r}")
        for column in spec.column:
            _all_languages(column.title, languages, f"{path}: column {column.name!r}: key 'title'")
        for source in spec.read:
            _check_levels(source, levels, path)
        result[path.stem] = spec
    return result


def _read_feeds(
    folder: Path,
    languages: tuple[str, ...],
    levels: set[str],
    datasets: dict[str, DatasetSpec],
) -> tuple[dict[str, FeedSpec], dict[str, str]]:
    """The feeds, and what is wrong with those that cannot be read."""
    feeds: dict[str, FeedSpec] = {}
    faults: dict[str, str] = {}
    for path in sorted((folder / "feeds").glob("*.toml")):
        try:
            feeds[path.stem] = _read_feed(path, languages, levels, datasets)
        except ProfileError as error:
            faults[path.stem] = str(error)
    return feeds, faults


def _read_feed(
    path: Path, languages: tuple[str, ...], levels: set[str], datasets: dict[str, DatasetSpec]
) -> FeedSpec:
    values = read_toml(path)
    own = {"id": path.stem, "path": path}
    if taken := [key for key in own if key in values]:
        raise ProfileError(f"{path}: key {taken[0]!r} follows from the file's name; remove it")
    spec = parse(FeedSpec, {**values, **own}, path)
    _all_languages(spec.title, languages, f"{path}: key 'title'")
    dataset = datasets.get(spec.dataset)
    if dataset is None:
        raise ProfileError(
            f"{path}: key 'dataset': no dataset {spec.dataset!r}; there are {', '.join(datasets)}"
        )
    for fault in dataset.faults(spec.read):
        raise ProfileError(f"{path}: key 'read'{fault}")
    _check_levels(spec.read, levels, path)
    return spec


def _check_levels(reading: Reading, levels: set[str], path: Path) -> None:
    rule: AreaRule | None = reading.area
    while rule is not None:
        if rule.level not in levels | {"city"}:
            raise ProfileError(
                f"{path}: key 'area.level': no level {rule.level!r}; there are "
                f"city, {', '.join(sorted(levels))}"
            )
        rule = rule.within


def _all_languages(names: dict[str, str], languages: tuple[str, ...], where: str) -> None:
    for language in languages:
        if not names.get(language):
            raise ProfileError(f"{where} has no text in {language!r}; add it")
