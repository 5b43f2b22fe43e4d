"""Which area of the city a record belongs to: by code, name, position or register."""

from __future__ import annotations

import csv
from collections.abc import Callable
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
    faults: Faults = []
    coarse = None
    if rule.within is not None:
        coarse, faults = areas(rule.within, count, header, column, city)
    if rule.header is not None:
        codes, unknown = _by_name(rule, header(rule.header), coarse, city)
    elif rule.register_ is not None:
        codes, unknown = _by_register(rule, [column(key) for key in rule.keys], city)
    elif rule.point is not None or rule.lon is not None:
        codes = _by_position(rule, *_positions(rule, header), city)
        unknown = [(f"no {rule.level} at its position", _none(codes))]
    else:
        return np.full(count, city.code, dtype=object), faults
    if coarse is not None:
        inside = np.array(
            [
                code is not None and (holder == code or holder in city.ancestors(code))
                for code, holder in zip(codes, coarse, strict=True)
            ],
            bool,
        )
        return np.where(inside, codes, coarse), faults
    if rule.unknown == "set aside":
        faults += [(reason, mask) for reason, mask in unknown if mask.any()]
    elif rule.unknown == "city":
        codes = np.where(_none(codes), city.code, codes)
    return codes, faults


def _none(codes: np.ndarray) -> np.ndarray:
    return np.equal(codes, None)


def _by_name(
    rule: AreaRule, text: pa.DictionaryArray, coarse: np.ndarray | None, city: City
) -> tuple[np.ndarray, Faults]:
    values = text.dictionary.to_pylist()
    index = text.indices.to_numpy(zero_copy_only=False)
    if rule.pattern is not None:
        struct = pc.extract_regex(text.dictionary, _named(rule.pattern))
        looked = [None if item is None else item["x"] for item in struct.to_pylist()]
    else:
        looked = values
    if coarse is not None:
        pairs: dict[tuple[int, str | None], str | None] = {}
        codes = np.full(len(index), None, dtype=object)
        for i, key in enumerate(zip(index.tolist(), coarse, strict=True)):
            if key not in pairs:
                pairs[key] = _code(rule, looked[key[0]], city, key[1]) if key[1] else None
            codes[i] = pairs[key]
        return codes, []
    found = np.array([_code(rule, value, city, None) for value in looked], dtype=object)
    found = found if len(found) else np.full(0, None, dtype=object)
    must = rule.pattern is not None  # what does not match the pattern is a fault in any case
    faults: Faults = []
    result = found[index]
    for n, (value, code) in enumerate(zip(values, found, strict=True)):
        if code is None and (rule.unknown == "set aside" or (must and looked[n] is None)):
            faults.append((f"no {rule.level} goes by {value!r}", index == n))
    if len(faults) > 20:
        mask = np.logical_or.reduce([mask for _, mask in faults])
        faults = [(f"no {rule.level} goes by its {rule.header}", mask)]
    if rule.unknown != "set aside" and must:
        rule_faults = [(reason, mask) for reason, mask in faults if mask.any()]
        return result, rule_faults
    return result, faults


def _code(rule: AreaRule, value: str | None, city: City, within: str | None) -> str | None:
    if value is None:
        return None
    if rule.level == "city":
        return city.code if city.is_city(value) else None
    try:
        return city.levels[rule.level].code_of(value, rule.scheme, within)
    except UnknownArea:
        return None


def _named(pattern: str) -> str:
    """The pattern with its first group named, as the column functions want it."""
    at = pattern.index("(")
    return f"{pattern[:at]}(?P<x>{pattern[at + 1 :]}"


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
) -> tuple[np.ndarray, Faults]:
    path = city.folder / str(rule.register_)
    places = _register(path, rule.keys)
    known = _by_position(
        rule,
        np.array([lon for lon, _ in places.values()], float),
        np.array([lat for _, lat in places.values()], float),
        city,
    )
    area = dict(zip(places, known, strict=True))
    table = pa.table([pa.array(key.indices) for key in keys], [str(i) for i in range(len(keys))])
    index = np.zeros(table.num_rows, np.int64)
    for key in keys:
        index = index * (len(key.dictionary) + 1) + key.indices.to_numpy(zero_copy_only=False)
    _, first, back = np.unique(index, return_index=True, return_inverse=True)
    names = [tuple(key[int(i)].as_py() for key in keys) for i in first]
    found = np.array([area.get(name) for name in names], dtype=object)
    faults: Faults = []
    for n, name in enumerate(names):
        if name not in area:
            text = " ".join(str(part) for part in name)
            faults.append((f"unknown {rule.keys[-1]} {text!r}", back == n))
    codes = found[back] if len(names) else np.full(0, None, dtype=object)
    if rule.unknown != "set aside":  # known, but outside the city; the unknown are faults always
        return codes, faults
    return codes, [*faults, (f"no {rule.level} at its position", _none(codes))]


def _register(path: Path, keys: tuple[str, ...]) -> dict[tuple[str, ...], tuple[float, float]]:
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
