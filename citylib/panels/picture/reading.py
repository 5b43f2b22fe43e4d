"""What an indicator says at one place and time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import nan
from typing import TYPE_CHECKING
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

import numpy as np

from citylib.look import figures
from citylib.look.words import say

if TYPE_CHECKING:
    import xarray as xr

    from citylib.city.profile import City

SUMS = ("sum", "count")


@dataclass(frozen=True)
class Reading:
    """A figure with all that a reader must know of it.

    Attributes
    ----------
    id, title, source, licence, classification, frequency, units, better, domain : str
        Of the indicator; `units` after CF.
    area : str
        Code of the area.
    time : datetime or None
        Start of the period in the city's civil time; None if there is no figure at all.
    value, before : float
        Figure of the period and of the one before it; NaN: missing.
    replayed : bool
        Whether it rests on records of another day, played as if they were of now.
    running : bool
        Whether the period had not ended yet when the figure was computed, so that more may come.
    """

    id: str
    title: str
    units: str
    frequency: str
    better: str
    source: str
    licence: str
    classification: str
    domain: str
    area: str
    time: datetime | None
    value: float
    before: float
    replayed: bool = False
    running: bool = False

    def says(self, lang: str, short: bool = False) -> str:
        """The figure with its unit."""
        return figures.figure(self.value, self.units, lang, short)

    def when(self, lang: str) -> str:
        """The period in words."""
        if self.time is None:
            return say(lang, "missing")
        return figures.period(self.time, self.frequency, lang)


def title_of(array: xr.DataArray, lang: str) -> str:
    """Title of an indicator in a language, or what it has."""
    return said(array, "long_name", lang) or str(array.name)


def said(array: xr.DataArray, key: str, lang: str) -> str:
    """An attribute in a language, or the one for all; empty if there is none."""
    return str(array.attrs.get(f"{key}_{lang}") or array.attrs.get(key) or "")


def areas_of(array: xr.DataArray) -> list[str]:
    """Codes of the areas, the city's first."""
    return [str(code) for code in array["area"].values]


def times_of(array: xr.DataArray) -> np.ndarray:
    """Starts of the periods that have a figure anywhere, datetime64[ns], rising."""
    known = np.isfinite(array.values).any(axis=1)
    return np.asarray(array["time"].values[known], dtype="datetime64[ns]")


def as_datetime(time: np.datetime64) -> datetime:
    """A moment of the cube as Python's datetime, without a zone: the city's civil time."""
    return time.astype("datetime64[s]").astype(datetime)


def column(array: xr.DataArray, area: str) -> np.ndarray:
    """Figures of an area over time; NaN throughout for an area that the indicator lacks."""
    codes = areas_of(array)
    if area not in codes:
        return np.full(array.sizes["time"], np.nan)
    return np.asarray(array.values[:, codes.index(area)], dtype="float64")


def at(array: xr.DataArray, time: datetime | np.datetime64 | None) -> dict[str, float]:
    """Figures of all areas in the period that begins at `time`; NaN: missing."""
    codes = areas_of(array)
    place = _place(array, time)
    if place is None:
        return dict.fromkeys(codes, nan)
    return dict(zip(codes, array.values[place].astype("float64").tolist(), strict=True))


def reading(
    array: xr.DataArray, area: str, lang: str, time: datetime | np.datetime64 | None = None
) -> Reading:
    """Read an indicator.

    Parameters
    ----------
    array : xarray.DataArray
        Dims `(time, area)`, attributes as `citylib.indicators.cube.Cube.read` gives them.
    area : str
        Code of the city or of an area.
    lang : str
        Language of the title.
    time : datetime, optional
        Start of a period; by default the last one with a figure for this area.
    """
    values = column(array, area)
    if time is None:
        known = np.flatnonzero(np.isfinite(values))
        place = int(known[-1]) if known.size else None
    else:
        place = _place(array, time)
    attrs = array.attrs
    frequency = str(attrs.get("frequency", "day"))
    moment = None if place is None else as_datetime(array["time"].values[place])
    earlier = None if moment is None else _place(array, figures.before(moment, frequency))
    return Reading(
        id=str(array.name),
        title=title_of(array, lang),
        units=str(attrs.get("units", "1")),
        frequency=frequency,
        better=str(attrs.get("better") or ""),
        source=said(array, "source", lang),
        licence=said(array, "licence", lang),
        classification=str(attrs.get("classification", "internal")),
        domain=str(attrs.get("domain", "")),
        area=area,
        time=moment,
        value=nan if place is None else float(values[place]),
        before=nan if earlier is None else float(values[earlier]),
        replayed=moment is not None and replayed(array, moment),
        running=place is not None and place >= ended(array),
    )


