"""GTFS Realtime: where vehicles are, how late trips are, what disturbs the service.

The address is that of the feed as protobuf. The key, where there is one, is sent as a bearer token
unless options say how the source wants it. What a source adds to the standard is not read.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from google.transit.gtfs_realtime_pb2 import FeedEntity, FeedHeader, FeedMessage
from pydantic import Field

from citylib.city.model import Plain
from citylib.feeds.connector import FeedFault, Request
from citylib.feeds.paging import aside, with_query
from citylib.feeds.payload import what
from citylib.feeds.rows import ROWS, Page, sheet_from
from citylib.lake.sheet import Sheet

Kind = Literal["vehicle", "trip_update", "alert"]
KINDS = ("vehicle", "trip_update", "alert", "shape", "stop", "trip_modifications")
LISTS = {"vehicle": None, "trip_update": "stop_time_update", "alert": "informed_entity"}
"""What each kind has several of: each of these is a row."""
LARGEST = 32 * 2**20
"""Bytes of an answer, at most: in memory a message is some thirty times as large."""
TIMES = ("timestamp", "time", "start", "end", "scheduled_time")
"""Names of times, which are sent as seconds since 1970."""
LATEST = 2**32
Header = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,80}$")]


class Options(Plain):
    """What is asked for.

    Attributes
    ----------
    entity : str
        "vehicle", "trip_update" or "alert"; entities of another kind in the same feed are another
        feed's.
    key_header : str, optional
        Header in which the key is sent, such as "x-api-key".
    key_parameter : str, optional
        Or its parameter in the address.
    """

    entity: Kind
    key_header: Header | None = None
    key_parameter: Header | None = None


async def fetch(request: Request) -> AsyncIterator[Sheet]:
    """Rows of one poll: one sheet, or none if nothing has changed.

    Raises
    ------
    FeedFault
        The source does not answer as it should.
    """
    options, url, headers = request.options, request.feed.address, None
    assert isinstance(options, Options)  # noqa: S101
    if request.key and options.key_parameter:
        url = with_query(url, {options.key_parameter: request.key})
    elif request.key and options.key_header:
        headers = {options.key_header: request.key}
    elif request.key:
        headers = {"Authorization": f"Bearer {request.key}"}
    answer = await request.session.get(url, headers=headers)
    if answer.modified:
        page = await aside(read_page, answer.url, answer.data, options.entity)
        if page.rows:
            yield page.sheet


def read_page(url: str, data: bytes, entity: Kind = "vehicle") -> Page:
    """Read a feed.

    A vehicle is a row; a trip update is one for each of its stop times, an alert one for each
    entity that it informs (`stop_time_update`, `informed_entity`), and one if it has none. Headers
    are the standard's names from the entity's kind on, such as `position.latitude`; besides there
    are `id`, `header.timestamp`, `header.incrementality`, and `time`: when the source knew it,
    which is the feed's own time where the entity has none. Times are text in UTC,
    "2026-05-01T12:00:00Z".

    Parameters
    ----------
    url : str
        Where it came from, for messages.
    data : bytes
        The feed.
    entity : str
        Which kind of entity is wanted.

    Raises
    ------
    FeedFault
        It is no GTFS Realtime 1.0 or 2.0, or holds more than can be meant.
    """
    if len(data) > LARGEST:
        raise FeedFault(f"{url}: more than {LARGEST:,} bytes; ask for less at once")
    message = FeedMessage()
    try:
        message.ParseFromString(data)
        fault = "" if message.header.IsInitialized() and message.HasField("header") else "no header"
    except DecodeError:
        fault = "it breaks off, or is something else"
    if fault:
        begin = what(data[:80].decode("utf-8", "replace")) if data else "nothing at all"
        raise FeedFault(f"{url}: expected GTFS Realtime as protobuf, but {fault}; came: {begin}")
    header = _said(message.header)
    version = header.get("gtfs_realtime_version", "")
    if not str(version).startswith(("1.", "2.")):
        raise FeedFault(f"{url}: GTFS Realtime {str(version)[:20]!r}; 1.0 and 2.0 are read")
    made = _moment(header.get("timestamp"))
    if made is None and header.get("timestamp"):
        raise FeedFault(f"{url}: header.timestamp is {header['timestamp']}, no time in seconds")
    kind = FeedHeader.Incrementality.Name(message.header.incrementality)
    about = {"timestamp": made or "", "incrementality": kind}
    rows: list[Any] = []
    for one in message.entity:
        if not any(one.HasField(kind) for kind in KINDS) or one.HasField(entity):
            rows += _rows(one, entity, about)
        if len(rows) > ROWS:
            raise FeedFault(f"{url}: more than {ROWS:,} rows in one answer; ask for less at once")
    return Page(sheet_from(url, rows, _checked), rows)


def _said(message: Any) -> dict[str, Any]:
    said: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return said


def _rows(one: FeedEntity, entity: str, about: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if _has_bytes(one):
        sent = base64.b64encode(one.SerializePartialToString()[:10_000]).decode()
        yield {"@fault": "a text in it is not UTF-8", "sent": sent}
        return
    said = _said(one)
    body = dict(said.get(entity, {}))
    row = {"id": said.get("id", ""), "header": about} | body
    row["time"] = body.get("timestamp") or about["timestamp"]
    if missing := one.FindInitializationErrors():
        row["@fault"] = f"no {', '.join(missing)}, which it must have"
    elif one.is_deleted:
        row["@fault"] = "the source says that it is deleted"
    elif entity not in said:
        row["@fault"] = f"neither {' nor '.join(KINDS)}"
    several = LISTS[entity]
    parts = row.pop(several, []) if several else []
    for part in parts or [{}]:
        yield row | {several: part} if several and part else row


def _has_bytes(message: Any) -> bool:
    """Whether a text is bytes, as protobuf gives those that are not UTF-8."""
    for field, value in message.ListFields():
        for item in value if field.is_repeated else [value]:
            if isinstance(item, bytes) or (hasattr(item, "ListFields") and _has_bytes(item)):
                return True
    return False


def _checked(row: dict[str, Any]) -> dict[str, Any] | str:
    """A row with its times as text, or why it is none."""
    if "@fault" in row:
        return str(row["@fault"])
    place = row.get("position")
    if isinstance(place, dict):
        latitude, longitude = place.get("latitude"), place.get("longitude")
        if not (_within(latitude, 90) and _within(longitude, 180)):
            return f"its position is {latitude}, {longitude}, which is no place in degrees"
    try:
        timed: dict[str, Any] = _timed(row)
    except ValueError as error:
        return str(error)
    return timed


def _within(value: object, most: int) -> bool:
    return isinstance(value, (int, float)) and -most <= value <= most


def _timed(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _timed(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_timed(inner) for inner in value]
    if name in TIMES and value and "T" not in str(value):
        moment = _moment(value)
        if moment is None:
            raise ValueError(f"{name} is {str(value)[:40]!r}, no time in seconds since 1970")
        return moment
    return value


def _moment(value: object) -> str | None:
    """Seconds since 1970, which come as text, as a time in UTC."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and 0 < int(value) < LATEST:
        return datetime.fromtimestamp(int(value), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return None
