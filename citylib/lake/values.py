"""From text to numbers and times; what does not fit is named, never guessed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from citylib.city.datasets import Column
from citylib.city.mapping import Rule, Source, TimeRule
from citylib.lake.schema import LINE

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
WHOLE = r"^[+-]?\d{1,18}(\.0*)?$"
MIDNIGHT24 = r"(.*?)\b24(:00(:00)?)?"
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
    if column.type == "int64" and rule.scale == 1 and (value := _digits(text)) is not None:
        return _limited(value, column, faults)
    text = _plain(text, rule)
    value = _float(text)
    bad = pc.and_(pc.is_valid(text), pc.is_null(value))
    if pa.types.is_floating(value.type):
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


def _digits(text: pa.Array) -> pa.Array | None:
    """Whole numbers if all are plain digits, as most often; else None."""
    try:
        value = text.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    if pc.any(pc.match_substring(text, "x", ignore_case=True)).as_py():
        return None  # 0x10 is no number in a city's file
    return value


def _limited(value: pa.Array, column: Column, faults: Faults) -> tuple[pa.Array, Faults]:
    near = value.cast(pa.float64(), safe=False)
    if column.min is not None:
        low = pc.fill_null(pc.less(near, column.min), False)
        _fault(faults, f"{column.name} is below {column.min:g}", low)
    if column.max is not None:
        high = pc.fill_null(pc.greater(near, column.max), False)
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
    return pc.if_else(good, text, pa.scalar(None, pa.string())).cast(pa.int64())


def _fault(faults: Faults, reason: str, mask: pa.Array) -> None:
    if pc.any(mask).as_py():
        faults.append((reason, mask.to_numpy(zero_copy_only=False)))


def kept_up(table: pa.Table, source: Source, zone: str) -> tuple[pa.Table, list[tuple[int, str]]]:
    """Leave out what a column repeats after the day until which its source kept it up.

    Returns
    -------
    pa.Table
        The records; null where a value was left out.
    list of (line, reason)
        One entry for each value left out.
    """
    remarks: list[tuple[int, str]] = []
    for name, rule in source.columns.items():
        if rule.latest is None:
            continue
        end = datetime.combine(rule.latest + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
        late = pc.greater_equal(table["time"], pa.scalar(end, table["time"].type))
        late = pc.and_(late, pc.is_valid(table[name])).combine_chunks()
        reason = f"{name} was kept up until {rule.latest} only: taken as missing"
        remarks += [(line, reason) for line in table[LINE].filter(late).to_pylist()]
        column = table[name].combine_chunks()
        kept = pc.if_else(late, pa.scalar(None, column.type), column)
        table = table.set_column(table.schema.get_field_index(name), name, kept)
    return table, remarks


def times(text: pa.DictionaryArray, rule: TimeRule, zone: str) -> tuple[pa.Array, Faults]:
    """Instants from the city's clock times, or from times that tell their distance from UTC.

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
    now = datetime.now(UTC)
    for value in text.dictionary.to_pylist():
        instant, reason = _instant(value, rule, tz, now)
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


def _instant(text: str, rule: TimeRule, tz: ZoneInfo, now: datetime) -> tuple[int | None, str]:
    text = re.sub(r"\s+", " ", text.strip())
    if not text:
        return None, "time is missing"
    clock, form = _read(text, rule.formats)
    if clock is None and rule.midnight24 and (match := re.fullmatch(MIDNIGHT24, text)):
        hourly = tuple(form for form in rule.formats if "%H" in form)
        clock, form = _read(f"{match[1]}00{match[2] or ''}", hourly, timedelta(days=1))
    if clock is not None:
        has_clock = any(mark in form for mark in ("%H", "%I", "%M"))
        return _localised(clock, has_clock, rule, tz, now)
    if any(re.fullmatch(_shape(form), text) for form in rule.formats):
        return None, "time does not exist in calendar or clock"
    return None, f"time is not written as {' or '.join(rule.formats)}"


def _read(
    text: str, formats: tuple[str, ...], more: timedelta = timedelta(0)
) -> tuple[datetime | None, str]:
    """Clock time by the first format that it is written in, and that format."""
    for form in formats:
        if re.fullmatch(_shape(form), text):
            try:
                return datetime.strptime(text, form) + more, form
            except (ValueError, OverflowError):
                continue
    return None, ""


def _localised(
    clock: datetime, has_clock: bool, rule: TimeRule, tz: ZoneInfo, now: datetime
) -> tuple[int | None, str]:
    try:
        stamp = pd.Timestamp(clock).as_unit("ns")
        if stamp.tz is None:
            stamp = stamp.tz_localize(
                tz, ambiguous=True, nonexistent="raise" if has_clock else "shift_forward"
            )
        day = stamp.tz_convert(tz).date()
    except (pd.errors.OutOfBoundsDatetime, OverflowError):
        return None, "time is too far from today"
    except ValueError:
        return None, f"time does not exist in {tz.key} (clocks were put forward)"
    if day < rule.earliest:
        return None, f"time is before {rule.earliest}"
    if rule.latest is None and stamp > pd.Timestamp(now) + timedelta(days=1):
        return None, "time is in the future"
    if rule.latest is not None and day > rule.latest:
        return None, f"time is after {rule.latest}"
    return stamp.value // 1000, ""


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
