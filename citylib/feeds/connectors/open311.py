"""Open311 GeoReport v2: what citizens report, or the list of services.

The address is the endpoint, such as `https://city.example.org/open311/v2`. The standard lets a
poll ask for the requests made in a span of at most 90 days, and a server cuts its answer off at
1,000; an answer that long is asked for again in two halves. Where a server has pages, or tells
what was updated since a time, which the standard does not know, options say so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from xml.etree.ElementTree import Element

from pydantic import Field

from citylib.feeds.connector import Answer, FeedFault, Request
from citylib.feeds.paging import Paged, Walk, aside, below, with_query
from citylib.feeds.payload import json_of, texts, unlike, xml_of
from citylib.feeds.rows import DEPTH, Page, sheet_from
from citylib.lake.sheet import Sheet

CURSOR = "updated_datetime"
SPAN = timedelta(days=90)
OVERLAP = timedelta(hours=1)
"""What was updated so shortly before the newest known is asked for again."""


class Options(Paged):
    """What is asked for.

    Attributes
    ----------
    resource : str
        "requests", or "services": the list of service codes.
    format : str
        "json" or "xml"; every server has XML.
    jurisdiction_id : str, optional
        Needed where a server has several.
    service_code, status : tuple of str
        Only requests of these.
    days : int
        How far back a poll reaches, by when a request was made; longer than 90 days are asked for
        in several spans.
    updated : str, optional
        The server's name for "updated since", such as "updated_after": polls after the first ask
        only for what has changed.
    page_size : int, optional
        Given, the server has pages (`page`, `page_size`) of so many requests.
    cut : int
        Where there are no pages: the number of requests at which the server cuts off.
    extra : dict of str to str
        Parameters of this server, such as extensions = "true".
    """

    resource: Literal["requests", "services"] = "requests"
    format: Literal["json", "xml"] = "json"
    jurisdiction_id: str | None = None
    service_code: tuple[str, ...] = ()
    status: tuple[Literal["open", "closed"], ...] = ()
    days: Annotated[int, Field(ge=1, le=3660)] = 90
    updated: str | None = None
    page_size: Annotated[int, Field(ge=1, le=10_000)] | None = None
    cut: Annotated[int, Field(ge=1)] = 1000
    extra: Annotated[dict[str, str], Field(default_factory=dict)]


async def fetch(request: Request) -> AsyncIterator[Sheet]:
    """Rows of one poll, page by page.

    Raises
    ------
    FeedFault
        The source does not answer as it should.
    """
    options = request.options
    assert isinstance(options, Options)  # noqa: S101
    walk = Walk(request, options.max_pages)
    if options.resource == "services":
        answer = await request.session.get(_url(request, options, {}))
        if answer.modified:
            yield (await _page(request, options, walk, answer)).sheet
        return
    now = request.now.astimezone(UTC).replace(microsecond=0)
    cursor = _time(request.session.memory.get(CURSOR)) if options.updated else None
    newest: datetime | None = cursor
    if options.updated and cursor:
        asked = [{options.updated: _w3(cursor - OVERLAP)}]
    else:
        asked = [{"start_date": _w3(a), "end_date": _w3(b)} for a, b in _spans(now, options.days)]
    while asked:
        query = asked.pop()
        for number in range(1, options.max_pages + 2):
            page_query = (
                {"page": str(number), "page_size": str(options.page_size)}
                if options.page_size
                else {}
            )
            url = _url(request, options, {**query, **page_query})
            answer = await request.session.get(url, conditional=False)
            page = await _page(request, options, walk, answer)
            if not options.page_size and len(page.rows) >= options.cut:
                asked += _halves(answer, query, options.cut)
                break
            if page.rows:
                yield page.sheet
            times = [_time(row.get(CURSOR)) for row in page.rows if isinstance(row, dict)]
            newest = max([time for time in [newest, *times] if time and time <= now], default=None)
            if not options.page_size or len(page.rows) < options.page_size:
                break
    if options.updated and newest:
        request.session.memory[CURSOR] = newest.isoformat()


async def _page(request: Request, options: Options, walk: Walk, answer: Answer) -> Page:
    page = await aside(
        read_page, answer.url, answer.data, options.resource, request.feed.read.encodings
    )
    # Two spans may share a request at their seam, and half a span begins like the whole.
    size = options.page_size
    walk.step(answer, page, size, once=size is not None and len(page.rows) >= size)
    return page


def _url(request: Request, options: Options, query: dict[str, str]) -> str:
    whole = dict(options.extra) | query
    if options.jurisdiction_id:
        whole["jurisdiction_id"] = options.jurisdiction_id
    if request.key:
        whole["api_key"] = request.key
    if options.resource == "requests":
        if options.service_code:
            whole["service_code"] = ",".join(options.service_code)
        if options.status:
            whole["status"] = ",".join(options.status)
    return with_query(below(request.feed.address, f"{options.resource}.{options.format}"), whole)


def _spans(now: datetime, days: int) -> list[tuple[datetime, datetime]]:
    """Spans of at most 90 days, the newest first."""
    begin, spans = now - timedelta(days=days), []
    while begin < now:
        spans.append((begin, min(begin + SPAN, now)))
        begin += SPAN
    return spans[::-1]


def _halves(answer: Answer, query: dict[str, str], cut: int) -> list[dict[str, str]]:
    """The two halves of a span, the newer first."""
    start, end = _time(query.get("start_date")), _time(query.get("end_date"))
    if start is None or end is None or end - start < timedelta(seconds=2):
        raise FeedFault(
            f"{answer.url}: {cut:,} requests or more, where the server cuts its answer off; give "
            "page_size if it has pages, or a larger cut if it does not cut there"
        )
    middle = start + (end - start) / 2
    middle = middle.replace(microsecond=0)
    return [
        {"start_date": _w3(middle), "end_date": _w3(end)},
        {"start_date": _w3(start), "end_date": _w3(middle)},
    ]


def _w3(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    # Without a distance from UTC it cannot be compared; the standard asks for one.
    return moment if moment and moment.tzinfo and 1900 < moment.year < 2200 else None


def read_page(
    url: str,
    data: bytes,
    resource: str = "requests",
    encodings: tuple[str, ...] = ("utf-8-sig",),
) -> Page:
    """Read an answer, JSON or XML, whichever it is.

    Parameters
    ----------
    url, data, encodings
        As for `json_of`.
    resource : str
        "requests" or "services".

    Raises
    ------
    FeedFault
        It is no list of these, or tells of errors.
    """
    rows = _xml(url, data, resource) if data.lstrip()[:1] == b"<" else json_of(url, data, encodings)
    if isinstance(rows, dict) and isinstance(rows.get("errors"), list):
        rows = rows["errors"]
    if not isinstance(rows, list):
        raise unlike(url, f"a list of {resource}", rows)
    errors = [row for row in rows if _is_error(row)]
    if errors and len(errors) == len(rows):
        said = "; ".join(texts(error, "code", "description") for error in errors[:3])
        raise FeedFault(f"{url}: the server says no: {said}")
    return Page(sheet_from(url, rows, _request if resource == "requests" else _service), rows)


def _is_error(row: object) -> bool:
    return isinstance(row, dict) and {"code", "description"} <= row.keys() <= {
        "code",
        "description",
    }


def _request(row: dict[str, Any]) -> dict[str, Any] | str:
    if row.get("service_request_id") in (None, ""):
        return "no service_request_id: the server is still processing it"
    return row


def _service(row: dict[str, Any]) -> dict[str, Any] | str:
    return row if row.get("service_code") not in (None, "") else "no service_code"


def _xml(url: str, data: bytes, resource: str) -> list[Any]:
    """Rows by the rule that turns the standard's XML into its JSON."""
    root = xml_of(url, data)
    expected = {"requests": "service_requests", "services": "services"}[resource]
    if _tag(root) not in (expected, "errors"):
        raise FeedFault(f"{url}: expected <{expected}>; what came is <{_tag(root)[:80]!r}>")
    return [_value(url, child, 1) for child in root]


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _value(url: str, element: Element, depth: int) -> Any:
    """Text, or an object of what the element holds; elements of one name become a list."""
    if depth > DEPTH:
        raise FeedFault(f"{url}: elements within elements beyond {DEPTH}; this is no record")
    text = (element.text or "").strip()
    if not len(element) and not element.attrib:
        return text
    result: dict[str, Any] = {f"@{name}": value for name, value in element.attrib.items()}
    parts = [text, *((child.tail or "").strip() for child in element)]
    if loose := " ".join(part for part in parts if part):
        result["text"] = loose
    several: dict[str, list[Any]] = {}
    for child in element:
        several.setdefault(_tag(child), []).append(_value(url, child, depth + 1))
    for name, values in several.items():
        result[name] = values[0] if len(values) == 1 else values
    return result