def replayed(array: xr.DataArray, time: datetime) -> bool:
    """Whether the figure of a period rests on replayed records."""
    first = array.attrs.get("replayed_from")
    return bool(first and np.datetime64(time) >= np.datetime64(first))


def settled(array: xr.DataArray, values: np.ndarray) -> np.ndarray:
    """Figures over time without those that still grow, which a line would show as a fall.

    Parameters
    ----------
    values : numpy.ndarray
        Figures of an area, one for each period of `array`.

    Returns
    -------
    numpy.ndarray
        The same; of counts and sums NaN in the period that had not ended when they were computed.
    """
    if not is_sum(array):
        return values
    return np.where(np.arange(values.size) < ended(array), values, np.nan)


def districts(array: xr.DataArray, city: str) -> list[str]:
    """Areas within the city that the indicator knows."""
    return [code for code in areas_of(array) if code != city]


def level_of(array: xr.DataArray, city: City) -> str:
    """Level of the areas that the indicator knows; the city's first for one that knows none."""
    level = str(array["area"].attrs.get("level", ""))
    return level if level in city.levels else next(iter(city.levels))


def place_name(city: City, code: str, lang: str, short: bool = False) -> str:
    """What people call an area: with the area around it, below the city's first level.

    Parameters
    ----------
    short : bool
        The name alone where no other area of the level has it.

    Examples
    --------
    >>> place_name(city, "1101053", "ko"), place_name(city, "11010", "ko")  # doctest: +SKIP
    ('종로구 사직동', '종로구')
    """
    name = city.area_name(code, lang)
    around = [above for above in city.ancestors(code) if above != city.code]
    if not around:
        return name
    if short:
        level = city.levels[city.level_of(code)]
        if sum(area.name.get(lang) == name for area in level.areas.values()) == 1:
            return name
    return say(lang, "within", name=name, around=city.area_name(around[0], lang))


def cut(name: str, room: float) -> str:
    """A name, cut where there is no room for all of it.

    Parameters
    ----------
    room : float
        In widths of a full letter, such as a Korean syllable; a Latin one takes about half.

    Examples
    --------
    >>> cut("Hudson Yards-Chelsea-Flatiron-Union Square", 10), cut("종로구 사직동", 10)
    ('Hudson Yards-Che…', '종로구 사직동')
    """
    widths = [1.0 if east_asian_width(letter) in "WF" else 0.54 for letter in name]
    if sum(widths) <= room:
        return name
    whole = next(n for n in range(len(name)) if sum(widths[: n + 1]) > room - 1)
    return name[:whole].rstrip(" -,(") + "…"


def is_sum(array: xr.DataArray) -> bool:
    """Whether the city's figure is the sum of its areas, so that an area's is only a part."""
    return array.attrs.get("aggregation") in SUMS


def reference(array: xr.DataArray, city: str) -> np.ndarray:
    """What an area is compared with, over time: the city's figure, or of sums the areas' mean."""
    inner = [code != city for code in areas_of(array)]
    if not is_sum(array) or not any(inner):
        return column(array, city)
    values = np.asarray(array.values[:, inner], dtype="float64")
    known = np.isfinite(values).sum(axis=1)
    return np.where(known > 0, np.nansum(values, axis=1) / np.maximum(known, 1), np.nan)


def ranked(values: dict[str, float], codes: Iterable[str]) -> list[str]:
    """Codes with a figure, the largest first; equal ones by code."""
    known = [code for code in codes if np.isfinite(values.get(code, nan))]
    return sorted(known, key=lambda code: (-values[code], code))


def ended(array: xr.DataArray) -> int:
    """How many of the periods had ended when the figures were computed."""
    times, said = array["time"], array.attrs.get("computed")
    if not said or not times.size:
        return int(times.size)
    zone = ZoneInfo(str(times.attrs.get("time_zone", "UTC")))
    now = datetime.fromisoformat(said).astimezone(zone).replace(tzinfo=None)
    begun = int(np.searchsorted(times.values, np.datetime64(now, "ns"), side="right"))
    if not begun:
        return 0
    last = as_datetime(times.values[begun - 1])
    frequency = str(array.attrs.get("frequency", "day"))
    return begun if figures.end_of(last, frequency) <= now else begun - 1


def _place(array: xr.DataArray, time: datetime | np.datetime64 | None) -> int | None:
    if time is None:
        return None
    found = np.flatnonzero(array["time"].values == np.datetime64(time))
    return int(found[0]) if found.size else None
