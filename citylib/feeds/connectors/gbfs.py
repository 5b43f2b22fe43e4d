"""GBFS 2.x and 3.x: shared bicycles and their like.

The address is that of `gbfs.json`, which tells where the other files are. A file is not asked for
again before its `ttl` is over. The key, where there is one, is sent as a bearer token to the
address's own host, and to no other.
"""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal, TypeVar, cast
from urllib.parse import urljoin
from weakref import WeakKeyDictionary

import httpx

from citylib.city.model import Plain
from citylib.feeds.connector import FeedFault, Request
from citylib.feeds.paging import aside
from citylib.feeds.payload import Page, is_object, json_of, member, positive, sheet_from, unlike
from citylib.lake.sheet import Sheet

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
LONGEST = 86_400
"""Seconds that a `ttl` counts at most: a wrong one must not silence a feed for ever."""

Result = TypeVar("Result")
Stations = dict[str, "dict[str, Any] | None"]
"""What is known of each station; None if it is there twice."""


class Options(Plain):
    """What is asked for.

    Attributes
    ----------
    feed : str
        Name of the file whose rows are wanted. Stations' status comes with what
        `station_information` says of the station; "vehicle_status" is called
        "free_bike_status" before version 3, and found by either name.
    language : str, optional
        Of the languages in which names are given; by default the first.
    """

    feed: Literal[
        "station_status",
        "station_information",
        "vehicle_status",
        "free_bike_status",
        "vehicle_availability",
        "vehicle_types",
        "system_alerts",
        "system_calendar",
        "system_hours",
        "system_pricing_plans",
        "system_regions",
        "geofencing_zones",
    ] = "station_status"
    language: str | None = None


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


_kept: WeakKeyDictionary[httpx.AsyncClient, dict[tuple[str, str], tuple[str, datetime, object]]]
_kept = WeakKeyDictionary()
"""What files that change seldom said: by feed and kind the address, until when it is good, what it
is. The client is the service's; it takes what was kept with it when it goes."""


async def fetch(request: Request) -> AsyncIterator[Sheet]:
    """Rows of one poll: one sheet, or none if there can be nothing new.

    Raises
    ------
    FeedFault
        The source does not answer as it should, or has no such file.
    """
    options = request.options
    assert isinstance(options, Options)  # noqa: S101
    memory = request.session.memory
    until = _time(memory.get("until"))
    if until and request.now < until:
        return
    language, encodings = options.language, request.feed.read.encodings
    address = request.feed.address
    index = await _seldom(
        request, "index", address, partial(addresses, language=language, encodings=encodings)
    )
    name, url = _place(address, index, options.feed)
    answer = await request.session.get(url, headers=_headers(request, url))
    if not answer.modified:
        return
    stations: Stations | None = None
    if name == "station_status" and "station_information" in index:
        stations = await _seldom(
            request,
            "stations",
            _place(address, index, "station_information")[1],
            partial(stations_of, language=language, encodings=encodings),
        )
    page, life = await aside(
        read_page, answer.url, answer.data, name, language, stations, encodings
    )
    memory["until"] = life.until(request.now).astimezone(UTC).isoformat()
    if page.rows:
        yield page.sheet


async def _seldom(
    request: Request, kind: str, url: str, work: Callable[[str, bytes], tuple[Result, Life]]
) -> Result:
    """What a file says, asked for only if what was kept is no longer good."""
    kept = _kept.setdefault(request.session.client, {})
    place, until, result = kept.get((request.feed.id, kind), ("", request.now, None))
    if place == url and request.now < until:
        return cast(Result, result)
    answer = await request.session.get(url, headers=_headers(request, url), conditional=False)
    fresh, life = await aside(work, answer.url, answer.data)
    kept[request.feed.id, kind] = (url, life.until(request.now), fresh)
    return fresh


def _headers(request: Request, url: str) -> dict[str, str] | None:
    own, target = httpx.URL(request.feed.address), httpx.URL(url)
    same = (own.scheme, own.host, own.port) == (target.scheme, target.host, target.port)
    return {"Authorization": f"Bearer {request.key}"} if request.key and same else None


def _place(address: str, index: dict[str, str], wanted: str) -> tuple[str, str]:
    """Name and address of a file.

    Other hosts are usual, but none that only this machine or its network can reach: a publisher
    must not be able to have them asked.
    """
    other = {"vehicle_status": "free_bike_status", "free_bike_status": "vehicle_status"}
    name = wanted if wanted in index else other.get(wanted, wanted)
    if name not in index:
        raise FeedFault(f"{address}: offers no {wanted}; it offers {', '.join(sorted(index))}")
    try:
        own, target = httpx.URL(address), httpx.URL(urljoin(address, index[name]))
        near = target.host != own.host and _is_near(target.host)
        if target.scheme in ("http", "https") and target.host and not near:
            return name, str(target)
    except (httpx.InvalidURL, ValueError):
        pass
    raise FeedFault(
        f"{address}: {name} is said to be at {index[name][:200]!r}, where it is not looked for"
    )


def _is_near(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


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
    return inner, str(updated), Life(_time(updated), ttl)


def _w3(moment: Any) -> Any:
    """Times before version 3 are seconds since 1970; as text they can be read like the others."""
    if isinstance(moment, int) and not isinstance(moment, bool) and 0 < moment < 2**32:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return moment


def _time(value: object) -> datetime | None:
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
                often = "twice" if str(row["station_id"]) in stations else "not"
                return f"the station is {often} in station_information"
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
