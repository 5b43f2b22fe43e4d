"""What a connector is given, and how it asks its source: bounded, conditional, patient."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, quote_plus

import httpx

from citylib.city.errors import CityError
from citylib.city.feeds import FeedSpec
from citylib.city.model import Plain
from citylib.city.profile import City

# httpx logs each address, and some sources want the key of access in it.
logging.getLogger("httpx").setLevel(logging.WARNING)

ATTEMPTS = 3
PATIENCE = 20.0
"""Seconds that a source may ask to be waited for within one poll; later is the next poll's."""
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST = 1000
"""Characters of a message."""


class FeedFault(CityError):
    """A source did not answer as it should.

    Parameters
    ----------
    message : str
        What was wrong, where, and what to do. What a source wrote in it is shown so that it can
        be printed anywhere, and does nothing to a terminal.
    wait : float, optional
        Seconds after which the source asked to be tried again.
    """

    def __init__(self, message: str, wait: float | None = None) -> None:
        plain = message if message.isprintable() else "".join(map(_printed, message))
        super().__init__(plain if len(plain) <= LONGEST else plain[:LONGEST] + "…")
        self.wait = wait


def _printed(char: str) -> str:
    return char if char.isprintable() else repr(char)[1:-1]


@dataclass(frozen=True)
class Answer:
    """A source's answer.

    Attributes
    ----------
    url : str
        Where it came from, without key.
    data : bytes
        Its body, decompressed; empty if not modified.
    modified : bool
        False if the source says that nothing has changed since the last poll that was stored.
    headers : dict of str to str
        By lower-case name.
    """

    url: str
    data: bytes
    modified: bool
    headers: dict[str, str] = field(default_factory=dict)


class Session:
    """HTTP for one poll of one feed.

    Parameters
    ----------
    feed : FeedSpec
        Its timeout, its largest answer.
    client : httpx.AsyncClient
        Shared by all feeds, so that connections are kept.
    memory : dict of str to str
        What the feed remembers from poll to poll. The service keeps it only if all that the poll
        brought was stored, so nothing that was not is ever skipped.
    secret : str, optional
        The key of access: never part of a message.
    """

    def __init__(
        self,
        feed: FeedSpec,
        client: httpx.AsyncClient,
        memory: dict[str, str],
        secret: str | None = None,
    ) -> None:
        self.feed = feed
        self.client = client
        self.memory = memory
        self.secret = secret

    async def get(
        self,
        url: str,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        conditional: bool = True,
    ) -> Answer:
        """Ask for an address; tried again where that can help.

        Parameters
        ----------
        url, params, headers
            As for httpx.
        conditional : bool
            Ask only for what has changed since the last stored poll (ETag, Last-Modified).

        Raises
        ------
        FeedFault
            No answer in time, an error status, or more than `max_bytes`.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._get(url, params, headers, conditional)
            except _Passing as fault:
                pause = fault.wait if fault.wait is not None else _pause(attempt)
                if attempt == ATTEMPTS or pause > PATIENCE:
                    raise FeedFault(str(fault), fault.wait) from None
                await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    async def _get(
        self,
        url: str,
        params: dict[str, str] | None,
        headers: dict[str, str] | None,
        conditional: bool,
    ) -> Answer:
        asked = {"Accept-Encoding": "gzip", **(headers or {})}
        name = self.shown(str(httpx.URL(url, params=params) if params else url))
        if conditional:
            for header, sent in (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since")):
                if value := self.memory.get(f"{header} {name}"):
                    asked[sent] = value
        try:
            async with (
                asyncio.timeout(self.feed.timeout),
                self.client.stream("GET", url, params=params, headers=asked) as response,
            ):
                known = {key.lower(): value for key, value in response.headers.items()}
                if response.status_code == 304:
                    return Answer(name, b"", False, known)
                if response.status_code in AGAIN:
                    raise _Passing(f"{name} answered {response.status_code}", _wait(known))
                if response.status_code >= 300:
                    raise FeedFault(_refusal(name, response.status_code))
                # Packed twice, a few bytes become more than memory holds in one step.
                packing = known.get("content-encoding", "").lower()
                if packing not in ("", "identity", "gzip", "deflate"):
                    raise FeedFault(f"{name}: the answer is packed as {packing[:80]!r}; refused")
                data = bytearray()
                async for piece in response.aiter_bytes():
                    data += piece
                    if len(data) > self.feed.max_bytes:
                        raise FeedFault(
                            f"{name}: the answer has more than {self.feed.max_bytes:,} bytes; "
                            f"ask for less, or raise max_bytes in {self.feed.path}"
                        )
        except TimeoutError:
            raise _Passing(f"{name} did not answer within {self.feed.timeout:g} s") from None
        except httpx.TransportError as error:
            raise _Passing(f"{name}: {self.shown(str(error)) or type(error).__name__}") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise FeedFault(f"{name}: {self.shown(str(error))}; mend the address") from None
        if conditional:
            for header in ("etag", "last-modified"):
                self.memory.pop(f"{header} {name}", None)
                if value := known.get(header):
                    self.memory[f"{header} {name}"] = value
        return Answer(name, bytes(data), True, known)

    def shown(self, text: str) -> str:
        """Text without the key of access."""
        if self.secret:
            plain, printed = self.secret, repr(self.secret)[1:-1]
            for form in {plain, quote(plain, safe=""), quote_plus(plain), printed}:
                text = text.replace(form, "***")
        return text


class _Passing(FeedFault):
    """A fault that may pass by itself."""


def _pause(attempt: int) -> float:
    return random.uniform(0.5, 1) * 2 ** (attempt - 1)  # noqa: S311  no secret depends on it


def _wait(headers: dict[str, str]) -> float | None:
    """Seconds that Retry-After asks for, written as a number or as a date."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(min(int(value[:9]), 86_400))
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max((until - datetime.now(UTC)).total_seconds(), 0.0), 86_400.0)


def _refusal(name: str, status: int) -> str:
    if status in (401, 403):
        return f"{name} answered {status}: the key of access is missing, wrong or used up"
    if status in (404, 410):
        return f"{name} answered {status}: there is nothing at this address; mend it"
    if status < 400:
        return f"{name} answered {status} and leads elsewhere; write the new address"
    return f"{name} answered {status}"


@dataclass(frozen=True)
class Request:
    """One poll of a feed, as a connector sees it.

    Attributes
    ----------
    feed : FeedSpec
        Address, reading.
    options : Plain
        The connector's own `Options`.
    session : Session
        For HTTP; also `session.memory`, where a cursor may be kept.
    key : str, optional
        The key of access.
    now : datetime
        When the poll began, aware.
    city : City, optional
        Whose feed it is.
    """

    feed: FeedSpec
    options: Plain
    session: Session
    key: str | None
    now: datetime
    city: City | None = None
