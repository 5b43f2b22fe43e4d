"""How figures, units, periods and ages are written in each language."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from math import floor, isfinite, log10

from citylib.look.words import say

UNITS = {"1": "", "percent": "%", "degC": "°C", "degree_Celsius": "°C", "m s-1": "m/s"}
SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905
LARGE = {
    "ko": [(1e12, "조"), (1e8, "억"), (1e4, "만")],
    "en": [(1e12, " trn"), (1e9, " bn"), (1e6, " M"), (1e3, " k")],
}
# After how much time since its end a period is said to be old.
STALE = {
    "hour": timedelta(hours=6),
    "day": timedelta(days=3),
    "month": timedelta(days=62),
    "year": timedelta(days=500),
}


def unit(units: str, lang: str) -> str:
    """A CF unit as people write it.

    >>> unit("ug m-3", "en")
    'µg/m³'
    """
    if units in UNITS:
        return UNITS[units]
    known = say(lang, f"unit.{units}", default="")
    if known:
        return known
    over: list[str] = []
    under: list[str] = []
    for part in units.split():
        found = re.fullmatch(r"([A-Za-z%]+)(-?\d+)?", part)
        if found is None:
            return units
        name = "µg" if found[1] == "ug" else found[1]
        power = int(found[2] or 1)
        raised = str(abs(power)).translate(SUPERSCRIPT) if abs(power) != 1 else ""
        (over if power > 0 else under).append(name + raised)
    return "·".join(over) + "".join(f"/{part}" for part in under)


def number(value: float, lang: str = "en") -> str:
    """A number with as many digits as a reader can use, and groups of thousands.

    >>> number(1234567), number(23.456), number(0.02346), number(float("nan"))
    ('1,234,567', '23.5', '0.0235', '–')
    """
    if not isfinite(value):
        return "–"
    if value == round(value) and abs(value) < 1e15:
        return f"{value:,.0f}".replace("-", "−")
    size = abs(value)
    places = 0 if size >= 1000 else 1 if size >= 10 else max(0, 2 - floor(log10(size)))
    return f"{value:,.{min(places, 8)}f}".replace("-", "−")


def compact(value: float, lang: str) -> str:
    """A number for little room: 1.23 M, 123만.

    >>> compact(1234567, "en"), compact(1234567, "ko"), compact(9876, "ko")
    ('1.23 M', '123만', '9,876')
    """
    if not isfinite(value) or abs(value) < 100_000:
        return number(value, lang)
    for size, word in LARGE.get(lang, LARGE["en"]):
        if abs(value) >= size:
            part = abs(value) / size
            places = 0 if part >= 99.5 else 1 if part >= 9.95 else 2
            sign = "−" if value < 0 else ""
            return f"{sign}{part:,.{places}f}{word}"
    return number(value, lang)


def figure(value: float, units: str, lang: str, short: bool = False) -> str:
    """Number and unit in one: `23.5 µg/m³`, `12.3%`."""
    text = compact(value, lang) if short else number(value, lang)
    mark = unit(units, lang) if isfinite(value) else ""
    return text + ("" if mark in ("", "%") else " ") + mark


def period(time: datetime, frequency: str, lang: str) -> str:
    """The period that begins at `time`, in words.

    >>> period(datetime(2022, 4, 1), "month", "ko"), period(datetime(2022, 4, 1), "day", "en")
    ('2022년 4월', '1 Apr 2022')
    """
    if lang == "ko":
        parts = [f"{time.year}년"]
        if frequency != "year":
            parts.append(f"{time.month}월")
        if frequency in ("day", "hour"):
            parts.append(f"{time.day}일")
        if frequency == "hour":
            parts.append(f"{time.hour}시")
        return " ".join(parts)
    parts = [str(time.year)]
    if frequency != "year":
        parts.insert(0, MONTHS[time.month - 1])
    if frequency in ("day", "hour"):
        parts.insert(0, str(time.day))
    return " ".join(parts) + (f", {time:%H:%M}" if frequency == "hour" else "")


def iso(time: datetime, frequency: str) -> str:
    """The period for programs, as HTML's `<time datetime>` wants it."""
    form = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}.get(frequency, "%Y-%m-%dT%H:%M")
    return time.strftime(form)


def end_of(time: datetime, frequency: str) -> datetime:
    """End of the period that begins at `time`."""
    if frequency == "year":
        return time.replace(year=time.year + 1)
    if frequency == "month":
        return (time.replace(day=1) + timedelta(days=32)).replace(day=1)
    return time + (timedelta(days=1) if frequency == "day" else timedelta(hours=1))


def before(time: datetime, frequency: str) -> datetime:
    """Begin of the period before the one that begins at `time`."""
    if frequency == "year":
        return time.replace(year=time.year - 1)
    if frequency == "month":
        return (time.replace(day=1) - timedelta(days=1)).replace(day=1)
    return time - (timedelta(days=1) if frequency == "day" else timedelta(hours=1))


def age(end: datetime, now: datetime, lang: str) -> str:
    """How long ago a period ended, in words: the largest unit that fits."""
    past = now - end
    for name, length in (("year", 365.25), ("month", 30.44), ("day", 1.0)):
        count = int(past.total_seconds() // (86400 * length))
        if count >= 1:
            return say(lang, f"age.{name}" + ("s" if count > 1 else ""), count=count)
    hours = int(past.total_seconds() // 3600)
    if hours >= 1:
        return say(lang, "age.hour" + ("s" if hours > 1 else ""), count=hours)
    return say(lang, "age.now")


def stale(end: datetime, now: datetime, frequency: str) -> bool:
    """Whether a newer period could be expected by now."""
    return now - end > STALE[frequency]


def change(value: float, earlier: float, better: str) -> tuple[str, str]:
    """Direction and judgement of a change.

    Parameters
    ----------
    value, earlier : float
        Figure now and in the period before; NaN if there is none.
    better : {"lower", "higher", ""}
        Which direction is good for the city.

    Returns
    -------
    direction : {"up", "down", "same", "unknown"}
    judgement : {"good", "bad", "neutral"}
    """
    if not (isfinite(value) and isfinite(earlier)):
        return "unknown", "neutral"
    if value == earlier:
        return "same", "neutral"
    direction = "up" if value > earlier else "down"
    if better not in ("lower", "higher"):
        return direction, "neutral"
    return direction, "good" if (direction == "down") == (better == "lower") else "bad"
