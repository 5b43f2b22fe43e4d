"""Which area of the city a record belongs to: by code, name, position or register."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from citylib.city.areas import UnknownArea
from citylib.city.errors import ProfileError
from citylib.city.mapping import AreaRule
from citylib.city.profile import City
from citylib.lake.values import NUMBER, Faults

Fields = Callable[[str], pa.DictionaryArray]
"""Gives the text of a header, or of a column of the table, for each record."""
MANY = 20
"""More values than these are not named one by one as reasons."""


def areas(
    rule: AreaRule, count: int, header: Fields, column: Fields, city: City
) -> tuple[np.ndarray, Faults]:
    """Areas of records.

    Parameters
    ----------
    rule : AreaRule
        The rule of the profile.
    count : int
        Number of records.
    header, column : callable
        Text of a header of the file, and of a column of the table (for registers).
    city : City
        Its levels are looked in.

    Returns
    -------
    ndarray of object, shape (count,)
        Canonical code, or None for a record outside the city or with a fault.
    list of (reason, mask)
        Records without an area that the rule sets aside.
    """
    coarse = None
    faults: Faults = []
    if rule.within is not None:
        coarse, faults = areas(rule.within, count, header, column, city)
    wrong: Faults = []
    if rule.header is not None:
        codes, wrong, unknown = _by_name(rule, header(rule.header), coarse, city)
    elif rule.register_ is not None:
        codes, wrong, unknown = _by_register(rule, [column(key) for key in rule.keys], city)
    elif rule.point is not None or rule.lon is not None:
        codes = _by_position(rule, *_positions(rule, header), city)
        unknown = [(f"no {rule.level} at its position", _none(codes))]
    else:
        return np.full(count, city.code, dtype=object), faults
    if coarse is not None:
        above = {code: (code, *city.ancestors(code)) for code in set(codes) if code is not None}
        pairs = zip(codes, coarse, strict=True)
        inside = np.array([holder in above.get(code, ()) for code, holder in pairs], bool)
        return np.where(inside, codes, coarse), faults
    if rule.unknown == "set aside":
        wrong += unknown
    elif rule.unknown == "city":
        codes = np.where(_none(codes), city.code, codes)
    return codes, [(reason, mask) for reason, mask in wrong if mask.any()]


def _none(codes: np.ndarray) -> np.ndarray:
    return np.array([code is None for code in codes], bool)


def _by_name(
    rule: AreaRule, text: pa.DictionaryArray, coarse: np.ndarray | None, city: City
) -> tuple[np.ndarray, Faults, Faults]:
    """Areas, values that no rule allows, and values that no area goes by."""
    values = text.dictionary.to_pylist()
    index = text.indices.to_numpy(zero_copy_only=False)
    looked: list[str | None] = list(values)
    if rule.pattern is not None:
        found = [re.search(rule.pattern, value) for value in values]
        looked = [match[1] if match else None for match in found]
    if coarse is not None:
        pairs: dict[tuple[int, str | None], str | None] = {}
        codes = np.full(len(index), None, dtype=object)
        for i, key in enumerate(zip(index.tolist(), coarse, strict=True)):
            if key not in pairs:
                pairs[key] = _code(rule, looked[key[0]], city, key[1]) if key[1] else None
            codes[i] = pairs[key]
        return codes, [], []
    known = np.full(len(values), None, dtype=object)
    known[:] = [_code(rule, value, city, None) for value in looked]
    wrong = [n for n, value in enumerate(looked) if value is None]
    unknown = [n for n, code in enumerate(known) if code is None and n not in wrong]
    return known[index], _named(rule, wrong, values, index), _named(rule, unknown, values, index)


def _named(rule: AreaRule, places: list[int], values: list[str], index: np.ndarray) -> Faults:
    if len(places) > MANY:
        return [(f"no {rule.level} goes by its {rule.header}", np.isin(index, places))]
    return [(f"no {rule.level} goes by {values[n]!r}", index == n) for n in places]


def _code(rule: AreaRule, value: str | None, city: City, within: str | None) -> str | None:
    if value is None:
        return None
    if value.strip() in rule.whole:
        return city.code
    if rule.level == "city":
        return city.code if city.is_city(value) else None
    try:
        return city.levels[rule.level].code_of(value, rule.scheme, within)
    except UnknownArea:
        return None


def _positions(rule: AreaRule, header: Fields) -> tuple[np.ndarray, np.ndarray]:
    if rule.point is None:
        return _degrees(header(rule.lon or "")), _degrees(header(rule.lat or ""))
    text = header(rule.point).cast(pa.string())
    number = r"-?[0-9.]+"
    form = rf"^POINT ?\((?P<lon>{number}) (?P<lat>{number})\)$"
    parts = pc.extract_regex(pc.utf8_trim_whitespace(text), form)
    return tuple(  # type: ignore[return-value]
        _degrees(pc.struct_field(parts, name).dictionary_encode()) for name in ("lon", "lat")
    )


def _degrees(text: pa.DictionaryArray) -> np.ndarray:
    plain = pc.utf8_trim_whitespace(text.cast(pa.string()))
    good = pc.fill_null(pc.match_substring_regex(plain, NUMBER), False)
    value = pc.if_else(good, plain, pa.scalar(None, pa.string())).cast(pa.float64())
    return value.to_numpy(zero_copy_only=False)


def _by_position(rule: AreaRule, lon: np.ndarray, lat: np.ndarray, city: City) -> np.ndarray:
    """The area of the level named or, where it has none, of the next coarser one."""
    if rule.level == "city":
        raise ProfileError("an area rule with a position needs a level of areas, not the city")
    codes = city.levels[rule.level].locate(lon, lat)
    parent = city.levels[rule.level].parent
    while parent is not None and _none(codes).any():
        codes = np.where(_none(codes), city.levels[parent].locate(lon, lat), codes)
        parent = city.levels[parent].parent
    return codes


def _by_register(
    rule: AreaRule, keys: list[pa.DictionaryArray], city: City
) -> tuple[np.ndarray, Faults, Faults]:
    """Areas, keys that the register does not list, and positions that lie in no area."""
    path = city.folder / str(rule.register_)
    places = _register(path, rule.keys, path.stat().st_mtime_ns if path.is_file() else 0)
    known = _by_position(
        rule,
        np.array([lon for lon, _ in places.values()], float),
        np.array([lat for _, lat in places.values()], float),
        city,
    )
    area = dict(zip(places, known, strict=True))
    index = np.zeros(len(keys[0]), np.int64)
    for key in keys:
        index = index * (len(key.dictionary) + 1) + key.indices.to_numpy(zero_copy_only=False)
    _, first, back = np.unique(index, return_index=True, return_inverse=True)
    names = [tuple(key[int(i)].as_py() for key in keys) for i in first]
    found = np.full(len(names), None, dtype=object)
    found[:] = [area.get(name) for name in names]
    new = [n for n, name in enumerate(names) if name not in area]
    wrong = [(f"unknown {rule.keys[-1]} {' '.join(map(str, names[n]))!r}", back == n) for n in new]
    if len(new) > MANY:
        wrong = [(f"unknown {rule.keys[-1]}", np.isin(back, new))]
    outside = np.isin(back, [n for n, code in enumerate(found) if code is None and n not in new])
    return found[back], wrong, [(f"no {rule.level} at its position", outside)]


@lru_cache(maxsize=16)
def _register(
    path: Path, keys: tuple[str, ...], _changed: int
) -> dict[tuple[str, ...], tuple[float, float]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            rows = list(csv.DictReader(handle, strict=True))
        return {
            tuple(row[key] for key in keys): (
                float(row["lon"] or "nan"),
                float(row["lat"] or "nan"),
            )
            for row in rows
        }
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError) as error:
        raise ProfileError(
            f"{path}: not a register with the columns {', '.join(keys)}, lon, lat: {error!r}"
        ) from None
