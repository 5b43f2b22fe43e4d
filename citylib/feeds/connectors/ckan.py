"""CKAN: the rows of a resource in its DataStore, or the list of a data set's resources.

The address is the portal's root, such as `https://data.example.org`. The key, where there is one,
is sent as `Authorization`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from pydantic import Field, model_validator

from citylib.feeds.connector import FeedFault, Request
from citylib.feeds.paging import Paged, Walk, aside, ask_first, below, with_query
from citylib.feeds.payload import json_of, member, positive, texts, unlike
from citylib.feeds.rows import Page, sheet_from
from citylib.lake.sheet import Sheet


class Options(Paged):
    """What is asked for: give `resource` or `dataset`.

    Attributes
    ----------
    resource : str, optional
        Identifier of a resource in the DataStore; its rows are asked for.
    dataset : str, optional
        Name or identifier of a data set whose files are not in the DataStore; its resources
        (name, format, address, when modified) are the rows.
    filters : dict of str to str
        Field and value that rows must have.
    sort : str
        Order of the rows. It must leave no two rows equal, or pages may repeat and miss some.
    page_size : int
        Rows asked for at once; portals give 32,000 at most, and fewer if they wish.
    """

    resource: str | None = None
    dataset: str | None = None
    filters: Annotated[dict[str, str], Field(default_factory=dict)]
    sort: str = "_id"
    page_size: Annotated[int, Field(ge=1, le=100_000)] = 5000

    @model_validator(mode="after")
    def _one(self) -> Options:
        if bool(self.resource) == bool(self.dataset):
            raise ValueError("give resource or dataset")
        return self


async def fetch(request: Request) -> AsyncIterator[Sheet]:
    """Rows of one poll, page by page.

    Raises
    ------
    FeedFault
        The source does not answer as it should.
    """
    options = request.options
    assert isinstance(options, Options)  # noqa: S101
    headers = {"Authorization": request.key} if request.key else None
    walk = Walk(request, options.max_pages)
    while True:
        url = _url(request.feed.address, options, walk.rows)
        answer = (
            await request.session.get(url, headers=headers, conditional=False)
            if walk.rows
            else await ask_first(request, url, headers)
        )
        if answer is None:
            return
        page = await aside(read_page, answer.url, answer.data, request.feed.read.encodings)
        walk.step(answer, page, options.page_size if options.resource else None)
        if page.rows:
            yield page.sheet
        # A portal may give fewer rows than were asked for, so only its total or an empty page
        # tells the end.
        if options.dataset or not page.rows or walk.rows == page.total:
            walk.end(answer.url, page.total)
            return


def _url(address: str, options: Options, offset: int) -> str:
    if options.dataset:
        return with_query(below(address, "api/3/action/package_show"), {"id": options.dataset})
    query = {
        "resource_id": options.resource or "",
        "limit": str(options.page_size),
        "offset": str(offset),
        "sort": options.sort,
    }
    if options.filters:
        query["filters"] = json.dumps(options.filters)
    return with_query(below(address, "api/3/action/datastore_search"), query)


def read_page(url: str, data: bytes, encodings: tuple[str, ...] = ("utf-8-sig",)) -> Page:
    """Read an answer of `datastore_search` or `package_show`.

    Raises
    ------
    FeedFault
        It is none, or says that the portal failed.
    """
    value = json_of(url, data, encodings)
    if isinstance(value, dict) and value.get("success") is False:
        error = value.get("error")
        said = texts(error, "__type", "message") if isinstance(error, dict) else ""
        raise FeedFault(f"{url}: the portal says no: {said or 'it does not say why'}")
    expected = "an object with success and result"
    if not isinstance(value, dict) or value.get("success") is not True:
        raise unlike(url, expected, value)
    result = member(url, value, "result", dict, expected)
    name = "records" if "records" in result else "resources"
    rows: list[Any] = member(url, result, name, list, "a list of rows (records or resources)")
    estimated = result.get("total_was_estimated") is True
    total = None if estimated or name == "resources" else positive(result.get("total"))
    return Page(sheet_from(url, rows), rows, total)
