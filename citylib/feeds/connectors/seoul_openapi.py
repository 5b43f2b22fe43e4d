"""The OpenAPI of the Korean capital's open-data plaza: pages of JSON, the key in the path.

The address is the server's root, such as `http://openapi.example.kr:8088`; the path
`/{key}/json/{service}/{start}/{end}/{argument}/…` is made from key and options. The realtime
subway services, whose answers have another envelope, are read as well.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import Field

from citylib.feeds.connector import FeedFault, Request
from citylib.feeds.paging import Paged, Walk, aside, ask_first
from citylib.feeds.payload import is_object, json_of, positive, texts, unlike
from citylib.feeds.rows import Page, sheet_from
from citylib.lake.sheet import Sheet

NO_DATA = "INFO-200"
CODES = {
    "INFO-100": "the key of access is not valid",
    "INFO-300": "the key of access is suspended",
    "ERROR-290": "the key of access is not valid",
    "ERROR-300": "a required argument is missing; look at the service's page, then at `arguments`",
    "ERROR-301": "the file type in the path is missing or wrong",
    "ERROR-310": "there is no such service; correct `service`",
    "ERROR-331": "the first row asked for is wrong",
    "ERROR-332": "the last row asked for is wrong",
    "ERROR-333": "the rows asked for must be whole numbers",
    "ERROR-334": "the last row asked for comes before the first",
    "ERROR-335": "the sample key gives 5 rows at most; set `page_size` to 5 and `max_pages` to 1",
    "ERROR-336": "at most 1,000 rows may be asked for at once; lower `page_size`",
    "ERROR-337": "the key's requests for today are used up",
    "ERROR-500": "the server failed",
    "ERROR-600": "the server does not reach its database",
    "ERROR-601": "the server's query failed",
}
"""What the documented codes mean."""


class Options(Paged):
    """What is asked for.

    Attributes
    ----------
    service : str
        Name of the service, such as "RealtimeCityAir".
    arguments : tuple of str
        Further parts of the path, in the service's order; strftime's marks, as in "%Y%m%d", are
        filled in with the day asked for (a real % is written %%).
    days_ago : tuple of int
        Days asked for in one poll, counted back from today by the city's clock. Only of use with
        such marks, for services that publish a day some days later.
    page_size : int
        Rows asked for at once.
    """

    service: Annotated[str, Field(pattern=r"^\w+$")]
    arguments: tuple[str, ...] = ()
    days_ago: Annotated[tuple[Annotated[int, Field(ge=0, le=3660)], ...], Field(min_length=1)] = (
        0,
    )
    page_size: Annotated[int, Field(ge=1, le=1000)] = 1000


async def fetch(request: Request) -> AsyncIterator[Sheet]:
    """Rows of one poll, page by page.

    Raises
    ------
    FeedFault
        There is no key, or the source does not answer as it should.
    """
    options = request.options
    assert isinstance(options, Options)  # noqa: S101
    if not request.key:
        raise FeedFault(
            f"{request.feed.path}: the source needs a key of access: name the environment "
            "variable that holds it in `key`, and set the variable"
        )
    for days in options.days_ago:
        async for sheet in _day(request, options, request.key, days):
            yield sheet


async def _day(request: Request, options: Options, key: str, days: int) -> AsyncIterator[Sheet]:
    zone = ZoneInfo(request.city.timezone) if request.city else None
    day = request.now.astimezone(zone) - timedelta(days=days)
    arguments = [day.strftime(part) if "%" in part else part for part in options.arguments]
    root = "/".join(
        [request.feed.address.rstrip("/"), quote(key, safe=""), "json", options.service]
    )
    tail = "".join(f"{quote(part, safe='')}/" for part in arguments)
    walk = Walk(request, options.max_pages)
    start = 1
    while True:
        url = f"{root}/{start}/{start + options.page_size - 1}/{tail}"
        first = start == 1 and len(options.days_ago) == 1
        answer = (
            await ask_first(request, url)
            if first
            else await request.session.get(url, conditional=False)
        )
        if answer is None:
            return
        try:
            page = await aside(read_page, answer.url, answer.data, request.feed.read.encodings)
        except FeedFault as fault:  # the source may repeat the key in what it says
            raise FeedFault(request.session.shown(str(fault)), fault.wait) from None
        walk.step(answer, page, options.page_size)
        if page.rows:
            yield page.sheet
        if len(page.rows) < options.page_size:
            walk.end(answer.url, page.total)
            return
        start += options.page_size


def read_page(url: str, data: bytes, encodings: tuple[str, ...] = ("utf-8-sig",)) -> Page:
    """Read an answer.

    Some services say in `list_total_count` how many rows there are, some how many are on the
    page, so it only counts where it is more than came.

    Raises
    ------
    FeedFault
        It is none of the envelopes, or has a code that tells of an error.
    """
    if data.lstrip()[:1] == b"<":  # a wrong key is answered in XML, whatever was asked for
        text = data[:4000].decode("utf-8", "replace")
        code = re.search(r"<CODE>\s*((?:INFO|ERROR)-\d{3})\s*</CODE>", text)
        message = re.search(r"<MESSAGE>(?:<!\[CDATA\[)?([^<\]]{0,200})", text)
        if code:
            return _coded(url, code[1], message[1].strip() if message else "", None, None)
    value = json_of(url, data, encodings)
    expected = "an object with a service's rows, or with RESULT"
    if not is_object(value):
        raise unlike(url, expected, value)
    for name, said in (
        ("RESULT", value.get("RESULT")),
        ("errorMessage", value.get("errorMessage")),
    ):
        if is_object(said):
            lists = [item for item in value.values() if isinstance(item, list)]
            if len(lists) > 1:
                raise unlike(url, f"one list of rows beside {name}", value)
            code = said.get("CODE", said.get("code"))
            return _coded(url, code, texts(said, "MESSAGE", "message"), lists, said.get("total"))
    if isinstance(value.get("code"), str):
        return _coded(url, value["code"], texts(value, "message"), None, None)
    if len(value) != 1:
        raise unlike(url, expected, value)
    [(name, inner)] = value.items()
    said = inner.get("RESULT") if is_object(inner) else None
    if not is_object(said):
        raise unlike(f"{url}: {name}", "an object with RESULT", inner)
    rows = [inner["row"]] if isinstance(inner.get("row"), list) else []
    total = inner.get("list_total_count")
    return _coded(url, said.get("CODE"), texts(said, "MESSAGE"), rows, total)


def _coded(url: str, code: Any, message: str, lists: list[Any] | None, total: Any) -> Page:
    if code == NO_DATA and not any(lists or ()):
        return Page(sheet_from(url, []), [])
    if code != "INFO-000":
        meaning = CODES.get(code, "") if isinstance(code, str) else ""
        said = " ".join(filter(None, [meaning, f"({message})" if message else ""]))
        raise FeedFault(f"{url}: {texts({'code': code}, 'code') or 'no code'}: {said or 'unknown'}")
    if not lists:
        raise FeedFault(f"{url}: INFO-000, but there is no list of rows in the answer")
    [rows] = lists
    return Page(sheet_from(url, rows), rows, positive(total))
