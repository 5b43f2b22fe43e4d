"""What the files of GBFS 2.x and 3.x say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from citylib.feeds.connector import FeedFault
from citylib.feeds.payload import is_object, json_of, member, positive, unlike
from citylib.feeds.rows import Page, sheet_from

LISTS = {
    "station_status": "stations",
    "station_information": "stations",
    "vehicle_status": "vehicles",
    "free_bike_status": "bikes",
    "vehicle_availability": "vehicles",
    "vehicle_types": "vehicle_types",
    "system_alerts": "alerts",
    "system_calendar": "calendars",
    "system_hours": "rental_hours",
    "system_pricing_plans": "plans",
    "system_regions": "regions",
    "geofencing_zones": "features",
}
"""Where each file has its rows."""
IDS = {
    "station_status": "station_id",
    "station_information": "station_id",
    "vehicle_status": "vehicle_id",
    "free_bike_status": "bike_id",
    "vehicle_availability": "vehicle_id",
}
UNKNOWN = "the station is not in station_information"
TWICE = "the station is twice in station_information"
LONGEST = 86_400
"""Seconds that a `ttl` counts at most: a wrong one must not silence a feed for ever."""

Stations = dict[str, "dict[str, Any] | None"]
"""What is known of each station; None if it is there twice."""


@dataclass(frozen=True)
class Life:
    """How long a file need not be asked for again.

    Attributes
    ----------
    updated : datetime, optional
        When the source made it.
    ttl : int
        Seconds from then until it is made anew.
    """

    updated: datetime | None
    ttl: int

    def until(self, now: datetime) -> datetime:
        """When to ask again, at the earliest."""
        return min(self.updated or now, now) + timedelta(seconds=min(self.ttl, LONGEST))


def _envelope(
    url: str, data: bytes, encodings: tuple[str, ...]
) -> tuple[dict[str, Any], str, Life]:
    """What every file has around its data: the data, last_updated as sent, the life."""
    value = json_of(url, data, encodings)
    expected = "a GBFS file: an object with last_updated, ttl, version and data"
    inner = member(url, value, "data", dict, expected)
    version = member(url, value, "version", str, expected)
    if version.partition(".")[0] not in ("2", "3"):
        raise FeedFault(
            f"{url}: GBFS {version[:20]!r}; 2.x and 3.x are read: gbfs_versions of the source may "
            "name another address"
        )
    ttl = positive(value.get("ttl"))
    if ttl is None:
        raise unlike(f"{url}: ttl", "a number of seconds", value.get("ttl"))
    updated = _w3(value.get("last_updated"))
    return inner, str(updated), Life(time_of(updated), ttl)


def _w3(moment: Any) -> Any:
    """Times before version 3 are seconds since 1970; as text they can be read like the others."""
    if isinstance(moment, int) and not isinstance(moment, bool) and 0 < moment < 2**32:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return moment


def time_of(value: object) -> datetime | None:
    """A time with its distance from UTC; None if it is none."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo and 1970 <= moment.year < 2200 else None


def addresses(
    url: str,
    data: bytes,
    language: str | None = None,
    encodings: tuple[str, ...] = ("utf-8-sig",),
) -> tuple[dict[str, str], Life]:
    """Where the files are, by name, as `gbfs.json` says.

    Raises
    ------
    FeedFault
        It is not such a file, or has not this language.
    """
    inner, _, life = _envelope(url, data, encodings)
    if "feeds" not in inner:
        chosen = language or next(iter(inner), "")
        if chosen not in inner:
            raise FeedFault(
                f"{url}: nothing in language {chosen!r}; there are {', '.join(map(repr, inner))}"
            )
        inner = member(url, inner, chosen, dict, "an object with feeds")
    index: dict[str, str] = {}
    for feed in member(url, inner, "feeds", list, "a list of feeds"):
        name, place = (feed.get("name"), feed.get("url")) if is_object(feed) else (None, None)
        if not isinstance(name, str) or not isinstance(place, str):
            raise unlike(f"{url}: feeds", "objects with name and url", feed)
        index.setdefault(name, place)
    return index, life


def stations_of(
    url: str,
    data: bytes,
    language: str | None = None,
    encodings: tuple[str, ...] = ("utf-8-sig",),
) -> tuple[Stations, Life]:
    """What `station_information` says, by station.

    Raises
    ------
    FeedFault
        It is not such a file.
    """
    inner, _, life = _envelope(url, data, encodings)
    known: Stations = {}
    for row in member(url, inner, "stations", list, "a list of stations"):
        if is_object(row) and isinstance(row.get("station_id"), (str, int)):
            station = str(row["station_id"])
            known[station] = None if station in known else _worded(row, language)
    return known, life


def read_page(
    url: str,
    data: bytes,
    name: str,
    language: str | None = None,
    stations: Stations | None = None,
    encodings: tuple[str, ...] = ("utf-8-sig",),
) -> tuple[Page, Life]:
    """Read a file.

    Each row gets the file's `last_updated` if it has none of its own.

    Parameters
    ----------
    url, data, encodings
        As for `json_of`.
    name : str
        Which file it is.
    language : str, optional
        Of texts in several languages, the one to keep; by default the first.
    stations : dict, optional
        As `stations_of` gives; a row of another station is bad.

    Raises
    ------
    FeedFault
        It is not such a file.
    """
    inner, updated, life = _envelope(url, data, encodings)
    if name == "geofencing_zones":
        inner = member(url, inner, name, dict, "a collection of features")
    rows = member(url, inner, LISTS[name], list, f"a list of {LISTS[name]}")

    def make(row: dict[str, Any]) -> dict[str, Any] | str:
        key = IDS.get(name)
        if key and not (isinstance(row.get(key), (str, int)) and row[key] != ""):
            return f"no {key}"
        row = _worded(row, language)
        if name == "station_status" and stations is not None:
            known = stations.get(str(row["station_id"]))
            if known is None:
                return TWICE if str(row["station_id"]) in stations else UNKNOWN
            row = known | row
        row = {"last_updated": updated} | row
        return row | {k: _w3(row[k]) for k in ("last_updated", "last_reported") if k in row}

    return Page(sheet_from(url, rows, make), rows), life


def _worded(row: dict[str, Any], language: str | None) -> dict[str, Any]:
    """A row whose texts in several languages are texts."""
    return {name: _text(value, language) for name, value in row.items()}


def _text(value: Any, language: str | None) -> Any:
    if not isinstance(value, list) or not value:
        return value
    if not all(isinstance(item, dict) and item.keys() == {"text", "language"} for item in value):
        return value
    chosen = [item["text"] for item in value if item["language"] == language]
    return chosen[0] if chosen else value[0]["text"]
