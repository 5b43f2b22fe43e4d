"""Declaring an indicator."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from citylib.city.datasets import Classification
from citylib.city.errors import CityError
from citylib.city.model import Plain, parse, read_toml
from citylib.city.profile import City
from citylib.indicators.aggregations import AGGREGATIONS, Aggregation

FOLDER = "indicators"
"""Folder of declarations in a city's profile."""

CLASSIFICATIONS = ("public", "internal", "personal")
"""From open to closed."""

Frequency = Literal["hour", "day", "month", "year"]


class DeclarationError(CityError):
    """An indicator was declared wrongly; names the place, the key and the mend."""


class Indicator(Plain):
    """What an indicator means, in a few lines.

    Attributes
    ----------
    id : str
        Short name in lower case; the variable's name in the cube.
    title : dict of str to str
        Name in each language of the city.
    domain : str
        Part of the city's life: `air`, `transport`, `fire`, …
    dataset : str
        Table of records that it is computed from.
    measure : str, optional
        Column that is aggregated; not needed for `count`.
    denominator : str, optional
        Column that a `ratio` divides by.
    aggregation : str
        One of `count`, `sum`, `mean`, `min`, `max`, `std`, `last`, `ratio`.
    frequency : {"hour", "day", "month", "year"}
        Length of a period, in the city's own time.
    level : str
        Area level (`district`, `neighbourhood`), or `city` when records know no smaller area.
    units : str
        Units as CF conventions write them: `ug m-3`, `1`, `s`, `km-2`, `percent`.
    where : dict, optional
        Only records whose column has this value, or one of these values.
    scale : float
        Factor applied to the finished figure, for example 100 for a percentage.
    derive : {"difference", "running_total"}, optional
        Made from the figures of all periods: the difference to the period before, for sources
        that publish running totals; or the total since the first period.
    classification : {"public", "internal", "personal"}
        Who may see it; never more open than the records that it is computed from.
    better : {"lower", "higher"}, optional
        Which direction is an improvement; none where neither is.
    headline : bool
        Whether it has a tile on the mayor's screen.
    description : dict of str to str
        Method and limits, in each language.

    Examples
    --------
    >>> Indicator(
    ...     id="pm25",
    ...     title={"ko": "초미세먼지", "en": "Fine dust (PM2.5)"},
    ...     domain="air",
    ...     dataset="air_daily",
    ...     measure="pm25",
    ...     aggregation="mean",
    ...     frequency="day",
    ...     units="ug m-3",
    ... ).level
    'district'
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: dict[str, str]
    domain: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    dataset: str
    measure: str | None = None
    denominator: str | None = None
    aggregation: str
    frequency: Frequency
    level: str = "district"
    units: str = Field(pattern=r"^[^<>&\"']+$")
    where: dict[str, str | int | list[str] | list[int]] = Field(default={})
    scale: float = Field(default=1.0, allow_inf_nan=False)
    derive: Literal["difference", "running_total"] | None = None
    classification: Classification = "public"
    better: Literal["lower", "higher"] | None = None
    headline: bool = False
    description: dict[str, str] = Field(default={})

    @model_validator(mode="after")
    def _aggregation_has_its_columns(self) -> Indicator:
        if self.aggregation not in AGGREGATIONS:
            raise ValueError(
                f"aggregation {self.aggregation!r} is not known; "
                f"known are {', '.join(AGGREGATIONS)}"
            )
        how = AGGREGATIONS[self.aggregation]
        for key, needed in (("measure", how.needs_measure), ("denominator", how.needs_denominator)):
            given = getattr(self, key) is not None
            if needed and not given:
                raise ValueError(f"aggregation {self.aggregation!r} needs {key}: name a column")
            if given and not needed:
                raise ValueError(f"aggregation {self.aggregation!r} takes no {key}: remove it")
        if self.aggregation == "last" and self.level != "city":
            raise ValueError('aggregation "last" needs level = "city"; for areas use max or mean')
        return self

    @property
    def how(self) -> Aggregation:
        """The aggregation itself."""
        return AGGREGATIONS[self.aggregation]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table that are read, `time` and `area` included."""
        named = ("time", "area", self.measure, self.denominator, *self.where)
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def digest(self) -> str:
        """Changes when the declaration does."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def check(self, city: City) -> None:
        """Compare the declaration with the city's datasets, levels and languages.

        Raises
        ------
        DeclarationError
            It names a dataset, column, level or language that the city does not have, or shows
            to more people than its records may be shown to.
        """
        if self.dataset not in city.datasets:
            raise DeclarationError(self._wrong("dataset", self.dataset, city.datasets))
        dataset = city.datasets[self.dataset]
        columns = {column.name: column for column in dataset.column}
        open_to = [dataset.classification]
        for name in self.columns[2:]:
            if name not in columns:
                key = "where" if name in self.where else "measure"
                key = "denominator" if name == self.denominator else key
                raise DeclarationError(self._wrong(key, name, columns))
            open_to.append(columns[name].classification or dataset.classification)
            self._fits_type(name, columns[name].type)
        strictest = max(open_to, key=CLASSIFICATIONS.index)
        if CLASSIFICATIONS.index(self.classification) < CLASSIFICATIONS.index(strictest):
            raise DeclarationError(
                f"indicator {self.id!r}: key 'classification' is {self.classification!r}, but its "
                f"records in {self.dataset!r} are {strictest!r}; declare it {strictest!r}"
            )
        if self.level != "city" and self.level not in city.levels:
            raise DeclarationError(self._wrong("level", self.level, ("city", *city.levels)))
        for language in city.languages:
            if language not in self.title:
                raise DeclarationError(
                    f"indicator {self.id!r}: key 'title' lacks language {language!r}: "
                    f'add {language} = "…"'
                )

    def _fits_type(self, name: str, kind: str) -> None:
        """A measure is a number, and `where` compares like with like."""
        if name in (self.measure, self.denominator) and kind == "string":
            key = "measure" if name == self.measure else "denominator"
            raise DeclarationError(
                f"indicator {self.id!r}: key {key!r} names {name!r}, which holds text; "
                "name a column of numbers"
            )
        wanted = self.where.get(name, [])
        for value in wanted if isinstance(wanted, list) else [wanted]:
            if isinstance(value, str) != (kind == "string"):
                raise DeclarationError(
                    f"indicator {self.id!r}: key 'where.{name}' is {value!r}, but the column is of "
                    f"type {kind}; write {'text' if kind == 'string' else 'a number'}"
                )

    def to_toml(self) -> str:
        """The declaration as it stands in a file of the profile's folder `indicators/`.

        Examples
        --------
        >>> print(indicator.to_toml())  # doctest: +SKIP
        [no2_peak]
        title = { ko = "이산화질소 최고값", en = "Nitrogen dioxide, worst day" }
        …
        """
        said = self.model_dump(exclude_defaults=True, exclude={"id"})
        lines = [f"{key} = {_toml(value)}" for key, value in said.items()]
        return "\n".join([f"[{self.id}]", *lines, ""])

    def _wrong(self, key: str, value: str, known: Iterable[str]) -> str:
        choices = ", ".join(known)
        return f"indicator {self.id!r}: key {key!r} names {value!r}; this city has: {choices}"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        inside = ", ".join(
            f"{json.dumps(k, ensure_ascii=False)} = {_toml(v)}" for k, v in value.items()
        )
        return f"{{ {inside} }}"
    return json.dumps(value, ensure_ascii=False)


def load_indicators(folder: Path) -> dict[str, Indicator]:
    """Read every declaration of a folder.

    Parameters
    ----------
    folder : Path
        Folder of TOML files; in each, a table for each indicator, named by its id.

    Returns
    -------
    dict of str to Indicator
        By id, in the order of the files' names and of their tables.

    Raises
    ------
    DeclarationError
        An id occurs twice.
    ProfileError
        A file is not TOML, or a key is wrong.
    """
    found: dict[str, Indicator] = {}
    for path in sorted(folder.glob("*.toml")):
        for name, table in read_toml(path).items():
            if name in found:
                raise DeclarationError(f"{path}: indicator {name!r} is declared twice; rename one")
            if not isinstance(table, dict):
                raise DeclarationError(f"{path}: key {name!r}: write it as a table, [{name}]")
            found[name] = parse(Indicator, {"id": name, **table}, path)
    return found
