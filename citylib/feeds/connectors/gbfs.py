"""GBFS 2.x and 3.x: shared bicycles and their like.

The address is that of `gbfs.json`, which tells where the other files are. A file is not asked for
again before its `ttl` is over. The key, where there is one, is sent as a bearer token to the
address's own host, and to no other.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar, cast
from urllib.parse import urljoin
from weakref import WeakKeyDictionary

import httpx
from pydantic import field_validator

from citylib.city.model import Plain
from citylib.feeds.connector import FeedFault, Request
from citylib.feeds.gbfs import (
    LISTS,
    UNKNOWN,
    Life,
    Stations,
    addresses,
    read_page,
    stations_of,
    time_of,
)
from citylib.feeds.paging import aside
from citylib.lake.sheet import Sheet

Result = TypeVar("Result")


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

    feed: str = "station_status"
    language: str | None = None

    @field_validator("feed")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in LISTS:
            raise ValueError(f"it is one of {', '.join(LISTS)}")
        return value


@dataclass(frozen=True)
class _Kept:
    """What a file said, when a poll asked for it, and until when it is good."""

    url: str
    asked: datetime
    until: datetime
    result: object


_kept: WeakKeyDictionary[httpx.AsyncClient, dict[tuple[str, str], _Kept]] = WeakKeyDictionary()
"""Files that change seldom, by feed and kind. The client is the service's; what was kept goes with
it."""


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
    until = time_of(memory.get("until"))
    if until and request.now < until:
        return
    language, encodings = options.language, request.feed.read.encodings
    address = request.feed.address
    index = await _seldom(
        request, "index", address, partial(addresses, language=language, encodings=encodings)
    )
    name, url = await _place(address, index, options.feed)
    answer = await request.session.get(url, headers=_headers(request, url))
    if not answer.modified:
        return
    stations: Stations | None = None
    for anew in (False, True):
        if name == "station_status" and "station_information" in index:
            stations = await _seldom(
                request,
                "stations",
                (await _place(address, index, "station_information"))[1],
                partial(stations_of, language=language, encodings=encodings),
                anew,
            )
        page, life = await aside(
            read_page, answer.url, answer.data, name, language, stations, encodings
        )
        # A station may have been opened since what is kept of them was asked for.
        if not any(reason == UNKNOWN for _, reason in page.sheet.bad):
            break
    memory["until"] = life.until(request.now).astimezone(UTC).isoformat()
    if page.rows:
        yield page.sheet


async def _seldom(
    request: Request,
    kind: str,
    url: str,
    work: Callable[[str, bytes], tuple[Result, Life]],
    anew: bool = False,
) -> Result:
    """What a file says: as this poll found it, or unless `anew` an earlier one, if still good."""
    kept = _kept.setdefault(request.session.client, {})
    known = kept.get((request.feed.id, kind))
    if known and known.url == url:
        good = not anew and request.now < known.until
        if good or known.asked == request.now:
            return cast(Result, known.result)
    answer = await request.session.get(url, headers=_headers(request, url), conditional=False)
    fresh, life = await aside(work, answer.url, answer.data)
    kept[request.feed.id, kind] = _Kept(url, request.now, life.until(request.now), fresh)
    return fresh


def _headers(request: Request, url: str) -> dict[str, str] | None:
    own, target = httpx.URL(request.feed.address), httpx.URL(url)
    same = (own.scheme, own.host, own.port) == (target.scheme, target.host, target.port)
    return {"Authorization": f"Bearer {request.key}"} if request.key and same else None


async def _place(address: str, index: dict[str, str], wanted: str) -> tuple[str, str]:
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
        plain = target.scheme in ("http", "https") and target.host
        if plain and (target.host == own.host or not await _is_near(target.host)):
            return name, str(target)
    except (httpx.InvalidURL, ValueError):
        pass
    raise FeedFault(
        f"{address}: {name} is said to be at {index[name][:200]!r}, where it is not looked for"
    )


async def _is_near(host: str) -> bool:
    """Whether a host is on this machine or its network, whatever name or number it goes by."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:  # unknown here: then it cannot be asked either, or only by a proxy elsewhere
        return False
    addresses = (str(place[0]).partition("%")[0] for *_, place in found)
    return not all(ipaddress.ip_address(address).is_global for address in addresses)
