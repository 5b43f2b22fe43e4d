"""CAP 1.1 and 1.2: alerts, as documents or by an Atom or RSS index.

The address is that of the index, of an alert, or of a document that holds several (EDXL-DE). What
an index leads to is asked for only at the index's own host and at those that `hosts` names, and
once: an entry that was stored is not asked for again unless its time changes. The key, where there
is one, is sent as a bearer token to the address's own host, and to no other.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import urljoin

import httpx
from pydantic import Field

from citylib.city.model import Plain
from citylib.feeds.cap import Answer, Link, read_answer
from citylib.feeds.connector import FeedFault, Request
from citylib.feeds.paging import aside
from citylib.feeds.rows import Page, sheet_from
from citylib.lake.sheet import Sheet

AT_ONCE = 4
"""Alerts asked for at the same time."""
FAULTS = 5
"""Alerts that could not be had, after which no more are asked for in this poll."""
LINKS = "links"
"""Key of the memory: the entries of the index that are stored."""


class Options(Plain):
    """What is asked for.

    Attributes
    ----------
    hosts : tuple of str
        Hosts besides the index's own at which alerts may be, with a port where it is not the
        scheme's.
    max_links : int
        Alerts that an index may lead to; one with more is at fault.
    """

    hosts: tuple[str, ...] = ()
    max_links: Annotated[int, Field(ge=1, le=20_000)] = 1000


async def fetch(request: Request) -> AsyncIterator[Sheet]:
    """Rows of one poll: those of the answer itself, then those of the alerts it leads to.

    An alert that cannot be had is told at the end, so that it does not cost the others.

    Raises
    ------
    FeedFault
        The source does not answer as it should.
    """
    options, memory = request.options, request.session.memory
    assert isinstance(options, Options)  # noqa: S101
    url = request.feed.address
    answer = await request.session.get(url, headers=_headers(request, url))
    if not answer.modified:
        return
    found = await aside(read_answer, answer.url, answer.data)
    if len(found.links) > options.max_links:
        raise FeedFault(
            f"{answer.url}: leads to {len(found.links):,} alerts; raise max_links in "
            f"{request.feed.path} if they are meant"
        )
    if found.page.rows:
        yield found.page.sheet
    stored = set(json.loads(memory.get(LINKS, "[]")))
    marks = {_mark(link): link for link in found.links}
    todo: list[str] = []
    strange: list[dict[str, str]] = []
    for mark, link in marks.items():
        if not link.updated or mark not in stored:
            place = _place(url, link.address, options.hosts)
            if place:
                todo.append(place)
            else:
                strange.append({"link": link.address, "updated": link.updated})
    if strange:
        yield sheet_from(answer.url, strange, _not_followed)
    faults: list[FeedFault] = []
    for begin in range(0, len(todo), AT_ONCE):
        several = todo[begin : begin + AT_ONCE]
        for result in await asyncio.gather(*(_alert(request, place) for place in several)):
            if isinstance(result, FeedFault):
                faults.append(result)
            elif result.page.rows:
                yield result.page.sheet
        if len(faults) >= FAULTS:
            break
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise FeedFault(f"{faults[0]}{more}", faults[0].wait)
    memory[LINKS] = json.dumps(sorted(mark for mark, link in marks.items() if link.updated))


async def _alert(request: Request, place: str) -> Answer | FeedFault:
    """What is at a link; what is there but is no alert is a bad row."""
    try:
        # Without a time in the index only the alert's own host can say that it is the same.
        answer = await request.session.get(place, headers=_headers(request, place))
    except FeedFault as fault:
        return fault
    if not answer.modified:
        return Answer(Page(sheet_from(answer.url, []), []), [])
    try:
        found = await aside(read_answer, answer.url, answer.data)
    except FeedFault as fault:
        reason = str(fault)
    else:
        if not found.links:
            return found
        reason = "it is an index again, which is not followed"
    rows = [{"link": answer.url}]
    return Answer(Page(sheet_from(answer.url, rows, lambda row: reason), rows), [])


def _mark(link: Link) -> str:
    return hashlib.blake2b(repr(link).encode(), digest_size=8).hexdigest()


def _not_followed(row: dict[str, str]) -> str:
    return f"its link leads to a host that is not among `hosts`: {row['link'][:200]!r}"


def _origin(url: httpx.URL) -> str:
    return url.netloc.decode("ascii").lower()


def _place(index: str, link: str, hosts: tuple[str, ...]) -> str | None:
    """Address of an alert; None if it is on a host that was not named."""
    try:
        own, target = httpx.URL(index), httpx.URL(urljoin(index, link))
        allowed = {_origin(own), *(host.lower() for host in hosts)}
        plain = target.scheme in ("http", "https") and not target.userinfo
        return str(target) if plain and _origin(target) in allowed else None
    except (httpx.InvalidURL, ValueError):
        return None


def _headers(request: Request, url: str) -> dict[str, str] | None:
    own, target = httpx.URL(request.feed.address), httpx.URL(url)
    same = (own.scheme, own.host, own.port) == (target.scheme, target.host, target.port)
    return {"Authorization": f"Bearer {request.key}"} if request.key and same else None
