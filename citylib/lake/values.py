"""From text to numbers and times; what does not fit is named, never guessed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from citylib.city.datasets import Column
from citylib.city.mapping import Rule, TimeRule

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$"
Faults = list[tuple[str, np.ndarray]]


def number(text: pa.Array, rule: Rule, column: Column) -> tuple[pa.Array, Faults]:
    """Numbers from text.

    Returns
    -------
    pa.Array
        Of the column's type; null where there is no value or a fault.
    list of (reason, mask)
        Which values do not fit, and why.
    """
    faults: Faults = []
    text = _marks(text, rule)
    try:
        value = text.cast(pa.int64() if column.type == "int64" else pa.float64())
        if pc.any(pc.match_substring(text, "x", ignore_case=True)).as_py():
            value = _float(text)  # 0x10 is no number in a city's file
    except pa.ArrowInvalid:
        value = _float(text)
    bad = pc.and_(pc.is_valid(text), pc.is_null(value))
    if pa.types.is_floating(value.type):
        bad = pc.or_(bad, pc.fill_null(pc.invert(pc.is_finite(value)), False))
    _fault(faults, f"{column.name} is not a number", bad)
    if rule.scale != 1:
        value = pc.multiply(value.cast(pa.float64()), rule.scale)
    if column.type == "int64" and not pa.types.is_integer(value.type):
        whole = pc.round(value)
        odd = pc.greater(pc.abs(pc.subtract(value, whole)), 1e-6)
        large = pc.greater_equal(pc.abs(value), 2.0**53)
        odd = pc.fill_null(pc.and_not(pc.or_(odd, large), bad), False)
        _fault(faults, f"{column.name} is not a whole number", odd)
        bad = pc.or_(bad, odd)
        value = pc.if_else(bad, None, whole).cast(pa.int64())
    value = pc.if_else(bad, pa.scalar(None, value.type), value)
    if column.min is not None:
        low = pc.fill_null(pc.less(value, column.min), False)
        _fault(faults, f"{column.name} is below {column.min:g}", low)
    if column.max is not None:
        high = pc.fill_null(pc.greater(value, column.max), False)
        _fault(faults, f"{column.name} is above {column.max:g}", high)
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


def _float(text: pa.Array) -> pa.Array:
    grouped = pc.fill_null(pc.match_substring_regex(text, THOUSANDS), False)
    text = pc.if_else(grouped, pc.replace_substring(text, ",", ""), text)
    good = pc.fill_null(pc.match_substring_regex(text, NUMBER), False)
    return pc.if_else(good, text, pa.scalar(None, pa.string())).cast(pa.float64())


def _fault(faults: Faults, reason: str, mask: pa.Array) -> None:
    if pc.any(mask).as_py():
        faults.append((reason, mask.to_numpy(zero_copy_only=False)))


def times(text: pa.DictionaryArray, rule: TimeRule, zone: str) -> tuple[pa.Array, Faults]:
    """Instants from the city's clock times.

    A clock time that occurs twice (when summer time ends) is taken as the first of the two; a
    date whose midnight does not exist begins with the first instant of that day.

    Returns
    -------
    pa.Array
        timestamp[us, tz=UTC], null where there is a fault.
    list of (reason, mask)
        Which values do not fit, and why.
    """
    stamps: list[int | None] = []
    reasons: list[str] = []
    tz = ZoneInfo(zone)
    for value in text.dictionary.to_pylist():
        instant, reason = _instant(value, rule, tz)
        stamps.append(instant)
        reasons.append(reason)
    codes = text.indices.to_numpy(zero_copy_only=False)
    faults = [
        (reason, np.isin(codes, [n for n, own in enumerate(reasons) if own == reason]))
        for reason in dict.fromkeys(reasons)
        if reason
    ]
    result = pa.array(stamps, pa.timestamp("us", "UTC")).take(text.indices)
    return result, [(reason, mask) for reason, mask in faults if mask.any()]


def _instant(text: str, rule: TimeRule, tz: ZoneInfo) -> tuple[int | None, str]:
    text = re.sub(r"\s+", " ", text.strip())
    if not text:
        return None, "time is missing"
    days = 0
    if rule.midnight24 and (match := re.fullmatch(r"(.*?)\b24(:00(:00)?)?", text)):
        text, days = f"{match[1]}00{match[2] or ''}", 1
    like = False
    for form in rule.formats:
        if not re.fullmatch(_shape(form), text):
            continue
        like = True
        try:
            clock = datetime.strptime(text, form) + timedelta(days=days)
        except (ValueError, OverflowError):
            continue
        has_clock = any(mark in form for mark in ("%H", "%I", "%M"))
        return _localised(clock, has_clock, tz)
    if like:
        return None, "time does not exist in calendar or clock"
    return None, f"time is not written as {' or '.join(rule.formats)}"


def _localised(clock: datetime, has_clock: bool, tz: ZoneInfo) -> tuple[int | None, str]:
    stamp = pd.Timestamp(clock)
    try:
        instant = stamp.tz_localize(
            tz, ambiguous=True, nonexistent="raise" if has_clock else "shift_forward"
        )
    except ValueError:
        return None, f"time does not exist in {tz.key} (clocks were put forward)"
    return instant.value // 1000, ""


def _shape(form: str) -> str:
    """What a format looks like: a directive next to another needs all its digits."""
    parts = re.split(r"(%[a-zA-Z])", form)
    result = ""
    for i, part in enumerate(parts):
        if not part.startswith("%"):
            result += re.escape(part)
        elif part == "%Y":
            result += r"\d{4}"
        elif part in ("%y", "%m", "%d", "%H", "%M", "%S", "%I"):
            before = i > 1 and not parts[i - 1]
            after = i + 2 < len(parts) and not parts[i + 1]
            result += r"\d{2}" if before or after or part == "%y" else r"\d{1,2}"
        else:
            result += ".+"
    return result
