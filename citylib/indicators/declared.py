"""Declarations in files of a city's profile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from citylib.city.model import read_toml
from citylib.city.profile import City
from citylib.indicators.declaration import Indicator
from citylib.indicators.fits import DeclarationError
from citylib.indicators.own import load_own

FOLDER = "indicators"
"""Folder of declarations in a city's profile."""


def load_indicators(folder: Path, city: City | None = None) -> dict[str, Indicator]:
    """Read every declaration of a folder.

    Parameters
    ----------
    folder : Path
        Folder of TOML files, in each a table for each indicator, named by its id; and of Python
        files, see `citylib.indicators.own`.
    city : City, optional
        Which the declarations are compared with, see `Indicator.check`.

    Returns
    -------
    dict of str to Indicator
        By id, in the order of the files' names and of their tables; those of Python files first.

    Raises
    ------
    DeclarationError
        A declaration is wrong: names file, line, indicator, key and the mend.
    ProfileError
        A file is not TOML, or a Python file fails.
    """
    found: dict[str, Indicator] = {}
    places: dict[str, Path] = {}
    for path, one in load_own(folder):
        _new(one.id, path, places)
        found[one.id] = one
    for path in sorted(folder.glob("*.toml")):
        for name, table in read_toml(path).items():
            _new(name, path, places)
            if not isinstance(table, dict):
                raise DeclarationError(f"{path}: key {name!r}: write it as a table, [{name}]")
            try:
                found[name] = Indicator(**{"id": name, **table})
            except DeclarationError as error:
                raise _placed(error, path, name, table) from None
    if city is not None:
        for name, indicator in found.items():
            try:
                indicator.check(city, found)
            except DeclarationError as error:
                raise _placed(error, places[name], name, {}) from None
    return found


def _new(name: str, path: Path, places: dict[str, Path]) -> None:
    if name in places:
        raise DeclarationError(
            f"{path}: indicator {name!r} is declared twice, the first time in "
            f"{places[name].name}; rename one"
        )
    places[name] = path


def _placed(
    error: DeclarationError, path: Path, name: str, table: Mapping[str, Any]
) -> DeclarationError:
    """The error with file and line before each fault."""
    lines = path.read_text("utf-8").splitlines() if path.suffix == ".toml" else []
    placed = {}
    for what, key in error.faults.items():
        # A fault of several keys together begins with the one that it is about.
        first = what.partition(": ")[2].partition(" ")[0]
        line = _line(lines, name, key or (first,))
        placed[f"{path}{f':{line}' if line else ''}: {what}"] = key
    result = DeclarationError("\n".join(placed))
    result.faults = placed
    return result


def _line(lines: list[str], name: str, key: tuple[Any, ...]) -> int | None:
    """Number of the line on which a key of a table stands, or else the table begins."""
    quoted = '"?{}"?'.format
    header = re.compile(rf"\s*\[\s*{quoted(re.escape(name))}\s*(?:\.\s*\"?(?P<sub>\w+)\"?\s*)?\]")
    inside, sub = False, None
    best: tuple[int | None, int] = (None, 0)
    for number, line in enumerate(lines, 1):
        if re.match(r"\s*\[", line) and "=" not in line.partition("]")[0]:
            match = header.match(line)
            inside, sub = match is not None, match and match["sub"]
            depth = 0 if not sub else 1 if key and str(key[0]) == sub else -1
        elif inside:
            at = [sub] if sub else []
            word = re.match(r"\s*\"?(\w+)\"?\s*[.=]", line)
            path = [*at, word[1]] if word else []
            depth = len(path) if path and path == [str(part) for part in key[: len(path)]] else -1
        else:
            continue
        if depth > best[1] or (depth == 0 and best[0] is None):
            best = number, depth
    return best[0]
