"""OGC SensorThings API 1.1: observations, data streams, things and their like.

The address is the service's root, such as `https://sensors.example.org/v1.1`. The key, where there
is one, is sent as a bearer token.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from citylib.feeds.connector import FeedFault, Request
from citylib.feeds.paging import Paged, Walk, aside, ask_first, below, followed, with_query
from citylib.feeds.payload import is_object, json_of, member, positive, texts
from citylib.feeds.rows import Page, sheet_from
from citylib.lake.sheet import Sheet

CURSOR = "time"
NEXT = "@iot.nextLink"


class Options(Paged):
    """What is asked for.

    Attributes
    ----------
    path : str
        A collection: "Observations", "Datastreams", "Datastreams(7)/Observations".
    expand : str, optional
        `$expand`, such as "Datastream($select=name,unitOfMeasurement)". The rest of a list
        that was expanded is not fetched; the row's `…@iot.nextLink` tells that there is one.
    filter : str, optional
        `$filter`.
    select : str, optional
        `$select`; it must hold `time`.
    time : str, optional
        "phenomenonTime" or "resultTime": ask only for what is newer than the newest row of the
        last poll that was stored, less `overlap`.
    days : float
        With `time`: how far back the first poll reaches.
    overlap : float
        With `time`: seconds by which an observation may arrive late.
    page_size : int
        Rows asked for at once; servers may give fewer.
    """

    path: Annotated[str, Field(pattern=r"^[A-Za-z]+(\([^/?#]*\)/[A-Za-z]+)?$")] = "Observations"
    expand: str | None = None
    filter: str | None = None
    select: str | None = None
    time: Literal["phenomenonTime", "resultTime"] | None = None
    days: Annotated[float, Field(gt=0, le=3660)] = 1
    overlap: Annotated[float, Field(ge=0, le=31 * 86_400)] = 3600
    page_size: Annotated[int, Field(ge=1, le=10_000)] = 1000


async def fetch(request: Request) -> AsyncIterator[Sheet]:
    """Rows of one poll, page by page.

    Raises
    ------
    FeedFault
        The source does not answer as it should, leads to another host or in a circle.
    """
    options = request.options
    assert isinstance(options, Options)  # noqa: S101
    headers = {"Authorization": f"Bearer {request.key}"} if request.key else None
    memory = request.session.memory
    newest = _time(memory.get(CURSOR)) if options.time else None
    url = _url(request, options, newest)
    walk = Walk(request, options.max_pages)
    asked = {url}
    while True:
        answer = (
            await request.session.get(url, headers=headers, conditional=False)
            if walk.pages or options.time
            else await ask_first(request, url, headers)
        )
        if answer is None:
            return
        page = await aside(
            read_page, answer.url, answer.data, request.feed.read.encodings, options.time
        )
        walk.step(answer, page)
        if page.rows:
            yield page.sheet
        if options.time:
            times = [_time(row.get(options.time)) for row in page.rows if isinstance(row, dict)]
            # A sensor whose clock runs ahead must not keep the others' observations away.
            known = [time for time in [newest, *times] if time and time <= request.now]
            newest = max(known, default=None)
        if page.link is None:
            break
        url = followed(url, page.link)
        if url in asked:
            raise FeedFault(f"{answer.url}: {NEXT} leads in a circle; the source must mend it")
        asked.add(url)
    walk.end(answer.url, None)
    if newest:
        memory[CURSOR] = newest.isoformat()


def _url(request: Request, options: Options, newest: datetime | None) -> str:
    query = {"$top": str(options.page_size)}
    conditions = [options.filter] if options.filter else []
    if options.time:
        begin = (
            newest - timedelta(seconds=options.overlap)
            if newest
            else request.now - timedelta(days=options.days)
        )
        moment = begin.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        conditions.append(f"{options.time} ge {moment}")
        query["$orderby"] = f"{options.time} asc"
    if conditions:
        query["$filter"] = " and ".join(
            f"({condition})" if len(conditions) > 1 else condition for condition in conditions
        )
    if options.expand:
        query["$expand"] = options.expand
    if options.select:
        query["$select"] = options.select
    return with_query(below(request.feed.address, options.path), query)


def _time(value: object) -> datetime | None:
    """A time, or the beginning of an interval."""
    try:
        moment = datetime.fromisoformat(value.partition("/")[0]) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo and 1900 < moment.year < 2200 else None


def read_page(
    url: str,
    data: bytes,
    encodings: tuple[str, ...] = ("utf-8-sig",),
    time: str | None = None,
) -> Page:
    """Read an answer.

    Parameters
    ----------
    url, data, encodings
        As for `json_of`.
    time : str, optional
        Member of each row that must be a time.

    Raises
    ------
    FeedFault
        It is no collection.
    """
    value = json_of(url, data, encodings)
    if is_object(value) and "value" not in value and "message" in value:
        raise FeedFault(f"{url}: the source says no: {texts(value, 'code', 'message')}")
    expected = f"a collection: an object with the list value, and {NEXT} if there is more"
    rows = member(url, value, "value", list, expected)
    link = value.get(NEXT)
    if link is not None:
        link = member(url, value, NEXT, str, f"an address in {NEXT}")

    def timed(row: dict[str, Any]) -> dict[str, Any] | str:
        return row if time is None or _time(row.get(time)) else f"no time in {time}"

    return Page(sheet_from(url, rows, timed), rows, positive(value.get("@iot.count")), link)
