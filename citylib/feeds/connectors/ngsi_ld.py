"""NGSI-LD (ETSI GS CIM 009): the entities of a context broker.

The address is the broker's root, such as `https://broker.example.org/ngsi-ld/v1`. The key, where
there is one, is sent as a bearer token.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from citylib.feeds.connector import FeedFault, Request
from citylib.feeds.paging import Paged, Walk, aside, ask_first, below, with_query
from citylib.feeds.payload import is_object, json_of, member, positive, texts, unlike
from citylib.feeds.rows import Page, sheet_from
from citylib.lake.sheet import Sheet

COUNT = "ngsild-results-count"
CONTEXT = 'rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


class Options(Paged):
    """What is asked for.

    Attributes
    ----------
    type : tuple of str
        Entity types: brokers refuse a query that names neither type nor attribute nor condition.
    attrs : tuple of str
        Only these attributes.
    q : str, optional
        A condition on attributes.
    context : str, optional
        Address of the JSON-LD context by which short names are understood.
    tenant : str, optional
        Which of a shared broker's tenants is asked.
    representation : str
        "normalized": headers such as `temperature.value`, `temperature.observedAt`; "keyValues"
        or, from version 1.5 of the standard, "simplified": `temperature`; "geojson": `geometry.…`
        and `properties.…`.
    page_size : int
        Entities asked for at once.
    """

    type: tuple[str, ...] = ()
    attrs: tuple[str, ...] = ()
    q: str | None = None
    context: Annotated[str, Field(pattern=r"^https?://[^<>\s]+$")] | None = None
    tenant: Annotated[str, Field(pattern=r"^[\w.-]+$")] | None = None
    representation: Literal["normalized", "keyValues", "simplified", "geojson"] = "normalized"
    page_size: Annotated[int, Field(ge=1, le=1000)] = 500

    @model_validator(mode="after")
    def _some(self) -> Options:
        if not (self.type or self.attrs or self.q):
            raise ValueError("give type, attrs or q")
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
    headers = _headers(options, request.key)
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
        walk.step(answer, page, options.page_size)
        if page.rows:
            yield page.sheet
        total = positive(answer.headers.get(COUNT))
        if len(page.rows) < options.page_size:
            walk.end(answer.url, total)
            return


def _headers(options: Options, key: str | None) -> dict[str, str]:
    geojson = options.representation == "geojson"
    headers = {"Accept": "application/geo+json" if geojson else "application/json"}
    if options.context:
        headers["Link"] = f"<{options.context}>; {CONTEXT}"
    if options.tenant:
        headers["NGSILD-Tenant"] = options.tenant
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return headers


def _url(address: str, options: Options, offset: int) -> str:
    query = {"limit": str(options.page_size), "offset": str(offset), "count": "true"}
    if options.type:
        query["type"] = ",".join(options.type)
    if options.attrs:
        query["attrs"] = ",".join(options.attrs)
    if options.q:
        query["q"] = options.q
    if options.representation in ("keyValues", "simplified"):
        query["options"] = options.representation
    return with_query(below(address, "entities"), query)


def read_page(url: str, data: bytes, encodings: tuple[str, ...] = ("utf-8-sig",)) -> Page:
    """Read an answer: a list of entities, one entity, or entities as GeoJSON.

    Raises
    ------
    FeedFault
        It is none of these.
    """
    value = json_of(url, data, encodings)
    if is_object(value) and value.get("type") == "FeatureCollection":
        value = member(url, value, "features", list, "a list of features")
    elif is_object(value) and {"id", "type"} <= value.keys():
        value = [value]
    elif is_object(value) and "title" in value:
        raise FeedFault(f"{url}: the broker says no: {texts(value, 'title', 'detail')}")
    if not isinstance(value, list):
        raise unlike(url, "a list of entities, or GeoJSON features", value)
    return Page(sheet_from(url, value, _entity), value)


def _entity(row: dict[str, Any]) -> dict[str, Any] | str:
    for name in ("id", "type"):
        if not row.get(name) or not isinstance(row[name], (str, list)):
            return f"an entity has an {name}; this has none"
    return row
