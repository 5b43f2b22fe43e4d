"""Socrata (SODA 2.1): rows of a data set, all of them or those changed since the last poll.

The address is the data set's, such as `https://data.example.org/resource/abcd-1234.json`. The
key is sent as `X-App-Token`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from citylib.feeds.connector import Answer, FeedFault, Request
from citylib.feeds.paging import Paged, Walk, aside, ask_first, with_query
from citylib.feeds.payload import json_of, texts, unlike
from citylib.feeds.rows import Page, sheet_from
from citylib.lake.sheet import Sheet

CURSOR = "updated_at"
OVERLAP = timedelta(minutes=10)
"""What was changed so shortly before a poll is asked for again: while pages are read, rows change
behind the reader."""


class Options(Paged):
    """What is asked for.

    Attributes
    ----------
    where : str, optional
        A condition in SoQL.
    select : str, optional
        Columns in SoQL; all by default.
    incremental : bool
        Ask only for rows changed since the last poll that was stored, by `:updated_at`. A
        publisher that replaces the whole data set changes every row.
    since : datetime, optional
        Where the first incremental poll begins; by default with the oldest row.
    page_size : int
        Rows asked for at once.
    """

    where: str | None = None
    select: str | None = None
    incremental: bool = False
    since: AwareDatetime | None = None
    page_size: Annotated[int, Field(ge=1, le=50_000)] = 10_000


async def fetch(request: Request) -> AsyncIterator[Sheet]:
    """Rows of one poll, page by page.

    Raises
    ------
    FeedFault
        The source does not answer as it should.
    """
    options = request.options
    assert isinstance(options, Options)  # noqa: S101
    headers = {"X-App-Token": request.key} if request.key else None
    memory = request.session.memory
    cursor = newest = (_time(memory.get(CURSOR)) or options.since) if options.incremental else None
    began: datetime | None = None
    walk = Walk(request, options.max_pages)
    while True:
        url = _url(request.feed.address, options, cursor, walk.rows)
        answer = (
            await request.session.get(url, headers=headers, conditional=False)
            if walk.rows or options.incremental
            else await ask_first(request, url, headers)
        )
        if answer is None:
            return
        began = began or _asked(answer, request)
        encodings = request.feed.read.encodings
        page = await aside(read_page, answer.url, answer.data, encodings, options.incremental)
        walk.step(answer, page, options.page_size)
        if page.rows:
            yield page.sheet
        times = (_time(row.get(":updated_at")) for row in page.rows if isinstance(row, dict))
        newest = max(filter(None, [newest, *times]), default=None)
        if len(page.rows) < options.page_size:
            break
    walk.end(answer.url, None)
    if options.incremental and newest:
        memory[CURSOR] = min(newest, began - OVERLAP).isoformat()


def _url(address: str, options: Options, cursor: datetime | None, offset: int) -> str:
    query = {"$limit": str(options.page_size), "$offset": str(offset), "$order": ":id"}
    select = options.select or "*"
    if options.incremental:
        query["$select"] = f":*,{select}"
    elif options.select:
        query["$select"] = select
    conditions = [options.where] if options.where else []
    if cursor:
        moment = cursor.astimezone(UTC).isoformat(timespec="milliseconds")
        conditions.append(f":updated_at > '{moment.replace('+00:00', 'Z')}'")
    if conditions:
        query["$where"] = " and ".join(f"({condition})" for condition in conditions)
    return with_query(address, query)


def _asked(answer: Answer, request: Request) -> datetime:
    """When the poll began by the source's own clock, if it tells."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError):
        return request.now
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _time(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is None or not 1900 < moment.year < 2200:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_page(
    url: str,
    data: bytes,
    encodings: tuple[str, ...] = ("utf-8-sig",),
    incremental: bool = False,
) -> Page:
    """Read an answer.

    Parameters
    ----------
    url, data, encodings
        As for `json_of`.
    incremental : bool
        Each row must tell when it was updated.

    Raises
    ------
    FeedFault
        It is not a list of rows.
    """
    value = json_of(url, data, encodings)
    if isinstance(value, dict) and ("message" in value or "error" in value):
        said = texts(value, "code", "errorCode", "message")
        raise FeedFault(f"{url}: the source says no: {said or 'it does not say why'}")
    if not isinstance(value, list):
        raise unlike(url, "a list of rows", value)
    return Page(sheet_from(url, value, _stamped if incremental else None), value)


def _stamped(row: dict[str, Any]) -> dict[str, Any] | str:
    return row if _time(row.get(":updated_at")) else "no time in :updated_at"
