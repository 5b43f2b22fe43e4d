"""The service's addresses: pages, their files, sign-in; the others are in `api` and `recorder`."""

from __future__ import annotations

from typing import Any

from jupyterhub.services.auth import HubOAuthCallbackHandler
from tornado.web import HTTPError

from citylib.conference import page
from citylib.conference.service.api import (
    CalendarHandler,
    InvitationHandler,
    InvitationsHandler,
    MinutesHandler,
    RoomHandler,
    RoomsHandler,
)
from citylib.conference.service.handler import Handler
from citylib.conference.service.recorder import RecordingHandler, RecordingsHandler
from citylib.conference.service.socket import SocketHandler


class RoomsPage(Handler):
    """The page on which officials and the mayor make rooms."""

    async def get(self) -> None:
        """Send the page; who is not signed in goes to the hub first."""
        if self.account is None:
            self.redirect(self.get_login_url())
            return
        self.official()
        self._send(page.rooms_page(self.conference.prefix))

    def _send(self, html: str) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", page.POLICY)
        self.set_header("Permissions-Policy", "camera=(self), microphone=(self)")
        self.finish(html)


class JoinPage(RoomsPage):
    """The page of participants: for everybody; what they come by is not sent with it."""

    async def get(self) -> None:
        """Send the page."""
        self._send(page.join_page(self.conference.prefix))


class StaticHandler(Handler):
    """Scripts and style of both pages."""

    async def get(self, name: str) -> None:
        """Send a file; browsers ask each time whether it is another."""
        found = page.static(name)
        if found is None:
            raise HTTPError(404, reason="there is nothing here")
        self.set_header("Content-Type", found[1])
        self.set_header("Cache-Control", "no-cache")
        self.finish(found[0])


class SignInHandler(Handler):
    """Gives a browser that is signed in at the hub this service's cookie, without a question."""

    async def get(self) -> None:
        """Send who is asked for at the hub there; who comes back is signed in."""
        if self.account is None:
            self.redirect(self.get_login_url())
        else:
            self.write({"name": self.account, "role": self.leave})


class NothingHandler(Handler):
    """There is nothing else."""

    async def get(self) -> None:
        """Say so."""
        raise HTTPError(404, reason="there is nothing here")

    post = put = delete = patch = get


def routes(prefix: str) -> list[Any]:
    """The addresses below the service's own."""
    one = r"([A-Za-z0-9_-]{1,64})"
    room = rf"{prefix}rooms/{one}"
    return [
        (prefix, RoomsPage),
        (rf"{prefix}join/?", JoinPage),
        (rf"{prefix}static/([a-z0-9_./-]{{1,100}})", StaticHandler),
        (rf"{prefix}sign-in", SignInHandler),
        (rf"{prefix}socket", SocketHandler),
        (rf"{prefix}rooms", RoomsHandler),
        (room, RoomHandler),
        (rf"{room}/invitations", InvitationsHandler),
        (rf"{room}/invitations/{one}", InvitationHandler),
        (rf"{room}/invitations/{one}/ics", CalendarHandler),
        (rf"{room}/minutes", MinutesHandler),
        (rf"{room}/recordings", RecordingsHandler),
        (rf"{room}/recordings/{one}", RecordingHandler),
        (rf"{prefix}oauth_callback", HubOAuthCallbackHandler),
        (".*", NothingHandler),
    ]
