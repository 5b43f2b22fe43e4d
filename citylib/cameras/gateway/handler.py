"""What all addresses of the gateway have in common: who asks, and which cameras they may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tornado.web import HTTPError

from citylib.access.roles import Role
from citylib.access.service import Reader
from citylib.cameras.registry.model import Camera

if TYPE_CHECKING:
    from citylib.cameras.gateway.service import Gateway

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "city",
}


class Handler(Reader):
    """Knows who asks; says what is wrong in words, and never more."""

    who = "public"
    role: Role | None = None

    @property
    def gateway(self) -> Gateway:
        """The service."""
        found: Gateway = self.settings["gateway"]
        return found

    def set_default_headers(self) -> None:
        """Say what browsers may do with what they get."""
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def check_xsrf_cookie(self) -> None:
        """Nothing changes by asking, and other sites cannot read the answers."""

    async def prepare(self) -> None:
        """Find out who asks."""
        await self.ask_who(use_cache=True)

    async def ask_who(self, use_cache: bool) -> None:
        """Who is not signed in, or may not be here, is the public.

        Raises
        ------
        HTTPError
            The hub is away; who asked stays who it was.
        """
        who, role = await self.reader(use_cache)
        if self.hub_away:
            raise HTTPError(503, reason="the hub cannot be asked who you are")
        self.who, self.role = who or "public", role

    def camera(self, name: str) -> Camera:
        """A camera that the reader may see.

        Raises
        ------
        HTTPError
            There is none of that name, or it is not for this reader: that is not told apart.
        """
        camera = self.gateway.cameras.known.get(name)
        if camera is None or not camera.seen_by(self.role):
            raise HTTPError(403, reason="no such camera, or not for you")
        return camera

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with a sentence; what went wrong inside is told to nobody."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(self._reason if status_code < 500 else "this did not work; try again")
