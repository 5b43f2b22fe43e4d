"""Which area of the city a record belongs to: by code, name, position or register."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from citylib.city.areas import UnknownArea
from citylib.city.errors import ProfileError
from citylib.city.mapping import AreaRule
from citylib.city.profile import City
from citylib.lake.codes import codes_of, distinct
from citylib.lake.values import NUMBER, Faults

Fields = Callable[[str], pa.DictionaryArray]
"""Gives the text of a header, or of a column of the table, for each record."""
MANY = 20
"""More values than these are not named one by one as reasons."""


@dataclass(frozen=True)
class Found:
    """Areas of records: the place of each in the list of codes, -1 for none."""

    place: np.ndarray
    codes: list[str]

    @property
    def none(self) -> np.ndarray:
        """Records without an area."""
        return self.place < 0

    def array(self) -> pa.DictionaryArray:
        """Codes as an Arrow array, null for none."""
        mask = self.none if self.none.any() else None
        return pa.DictionaryArray.from_arrays(
            pa.array(self.place, pa.int32(), mask=mask), pa.array(self.codes, pa.string())
        )


def _found(codes: Sequence[str | None], back: np.ndarray) -> Found:
    """Areas of records, from those of the values that each record has one of."""
    known = list(dict.fromkeys(code for code in codes if code is not None))
    place = {code: n for n, code in enumerate(known)}
    short = np.array([-1 if code is None else place[code] for code in codes], np.int32)
    return Found(short[back] if len(short) else np.full(len(back), -1, np.int32), known)


def areas(
    rule: AreaRule, count: int, header: Fields, column: Fields, city: City
) -> tuple[Found, Faults]:
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
    Found
        Canonical codes; none for a record outside the city or with a fault.
    list of (reason, mask)
        Records without an area that the rule sets aside.
    """
    coarse = None
    faults: Faults = []
    if rule.within is not None:
        coarse, faults = areas(rule.within, count, header, column, city)
    wrong: Faults = []
    if rule.header is not None:
        found, wrong, unknown = _by_name(rule, header(rule.header), coarse, city)
    elif rule.register_ is not None:
        found, wrong, unknown = _by_register(rule, [column(key) for key in rule.keys], city)
    elif rule.point is not None or rule.lon is not None:
        found = _by_position(rule, header, city)
        unknown = [(f"no {rule.level} at its position", found.none)]
    else:
        return Found(np.zeros(count, np.int32), [city.code]), faults
    if coarse is not None:
        return _inside(found, coarse, city), faults
    if rule.unknown == "set aside":
        wrong += unknown
    elif rule.unknown == "city" and found.none.any():
        place = np.where(found.none, len(found.codes), found.place).astype(np.int32)
        found = Found(place, [*found.codes, city.code])
    return found, [(reason, mask) for reason, mask in wrong if mask.any()]


def _inside(fine: Found, coarse: Found, city: City) -> Found:
    """The fine area if the coarse one holds it, else the coarse one."""
    holders = [(code, *city.ancestors(code)) for code in fine.codes]
    pairs = np.zeros((len(fine.codes) + 1, len(coarse.codes) + 1), np.int32)
    for m in range(len(coarse.codes)):
        pairs[:, m] = len(fine.codes) + m
        for n, above in enumerate(holders):
            if coarse.codes[m] in above:
                pairs[n, m] = n
    pairs[:, -1] = -1  # the coarse area of a record outside the city
    return Found(pairs[fine.place, coarse.place], [*fine.codes, *coarse.codes])


def _by_name(
    rule: AreaRule, text: pa.DictionaryArray, coarse: Found | None, city: City
) -> tuple[Found, Faults, Faults]:
    """Areas, values that no rule allows, and values that no area goes by."""
    values = text.dictionary.to_pylist()
    index = codes_of(text)
    looked: list[str | None] = list(values)
    if rule.pattern is not None:
        match = map(re.compile(rule.pattern).search, values)
        looked = [each[1] if each else None for each in match]
    if coarse is not None:
        first, back = distinct([index, coarse.place + 1], [len(values), len(coarse.codes) + 1])
        within = [coarse.codes[n] if n >= 0 else None for n in coarse.place[first].tolist()]
        pairs = [(looked[n], of) for n, of in zip(index[first].tolist(), within, strict=True)]
        code = {(value, of): _code(rule, value, city, of) if of else None for value, of in {*pairs}}
        return _found([code[pair] for pair in pairs], back), [], []
    code_of = {value: _code(rule, value, city, None) for value in {*looked}}
    known = [code_of[value] for value in looked]
    wrong = [n for n, value in enumerate(looked) if value is None]
    unknown = [n for n, code in enumerate(known) if code is None and looked[n] is not None]
    return (
        _found(known, index),
        _named(rule, wrong, values, index),
        _named(rule, unknown, values, index),
    )


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


