"""From text to numbers; what does not fit is named, never guessed."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from citylib.city.datasets import Column
from citylib.city.mapping import Rule

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
WHOLE = r"^[+-]?0*\d{1,19}(\.0*)?$"
MOST, LEAST = str(2**63 - 1), str(2**63)
"""Digits of the largest whole number that is kept, and of the smallest without its sign."""
Faults = list[tuple[str, np.ndarray]]


def number(text: pa.Array, rule: Rule, column: Column) -> tuple[pa.Array, Faults]:
    """Numbers from text.

    Parameters
    ----------
    text : pa.Array
        Text, also as a dictionary, or numbers as a file holds them.
    rule : Rule
        Marks for "no value" and nought, scale, marks within numbers.
    column : Column
        Type and limits.

    Returns
    -------
    pa.Array
        Of the column's type; null where there is no value or a fault.
    list of (reason, mask)
        Which values do not fit, and why.
    """
    if isinstance(text, pa.DictionaryArray):
        value, faults = number(text.dictionary, rule, column)
        codes = text.indices.to_numpy(zero_copy_only=False)
        masks = [(reason, mask[codes]) for reason, mask in faults]
        return value.take(text.indices), [(reason, mask) for reason, mask in masks if mask.any()]
    if pa.types.is_string(text.type):
        value = _plain_numbers(text, rule, column)
    elif rule.null or rule.zero or text.type != getattr(pa, column.type)():
        value, text = None, text.cast(pa.string()).fill_null("")
    else:
        value = _finite(text) if rule.scale == 1 or column.type == "float64" else None
        text = text if value is not None else text.cast(pa.string()).fill_null("")
    if value is None:
        return _judged(text, rule, column)
    return _limited(value if rule.scale == 1 else pc.multiply(value, rule.scale), column, [])


def _plain_numbers(text: pa.Array, rule: Rule, column: Column) -> pa.Array | None:
    """Numbers if all texts are plain ones or marks for "no value", as most often; else None.

    Then they are what `_judged` would find, which looks at every text by itself.
    """
    whole = column.type == "int64"
    marks = any(map(_is_number, (*rule.null, *rule.zero)))
    if rule.decimal != "." or rule.thousands == "." or marks or (whole and rule.scale != 1):
        return None
    if (value := _cast(text, whole)) is None:
        if rule.zero:
            return None
        none = pc.is_in(text, pa.array(["", *rule.null], pa.string()))
        text = pc.if_else(none, pa.scalar(None, pa.string()), text)
        value = _cast(text, whole)
    if value is None and whole and (near := _cast(text, whole=False)) is not None:
        value = _whole(near)
    return value


def _is_number(mark: str) -> bool:
    try:
        float(mark)
    except ValueError:
        return False
    return True


def _cast(text: pa.Array, whole: bool) -> pa.Array | None:
    try:
        value = text.cast(pa.int64() if whole else pa.float64())
    except pa.ArrowInvalid:
        return None
    if not whole:
        return _finite(value)
    letters = np.frombuffer(text.buffers()[2] or b"\0", np.uint8) | 32
    return None if (letters == ord("x")).any() else value  # 0x10 is no number in a city's file


def _finite(value: pa.Array) -> pa.Array | None:
    if not pa.types.is_floating(value.type):
        return value
    return value if pc.all(pc.is_finite(value)).as_py() is not False else None


def _whole(near: pa.Array) -> pa.Array | None:
    """Integers if all are exactly that, and small enough to be."""
    limits = [limit.as_py() for limit in pc.min_max(near).values()]
    if any(limit is not None and abs(limit) >= 2.0**53 for limit in limits):
        return None
    value = near.cast(pa.int64(), safe=False)
    exact = pc.all(pc.equal(value.cast(pa.float64()), near)).as_py()
    return value if exact is not False else None


def _judged(text: pa.Array, rule: Rule, column: Column) -> tuple[pa.Array, Faults]:
    """Numbers, each text looked at by itself."""
    faults: Faults = []
    text = _plain(_marks(text, rule), rule)
    value = _float(text)
    bad = pc.and_(pc.is_valid(text), pc.is_null(value))
    bad = pc.or_(bad, pc.fill_null(pc.invert(pc.is_finite(value)), False))
    _fault(faults, f"{column.name} is not a number", bad)
    if rule.scale != 1:
        value = pc.multiply(value, rule.scale)
    if column.type == "int64":
        whole = pc.round(value)
        odd = pc.greater(pc.abs(pc.subtract(value, whole)), 1e-6)
        large = pc.greater_equal(pc.abs(value), 2.0**53)
        exact = _integers(text) if rule.scale == 1 else pa.nulls(len(text), pa.int64())
        odd = pc.and_not(pc.or_(odd, large), pc.or_(bad, pc.is_valid(exact)))
        odd = pc.fill_null(odd, False)
        _fault(faults, f"{column.name} is not a whole number", odd)
        bad = pc.or_(bad, odd)
        rounded = pc.if_else(pc.or_(bad, pc.is_valid(exact)), None, whole).cast(pa.int64())
        value = pc.coalesce(exact, rounded)
    value = pc.if_else(bad, pa.scalar(None, value.type), value)
    return _limited(value, column, faults)


def _limited(value: pa.Array, column: Column, faults: Faults) -> tuple[pa.Array, Faults]:
    if column.min is None and column.max is None:
        return value, faults
    limits = pc.min_max(value)
    if column.min is not None and (low := limits["min"].as_py()) is not None and low < column.min:
        below = pc.fill_null(pc.less(value.cast(pa.float64(), safe=False), column.min), False)
        _fault(faults, f"{column.name} is below {column.min:g}", below)
    if column.max is not None and (high := limits["max"].as_py()) is not None and high > column.max:
        above = pc.fill_null(pc.greater(value.cast(pa.float64(), safe=False), column.max), False)
        _fault(faults, f"{column.name} is above {column.max:g}", above)
    return value, faults


def _marks(text: pa.Array, rule: Rule) -> pa.Array:
    """Trimmed text, with the marks for "no value" null and those for nought "0"."""
    text = pc.utf8_trim_whitespace(text)
    none = pc.is_in(text, pa.array(["", *rule.null], pa.string()))
    if rule.zero:
        nought = pc.is_in(text, pa.array(rule.zero, pa.string()))
        text = pc.if_else(nought, "0", text)
        none = pc.and_not(none, nought)
    return pc.if_else(none, pa.scalar(None, pa.string()), text)


def _plain(text: pa.Array, rule: Rule) -> pa.Array:
    """Numbers as text with a decimal point and without marks between thousands."""
    if rule.thousands:
        mark, point = re.escape(rule.thousands), re.escape(rule.decimal)
        grouped = rf"^[+-]?\d{{1,3}}({mark}\d{{3}})+({point}\d*)?$"
        found = pc.fill_null(pc.match_substring_regex(text, grouped), False)
        text = pc.if_else(found, pc.replace_substring(text, rule.thousands, ""), text)
    if rule.decimal != ".":
        text = pc.replace_substring(text, ".", "?")  # what is left is no decimal point
        text = pc.replace_substring(text, rule.decimal, ".")
    return text


def _float(text: pa.Array) -> pa.Array:
    good = pc.fill_null(pc.match_substring_regex(text, NUMBER), False)
    return pc.if_else(good, text, pa.scalar(None, pa.string())).cast(pa.float64())


def _integers(text: pa.Array) -> pa.Array:
    """Whole numbers digit by digit, also those that no float64 holds; null for all others."""
    good = pc.fill_null(pc.match_substring_regex(text, WHOLE), False)
    text = pc.replace_substring_regex(text, r"^\+|\.0*$", "")
    text = pc.replace_substring_regex(text, r"^(-?)0+(\d)", r"\1\2")
    digits = pc.utf8_ltrim(text, "-")
    limit = pc.if_else(pc.starts_with(text, "-"), LEAST, MOST)
    beyond = pc.and_(pc.equal(pc.binary_length(digits), len(MOST)), pc.greater(digits, limit))
    good = pc.and_not(good, pc.fill_null(beyond, False))
    return pc.if_else(good, text, pa.scalar(None, pa.string())).cast(pa.int64())


def _fault(faults: Faults, reason: str, mask: pa.Array) -> None:
    if pc.any(mask).as_py():
        faults.append((reason, mask.to_numpy(zero_copy_only=False)))
