"""From text to instants; what is no time is named, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from citylib.city.mapping import TimeRule
from citylib.lake.values import Faults

MIDNIGHT24 = r"(.*?)\b24(:00(:00)?)?"
DIGITS = {"Y": 4, "m": 2, "d": 2, "H": 2, "I": 2, "M": 2, "S": 2}
FORMS = {"f": ("f3", "f6"), "z": ("Z", "z4", "z5")}
WIDTH = {**DIGITS, "p": 2, "f3": 3, "f6": 6, "Z": 1, "z4": 5, "z5": 6}
DAY = 86_400_000_000
NEAR = (1700, 2200)
"""Years in which no zone's clock and no limit of a type comes between text and instant."""


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
    values = text.dictionary
    now = datetime.now(UTC)
    tz = ZoneInfo(zone)
    stamps, good = plain_times(values, rule, tz, now)
    codes = text.indices.to_numpy(zero_copy_only=False)
    if good.all():
        return pa.array(stamps[codes]).view(pa.timestamp("us", "UTC")), []
    reasons: dict[str, list[int]] = {}
    for n in np.flatnonzero(~good).tolist():
        instant, reason = instant_of(values[n].as_py(), rule, tz, now)
        if instant is None:
            reasons.setdefault(reason, []).append(n)
        else:
            stamps[n], good[n] = instant, True
    faults: Faults = []
    for reason, places in reasons.items():
        wrong = np.zeros(len(values), bool)
        wrong[places] = True
        if (mask := wrong[codes]).any():
            faults.append((reason, mask))
    result = pa.array(stamps[codes], mask=~good[codes]).view(pa.timestamp("us", "UTC"))
    return result, faults


def plain_times(
    values: pa.StringArray, rule: TimeRule, tz: ZoneInfo, now: datetime
) -> tuple[np.ndarray, np.ndarray]:
    """Instants of those texts that are written with all digits and give no cause for doubt.

    Returns
    -------
    stamps : ndarray of int64, shape (n,)
        Microseconds since 1970.
    good : ndarray of bool, shape (n,)
        Where they hold; every other text must be judged by `instant_of`, which would say the same
        of these.
    """
    stamps = np.zeros(len(values), np.int64)
    good = np.zeros(len(values), bool)
    if not len(values):
        return stamps, good
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset :][: len(values) + 1]
    data = np.frombuffer(values.buffers()[2] or b"\0", np.uint8)
    length = np.diff(offsets)
    open_ = np.ones(len(values), bool)
    for form in rule.formats:
        for template in _templates(form):
            width = sum(len(part) if isinstance(part, bytes) else WIDTH[part] for part in template)
            rows = np.flatnonzero(open_ & (length == width))
            if not len(rows):
                continue
            if len(rows) == len(values):
                letters = data[offsets[0] : offsets[-1]].reshape(-1, width)
            else:
                letters = data[offsets[rows][:, None] + np.arange(width)]
            found, fits = _instants(*_read(letters, template), rule, tz, now)
            stamps[rows[fits]] = found[fits]
            good[rows[fits]] = True
        open_ &= ~good
        if form != rule.formats[-1] and open_.any():  # the first format that fits is meant
            shape = pc.match_substring_regex(values, rf"^\s*{_shape(form)}\s*$")
            open_ &= ~shape.to_numpy(zero_copy_only=False)
    return stamps, good