def _by_position(rule: AreaRule, header: Fields, city: City) -> Found:
    """Areas of the positions that a file holds; each different one is looked for once."""
    if rule.point is None:
        parts = [header(rule.lon or ""), header(rule.lat or "")]
        indices = [codes_of(part) for part in parts]
        first, back = distinct(indices, [len(part.dictionary) for part in parts])
        lon, lat = (
            _degrees(part.dictionary)[index[first]]
            for part, index in zip(parts, indices, strict=True)
        )
    else:
        text = header(rule.point)
        back = codes_of(text)
        number = r"-?[0-9.]+"
        form = rf"^POINT ?\((?P<lon>{number}) (?P<lat>{number})\)$"
        found = pc.extract_regex(pc.utf8_trim_whitespace(text.dictionary), form)
        lon, lat = (_degrees(pc.struct_field(found, name)) for name in ("lon", "lat"))
    return _found(_located(rule, lon, lat, city), back)


def _degrees(text: pa.Array) -> np.ndarray:
    if not len(text):
        return np.zeros(0)
    plain = pc.utf8_trim_whitespace(text)
    good = pc.fill_null(pc.match_substring_regex(plain, NUMBER), False)
    value = pc.if_else(good, plain, pa.scalar(None, pa.string())).cast(pa.float64())
    return value.to_numpy(zero_copy_only=False)


def _located(rule: AreaRule, lon: np.ndarray, lat: np.ndarray, city: City) -> list[str | None]:
    """The area of the level named or, where it has none, of the next coarser one."""
    if rule.level == "city":
        raise ProfileError("an area rule with a position needs a level of areas, not the city")
    codes = city.levels[rule.level].locate(lon, lat)
    parent = city.levels[rule.level].parent
    while parent is not None and (none := np.array([code is None for code in codes], bool)).any():
        codes = np.where(none, city.levels[parent].locate(lon, lat), codes)
        parent = city.levels[parent].parent
    return list(codes)


def _by_register(
    rule: AreaRule, keys: list[pa.DictionaryArray], city: City
) -> tuple[Found, Faults, Faults]:
    """Areas, keys that the register does not list, and positions that lie in no area."""
    path = city.folder / str(rule.register_)
    area = _register_areas(rule, path, city)
    indices = [codes_of(key) + 1 for key in keys]
    first, back = distinct(indices, [len(key.dictionary) + 1 for key in keys])
    names = [tuple(key[n].as_py() for key in keys) for n in first.tolist()]
    codes = [area.get(name) for name in names]
    new = [n for n, name in enumerate(names) if name not in area]
    wrong = [(f"unknown {rule.keys[-1]} {' '.join(map(str, names[n]))!r}", back == n) for n in new]
    if len(new) > MANY:
        wrong = [(f"unknown {rule.keys[-1]}", np.isin(back, new))]
    outside = [n for n, code in enumerate(codes) if code is None and names[n] in area]
    return (
        _found(codes, back),
        wrong,
        [(f"no {rule.level} at its position", np.isin(back, outside))],
    )


def _register_areas(rule: AreaRule, path: Path, city: City) -> dict[tuple[str, ...], str | None]:
    """Area of each key that the register lists; looked for once for each state of the profile."""
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    places = _register(path, rule.keys, changed)
    level = city.levels.get(rule.level)
    key = (path, rule.keys, changed, id(level))
    if key not in _REGISTERS:
        if len(_REGISTERS) >= 16:
            _REGISTERS.clear()
        lon, lat = (np.array([place[n] for place in places.values()], float) for n in (0, 1))
        found = _located(rule, lon, lat, city)
        _REGISTERS[key] = (city, dict(zip(places, found, strict=True)))
    return _REGISTERS[key][1]


_REGISTERS: dict[tuple[object, ...], tuple[City, dict[tuple[str, ...], str | None]]] = {}


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
