"""The cameras of an installation: those of the profile, then those that were imported."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from citylib.cameras.registry.model import Camera, Rules
from citylib.cameras.registry.rows import OTHER_NAMES, PLAIN, Cameras
from citylib.city.errors import CityError
from citylib.city.model import parse, read_toml
from citylib.city.profile import City
from citylib.city.secrets import keep_from_others, write_private
from citylib.city.settings import Settings

LARGEST = 64 * 2**20
"""Bytes of a file of cameras, at most."""


class RegistryError(CityError):
    """A file of cameras cannot be read at all."""


def read_cameras(settings: Settings, city: City) -> Cameras:
    """All cameras of the installation.

    The profile's `cameras.toml` has the rules and `cameras.csv` the cameras; an imported camera
    takes the place of one with the same id.

    Raises
    ------
    CityError
        A file cannot be read. A row that is no camera is set aside and hurts no other.

    Examples
    --------
    >>> cameras = read_cameras(settings, city)  # doctest: +SKIP
    >>> len(cameras.known), len(cameras.aside)  # doctest: +SKIP
    (2800, 0)
    """
    rules = city.folder / "cameras.toml"
    values = read_toml(rules) if rules.is_file() else {}
    cameras = Cameras(parse(Rules, values, rules))
    table = city.folder / "cameras.csv"
    if table.is_file():
        cameras.add(rows_of_csv(table.name, bytes_of(table)), city)
    if (path := imported(settings)).is_file():
        cameras.add(rows_of_json(path.name, bytes_of(path)), city)
    return cameras


def has_cameras(settings: Settings, city: City) -> bool:
    """Whether the installation has a list of cameras; nothing of it is read."""
    return (city.folder / "cameras.csv").is_file() or imported(settings).is_file()


def imported(settings: Settings) -> Path:
    """The file of imported cameras."""
    return settings.var / "cameras" / "imported.json"


def write_imported(settings: Settings, cameras: list[Camera]) -> None:
    """Write the file of imported cameras; addresses are in it, so it is for its owner alone."""
    keep_from_others(imported(settings).parent)
    told = []
    for camera in cameras:
        row = camera.model_dump(mode="json", exclude_none=True)
        row["address"] = camera.address.get_secret_value()
        told.append(row)
    text = json.dumps(told, ensure_ascii=False, indent=1)
    write_private(imported(settings), text.encode())


def bytes_of(path: Path) -> bytes:
    """What is in a file, if it is not larger than can be meant."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise RegistryError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > LARGEST:
        raise RegistryError(
            f"{path}: larger than {LARGEST // 2**20} MB; this is no list of cameras"
        )
    return data


def text_of(name: str, data: bytes) -> str:
    """The text of a file, which is in UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RegistryError(f"{name}: not UTF-8 at byte {error.start}; save it as UTF-8") from None


def rows_of_csv(name: str, data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of a CSV file, each with its place.

    Raises
    ------
    RegistryError
        It has no header, or columns that are none of a camera.
    """
    reader = csv.reader(io.StringIO(text_of(name, data)), strict=True)
    try:
        header = [title.strip() for title in next(reader, [])]
        for title in header:
            known = OTHER_NAMES.get(title, title)
            if known not in PLAIN and known != "name" and not known.startswith("name_"):
                raise RegistryError(
                    f"{name}: no attribute of a camera is called {title[:60]!r}; columns are "
                    f"name_<language>, {', '.join(PLAIN)}"
                )
        if "id" not in header:
            raise RegistryError(f"{name}: there is no column id in its first line")
        for cells in reader:
            if not any(cells):
                continue
            # Cells beyond the header would be lost; a column of no name has a reason of its own.
            row = dict(zip(header, cells, strict=False))
            if len(cells) > len(header):
                row["further cells"] = "x"
            yield f"{name}, line {reader.line_num}", row
    except csv.Error as error:
        raise RegistryError(
            f"{name}, line {reader.line_num}: not readable as CSV: {error}"
        ) from None


def rows_of_json(name: str, data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of a JSON file: a list of objects, or an object with such a list under `cameras`.

    Raises
    ------
    RegistryError
        It is something else.
    """
    try:
        value = json.loads(text_of(name, data))
    except (ValueError, RecursionError) as error:
        raise RegistryError(f"{name}: not readable as JSON: {error}") from None
    rows = value.get("cameras") if isinstance(value, dict) else value
    if not isinstance(rows, list):
        raise RegistryError(f'{name}: write a list of cameras, or {{"cameras": [...]}}')
    for number, row in enumerate(rows, 1):
        yield f"{name}, entry {number}", row if isinstance(row, dict) else {"": row}