def _templates(form: str) -> Iterator[list[str | bytes]]:
    """Ways to write a format with all digits: letters of directives, and text between them."""
    parts = re.split(r"%([a-zA-Z])", form)
    letters = parts[1::2]
    plain = "%" not in "".join(parts[::2]) and len(set(letters)) == len(letters)
    twelve = ("I" in letters) == ("p" in letters) and not {"H", "I"} <= set(letters)
    spaced = form == re.sub(r"\s+", " ", form.strip())
    if not plain or not twelve or not spaced or "Y" not in letters:
        return
    if not set(letters) <= {*DIGITS, *FORMS, "p"}:
        return
    for forms in product(*(FORMS.get(letter, (letter,)) for letter in letters)):
        template: list[str | bytes] = []
        for n, part in enumerate(parts):
            template.append(forms[n // 2] if n % 2 else part.encode())
        yield [part for part in template if part]


def _read(
    letters: np.ndarray, template: list[str | bytes]
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Clock times in microseconds, distance from UTC if it is written, and which fit."""
    count = len(letters)
    fits = np.ones(count, bool)
    field: dict[str, np.ndarray] = {}
    begin = 0
    for part in template:
        if isinstance(part, bytes):
            cell = letters[:, begin : begin + len(part)]
            fits &= (cell == np.frombuffer(part, np.uint8)).all(axis=1)
            begin += len(part)
            continue
        cell = letters[:, begin : begin + WIDTH[part]]
        begin += WIDTH[part]
        if part == "Z":
            fits &= cell[:, 0] == ord("Z")
            field["away"] = np.zeros(count, np.int64)
        elif part == "p":
            fits &= ((cell[:, 0] == ord("A")) | (cell[:, 0] == ord("P"))) & (cell[:, 1] == ord("M"))
            field["p"] = (cell[:, 0] == ord("P")).astype(np.int64)
        elif part in ("z4", "z5"):
            sign = np.where(cell[:, 0] == ord("-"), -1, 1)
            fits &= (cell[:, 0] == ord("-")) | (cell[:, 0] == ord("+"))
            hours = _number(cell[:, 1:3], fits)
            if part == "z5":
                fits &= cell[:, 3] == ord(":")
            minutes = _number(cell[:, -2:], fits)
            fits &= (hours < 24) & (minutes < 60)
            field["away"] = sign * (hours * 60 + minutes) * 60_000_000
        elif part.startswith("f"):
            field["f"] = _number(cell, fits) * 10 ** (6 - int(part[1]))
        else:
            field[part] = _number(cell, fits)
    if "I" in field:
        fits &= (field["I"] >= 1) & (field["I"] <= 12)
        field["H"] = field["I"] % 12 + 12 * field["p"]
    nought, one = np.zeros(count, np.int64), np.ones(count, np.int64)
    year, month, day = field["Y"], field.get("m", one), field.get("d", one)
    hour, minute, second = (field.get(key, nought) for key in "HMS")
    fits &= (year >= NEAR[0]) & (year < NEAR[1]) & (month >= 1) & (month <= 12) & (day >= 1)
    fits &= (hour < 24) & (minute < 60) & (second < 60)
    first = (np.where(fits, (year - 1970) * 12 + month - 1, 0)).astype("M8[M]")
    days = first.astype("M8[D]").astype(np.int64) + day - 1
    fits &= days < (first + 1).astype("M8[D]").astype(np.int64)
    seconds = (hour * 60 + minute) * 60 + second
    return days * DAY + seconds * 1_000_000 + field.get("f", nought), field.get("away"), fits


def _number(cell: np.ndarray, fits: np.ndarray) -> np.ndarray:
    """Number that digits write; what is no digit does not fit."""
    digits = cell - np.uint8(ord("0"))
    fits &= (digits < 10).all(axis=1)
    result = np.zeros(len(cell), np.int64)
    for place in range(cell.shape[1]):
        result = result * 10 + digits[:, place]
    return result


def _instants(
    clock: np.ndarray,
    away: np.ndarray | None,
    fits: np.ndarray,
    rule: TimeRule,
    tz: ZoneInfo,
    now: datetime,
) -> tuple[np.ndarray, np.ndarray]:
    """Microseconds since 1970 of clock times, and for which there is no doubt."""
    clock = np.where(fits, clock, 0)
    if away is None:
        index = pd.DatetimeIndex(clock.view("M8[us]")).tz_localize(
            tz, ambiguous=np.ones(len(clock), bool), nonexistent="NaT"
        )
        fits = fits & ~np.asarray(index.isna())
        stamps, days = index.as_unit("us").asi8, clock // DAY
    else:
        stamps = clock - away
        index = pd.DatetimeIndex(stamps.view("M8[us]")).tz_localize(UTC).tz_convert(tz)
        days = index.tz_localize(None).as_unit("us").asi8 // DAY
    fits = fits & (days >= _day(rule.earliest))
    if rule.latest is not None:
        fits &= days <= _day(rule.latest)
    else:
        limit = now + timedelta(days=1) - datetime(1970, 1, 1, tzinfo=UTC)
        fits &= stamps <= limit // timedelta(microseconds=1)
    return stamps, fits


def _day(value: date) -> int:
    return (value - date(1970, 1, 1)).days


def instant_of(text: str, rule: TimeRule, tz: ZoneInfo, now: datetime) -> tuple[int | None, str]:
    """Microseconds since 1970 of one text, or the reason why it is no time."""
    text = re.sub(r"\s+", " ", text.strip())
    if not text:
        return None, "time is missing"
    clock, form = _written(text, rule.formats)
    if clock is None and rule.midnight24 and (match := re.fullmatch(MIDNIGHT24, text)):
        hourly = tuple(form for form in rule.formats if "%H" in form)
        clock, form = _written(f"{match[1]}00{match[2] or ''}", hourly, timedelta(days=1))
    if clock is not None:
        has_clock = any(mark in form for mark in ("%H", "%I", "%M"))
        return _localised(clock, has_clock, rule, tz, now)
    if any(re.fullmatch(_shape(form), text) for form in rule.formats):
        return None, "time does not exist in calendar or clock"
    return None, f"time is not written as {' or '.join(rule.formats)}"


def _written(
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
