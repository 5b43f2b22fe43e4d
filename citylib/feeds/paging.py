"""Asking for page after page, within bounds."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Annotated, TypeVar
from urllib.parse import urljoin

import httpx
from pydantic import Field

from citylib.city.model import Plain
from citylib.feeds.connector import Answer, FeedFault, Request
from citylib.feeds.rows import Page

Result = TypeVar("Result")


class Paged(Plain):
    """What every feed of many pages may say.

    Attributes
    ----------
    max_pages : int
        Answers that one poll may take; a source that has still more is at fault.
    """

    max_pages: Annotated[int, Field(ge=1, le=100_000)] = 1000


class Walk:
    """The pages of one poll: that they come to an end, and that none comes twice.

    Parameters
    ----------
    request : Request
        The poll.
    max_pages : int
        As said at `Paged`.
    """

    def __init__(self, request: Request, max_pages: int) -> None:
        self.feed = request.feed
        self.memory = request.session.memory
        self.max_pages = max_pages
        self.pages = 0
        self.rows = 0
        self.seen: set[bytes] = set()

    def step(self, answer: Answer, page: Page, asked: int | None = None, once: bool = True) -> None:
        """Count a page.

        Parameters
        ----------
        answer, page
            What came.
        asked : int, optional
            Rows that were asked for.
        once : bool
            No other page can have the same rows.

        Raises
        ------
        FeedFault
            It has more rows than asked for, came before, or is one too many.
        """
        self.pages += 1
        self.rows += len(page.rows)
        if asked is not None and len(page.rows) > asked:
            raise FeedFault(
                f"{answer.url}: {asked:,} rows were asked for and {len(page.rows):,} came: the "
                f"source does not page as it should; raise page_size in {self.feed.path}"
            )
        mark = hashlib.blake2b(repr(page.rows).encode("utf-8", "surrogatepass")).digest()
        if once and page.rows and mark in self.seen:
            raise FeedFault(
                f"{answer.url}: the same {len(page.rows):,} rows as on an earlier page: the source "
                "does not page as it should"
            )
        self.seen.add(mark)
        if self.pages > self.max_pages:
            raise FeedFault(
                f"{answer.url}: still more after {self.max_pages:,} pages; ask for less, or raise "
                f"max_pages in {self.feed.path}"
            )

    def end(self, url: str, total: int | None) -> None:
        """There are no more pages.

        Parameters
        ----------
        url : str
            Where the last came from.
        total : int, optional
            Rows that the source says it has.

        Raises
        ------
        FeedFault
            Fewer came.
        """
        if total is not None and total > self.rows:
            raise FeedFault(
                f"{url}: the source says that it has {total:,} rows and gave {self.rows:,}; "
                "nothing of this poll is kept"
            )
        self.memory["pages"] = str(self.pages)


async def ask_first(
    request: Request, url: str, headers: dict[str, str] | None = None
) -> Answer | None:
    """Ask for the first page; None if nothing has changed since the last stored poll.

    That a first page is the same says nothing of the others, so it counts only if the last poll
    found no other.
    """
    session = request.session
    answer = await session.get(url, headers=headers)
    if answer.modified:
        return answer
    if session.memory.get("pages") == "1":
        return None
    return await session.get(url, headers=headers, conditional=False)


async def aside(work: Callable[..., Result], *args: object) -> Result:
    """Do work that takes the processor a while, so that other feeds go on meanwhile."""
    return await asyncio.to_thread(work, *args)


def with_query(url: str, query: dict[str, str]) -> str:
    """An address with more in its query.

    Raises
    ------
    FeedFault
        It is no address.
    """
    try:
        return str(httpx.URL(url).copy_merge_params(query))
    except (httpx.InvalidURL, ValueError) as error:
        raise FeedFault(f"{url}: {error}; mend the address") from None


def below(address: str, *parts: str) -> str:
    """An address with parts added to its path; its query stays."""
    head, mark, query = address.partition("?")
    return "/".join([head.rstrip("/"), *parts]) + mark + query


def followed(address: str, link: str) -> str:
    """A link to a next page, on the source's own host and by the same scheme and port.

    Servers behind a proxy write links by the scheme and port that they themselves listen on.

    Raises
    ------
    FeedFault
        It leads to another host, which was never meant to get the key of access.
    """
    try:
        own, target = httpx.URL(address), httpx.URL(urljoin(address, link))
        if target.host == own.host:
            return str(target.copy_with(scheme=own.scheme, port=own.port))
    except (httpx.InvalidURL, ValueError):
        pass
    raise FeedFault(
        f"{address}: the next page is said to be at {link[:200]!r}, which is not on this host; "
        "the source's own address in its settings is wrong"
    )
