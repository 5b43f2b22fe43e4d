"""Rows of any kind to cameras; those that do not fit are set aside with their reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from citylib.cameras.registry.model import Camera, Rules
from citylib.city.model import sentence
from citylib.city.profile import City

PLAIN = (
    *("id", "lon", "lat", "heading", "kind", "owner", "source", "address", "credentials"),
    *("engine", "viewers", "retention_hours"),
)
NUMBERS = ("lon", "lat", "heading", "retention_hours")
OTHER_NAMES = {"long": "lon", "lng": "lon", "longitude": "lon", "latitude": "lat", "url": "address"}
"""Names of columns that are met elsewhere."""


@dataclass(frozen=True)
class Aside:
    """A row that is no camera: where it stands, its id as far as it has one, and why."""

    where: str
    id: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}{f' ({self.id})' if self.id else ''}: {self.reason}"


@dataclass
class Cameras:
    """The cameras of a city by id, and rows that were set aside."""

    rules: Rules = field(default_factory=lambda: Rules.model_validate({}))
    known: dict[str, Camera] = field(default_factory=dict)
    aside: list[Aside] = field(default_factory=list)

    def add(self, rows: Iterable[tuple[str, Mapping[str, Any]]], city: City) -> list[Camera]:
        """Add cameras, each row with the place where it stands; gives those that were added."""
        new: list[Camera] = []
        seen = set()
        for where, row in rows:
            name = str(row.get("id") or "")[:64]
            try:
                camera = camera_of(row, self.rules, city)
                if camera.id in seen:
                    raise ValueError("there is a camera with this id above; give it another")
            except ValueError as error:
                self.aside.append(Aside(where, name, _reason(error)))
                continue
            seen.add(camera.id)
            new.append(camera)
        self.known |= {camera.id: camera for camera in new}
        return new


def camera_of(row: Mapping[str, Any], rules: Rules, city: City) -> Camera:
    """A camera from a row of text or JSON.

    Columns are the camera's attributes; names are in `name_<language>`, or in `name` as the city's
    first language or an object by language; `viewers` are roles with `|` between them.

    Raises
    ------
    ValueError
        The row is no camera; the message does not repeat its address.
    """
    values: dict[str, Any] = {}
    names: dict[str, str] = {}
    for key, value in row.items():
        key = OTHER_NAMES.get(key, key)
        text = value.strip() if isinstance(value, str) else value
        if text is None or text == "":
            continue
        if key == "name" and isinstance(text, Mapping):
            names |= {str(lang): str(said) for lang, said in text.items() if said}
        elif key == "name" or key.startswith("name_"):
            names[key[5:] or city.languages[0]] = str(text)
        elif key in PLAIN:
            values[key] = text
        else:
            raise ValueError(f"{key!r} is no attribute of a camera")
    if not names:
        raise ValueError("it has no name")
    # The city's languages in their order, others after them.
    values["name"] = {lang: names[lang] for lang in (*city.languages, *names) if lang in names}
    for key in NUMBERS:
        if key in values:
            values[key] = _number(key, values[key])
    if isinstance(values.get("viewers"), str):
        values["viewers"] = [role.strip() for role in values["viewers"].split("|")]
    values.setdefault("viewers", rules.viewers)
    for key in ("retention_hours", "owner", "kind"):
        values.setdefault(key, getattr(rules, key))
    if values.get("engine") not in (None, *rules.engine):
        there = ", ".join(rules.engine) or "none"
        raise ValueError(f"no engine {values['engine']!r} in cameras.toml; there are {there}")
    camera = Camera.model_validate(values)
    west, south, east, north = city.bounds
    if not (west <= camera.lon <= east and south <= camera.lat <= north):
        hint = west <= camera.lat <= east and south <= camera.lon <= north
        raise ValueError(
            f"its position, {camera.lon:g} east and {camera.lat:g} north, is outside the city"
            + ("; lon and lat are exchanged" if hint else "")
        )
    return camera


def _number(key: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{key} is no number: {str(value)[:40]!r}") from None


def _reason(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    faults = []
    for fault in error.errors():
        # What a row says under these keys is for nobody to read.
        if {"address", "credentials"} & set(fault["loc"]):
            fault["input"] = {}
        faults.append(sentence(fault, Camera))
    return "; ".join(dict.fromkeys(faults))
