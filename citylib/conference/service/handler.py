"""What all addresses of the service have in common: who asks, and what they may."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from tornado.web import HTTPError

from citylib.access.roles import Role
from citylib.access.service import Reader
from citylib.city.model import sentence
from citylib.conference.rooms.model import Room
from citylib.conference.service.door import may_host

if TYPE_CHECKING:
    from citylib.conference.service.service import Conference

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Server": "city",
}
JSON_AT_MOST = 64 * 1024


class Handler(Reader):
    """Knows who asks; says what is wrong in words, and never more."""

    account: str | None = None
    leave: Role | None = None

    @property
    def conference(self) -> Conference:
        """The service."""
        found: Conference = self.settings["conference"]
        return found

    def set_default_headers(self) -> None:
        """Say what browsers may do with what they get."""
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def check_xsrf_cookie(self) -> None:
        """`prepare` looks which page asks; browsers say so with every request that changes
        something."""

    async def prepare(self) -> None:
        """Find out who asks, and from which page."""
        if self.request.method not in ("GET", "HEAD") and not self.from_here():
            raise HTTPError(403, reason="not from a page of this platform")
        self.account, self.leave = await self.reader(use_cache=True)

    def from_here(self) -> bool:
        """Whether a page of this very address asks, or no browser at all."""
        origin = self.request.headers.get("Origin")
        if origin is None:
            return self.request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
        return urlsplit(origin).netloc == self.request.host

    def official(self) -> str:
        """The account of an official or the mayor.

        Raises
        ------
        HTTPError
            It is somebody else.
        """
        if self.account is None or self.leave not in ("official", "mayor"):
            raise HTTPError(403, reason="not for you")
        return self.account

    async def room(self, room: str) -> Room:
        """A room that the reader is the host of.

        Raises
        ------
        HTTPError
            There is none, or it is not theirs: that is not told apart.
        """
        account = self.official()
        found: Room | None = await self.conference.keep(self.conference.rooms.get, room)
        if found is None or not may_host(found, account, self.leave):
            raise HTTPError(404, reason="no such room, or not yours")
        return found

    def body(self, model: type[BaseModel]) -> Any:
        """What was sent, as JSON of a form.

        Raises
        ------
        HTTPError
            It does not fit; says where.
        """
        if not self.request.headers.get("Content-Type", "").startswith("application/json"):
            raise HTTPError(415, reason="send application/json")
        try:
            return model.model_validate_json(self.request.body)
        except (ValidationError, RecursionError) as error:
            told = "nested too deeply"
            if isinstance(error, ValidationError):
                told = "; ".join(sentence(one, model) for one in error.errors()[:5])
            raise Unfit(told) from None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with a sentence; what went wrong inside is told to nobody."""
        error = kwargs.get("exc_info", (None, None))[1]
        text = self._reason if status_code < 500 else "this did not work; try again"
        if isinstance(error, Unfit):
            text = error.text
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps({"error": text}, ensure_ascii=False))


class Unfit(HTTPError):
    """What was sent does not fit; the sentence may be longer than a reason of HTTP."""

    def __init__(self, text: str) -> None:
        super().__init__(400)
        self.text = text[:1000]
