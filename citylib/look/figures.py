"""How figures, units, periods and ages are written in each language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import floor, isfinite, log10
from sys import float_info

from citylib.look.words import say

UNITS = {"1": "", "percent": "%", "degC": "°C", "degree_Celsius": "°C", "m s-1": "m/s"}
SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905
LARGE = {
    "ko": [(1e12, "조"), (1e8, "억"), (1e4, "만")],
    "en": [(1e12, " trn"), (1e9, " bn"), (1e6, " M"), (1e3, " k")],
}
ROOMY = 100_000
"""From here on numbers are shown in short where there is little room."""
MOST_PLACES = 8
# Short dates for the axis of a chart, in the directives that strftime and d3-time-format share.
AXIS_DATES = {
    "ko": {"year": "%Y", "month": "%Y.%-m", "day": "%Y.%-m.%-d", "hour": "%-m.%-d %H:%M"},
    "en": {"year": "%Y", "month": "%b %Y", "day": "%-d %b %Y", "hour": "%-d %b %H:%M"},
}
PERCENT = ("percent", "%")
# Their zero is a convention: 20 °C are not twice 10 °C.
WITHOUT_ZERO = ("degC", "degree_Celsius", "degF")
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
    places = max(0, 2 - floor(log10(size)))
    return f"{value:,.{min(places, 8)}f}".replace("-", "−")


def compact(value: float, lang: str) -> str:
    """A number for little room: 1.23 M, 123만.

    >>> compact(1234567, "en"), compact(1234567, "ko"), compact(9876, "ko")
    ('1.23 M', '123만', '9,876')
    """
    if not isfinite(value) or abs(value) < ROOMY:
        return number(value, lang)
    for size, word in LARGE.get(lang, LARGE["en"]):
        if abs(value) >= size:
            part = abs(value) / size
            places = 0 if part >= 99.5 else 1 if part >= 9.95 else 2
            sign = "−" if value < 0 else ""
            return f"{sign}{part:,.{places}f}{word}"
    return number(value, lang)


def alike(
    values: Sequence[float], lang: str, digits: int | None = None, short: bool = True
) -> list[str]:
    """Numbers that stand together, on an axis, in a legend or in rows: written in one way.

    All have the same word for thousands or millions and as many decimals as tell them exactly.

    Parameters
    ----------
    values : sequence of float
        NaN is written as "–".
    lang : str
        Language.
    digits : int, optional
        Significant digits that the largest needs at most; for figures that are not round.
    short : bool
        Whether large ones may be written with a word.

    Examples
    --------
    >>> alike([0, 50_000, 150_000], "ko"), alike([0.5, 1], "en"), alike([23.456, 9.8765], "en", 3)
    (['0', '5만', '15만'], ['0.5', '1.0'], ['23.5', '9.9'])
    """
    sizes = [abs(value) for value in values if isfinite(value) and value]
    largest, smallest = (max(sizes), min(sizes)) if sizes else (1.0, 1.0)
    ways = [(1.0, "")]
    if short and largest >= ROOMY:
        large = LARGE.get(lang, LARGE["en"])
        ways = [(s, w) for s, w in large if s <= largest and s / 100 <= smallest] + ways
    told = [way for way in ways if _places(sizes, way[0]) <= MOST_PLACES]
    size, word = ways[0] if digits is not None else next(iter(told), ways[-1])
    places = min(_places(sizes, size), MOST_PLACES)
    if digits is not None:
        needed = max(digits - 1 - floor(log10(largest / size)), -floor(log10(smallest / size)), 0)
        places = min(places, needed)
    return [
        "–"
        if not isfinite(value)
        else "0"
        if not value
        else f"{value / size:,.{places}f}{word}".replace("-", "−")
        for value in values
    ]


def _places(values: Sequence[float], size: float) -> int:
    """Decimals that tell all of the values, in units of `size`, exactly; one more: too many."""
    for places in range(MOST_PLACES + 1):
        if all(_is_multiple(value, size * 10.0**-places) for value in values):
            return places
    return MOST_PLACES + 1


def _is_multiple(value: float, part: float) -> bool:
    count = value / part
    # What dividing floats may be off by, and no more.
    return abs(count - round(count)) <= 8 * float_info.epsilon * max(1.0, abs(count))


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


def axis_date(time: datetime, unit: str, lang: str) -> str:
    """A short date for an axis whose ticks are hours, days, months or years apart.

    >>> axis_date(datetime(2022, 4, 1), "month", "ko"), axis_date(datetime(2022, 4, 1), "day", "en")
    ('2022.4', '1 Apr 2022')
    """
    return time.strftime(AXIS_DATES.get(lang, AXIS_DATES["en"])[unit])


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


def difference(value: float, earlier: float, units: str, lang: str) -> str:
    """How much a figure differs from an earlier one, without sign.

    Of a share (units `percent`) in percentage points; of other figures in percent of the earlier
    one; in the figure's own unit where that means nothing: the earlier one is not above zero, or
    the unit's zero is a convention.

    >>> difference(15.8, 14.8, "percent", "en"), difference(110.0, 100.0, "1", "en")
    ('1.0 points', '10.0%')
    """
    amount = abs(value - earlier)
    if units in PERCENT:
        return say(lang, "change.points", size=_decimal(amount))
    if units in WITHOUT_ZERO or earlier <= 0 or value < 0:
        return figure(amount, units, lang, short=True)
    return f"{_decimal(amount / earlier * 100)}%"


def _decimal(size: float) -> str:
    """One decimal, none from a thousand on, and one digit that is not zero for what is small."""
    if size >= 1000:
        return f"{size:,.0f}"
    return f"{size:.1f}" if size >= 0.095 else f"{size:.{min(8, -floor(log10(size)))}f}"
