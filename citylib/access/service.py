"""What the platform's own services have in common: how the hub starts them, and who asks."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from dataclasses import dataclass
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth, HubOAuthenticated
from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError, RequestHandler

from citylib.access.roles import Role, role_of
from citylib.city.errors import CityError
from citylib.city.secrets import ensure_secret
from citylib.city.settings import Settings

SIGN_IN_CACHE = 30
"""Seconds for which the hub's word on who somebody is holds."""
QUIET = ("httpx", "httpcore", "alembic", "libav", "tornado.access", "tornado.general")
"""Loggers whose lines have addresses in them."""


@dataclass(frozen=True)
class Place:
    """Where a service is reached: behind the hub's proxy under `prefix`."""

    host: str
    port: int
    prefix: str


def begin_service(name: str) -> Place:
    """Log to standard error, and learn from the hub's environment where to listen.

    Parameters
    ----------
    name : str
        The service, as an error names it: "the conference".

    Raises
    ------
    CityError
        The hub did not start it.
    """
    if "JUPYTERHUB_SERVICE_URL" not in os.environ:
        raise CityError(f"the hub starts {name}; as a unit of its own it needs JUPYTERHUB_…")
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    for quiet in QUIET:
        logging.getLogger(quiet).setLevel(logging.ERROR)
    url = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    return Place(url.hostname or "127.0.0.1", url.port or 0, prefix)


def cookie_secret(settings: Settings, service: str) -> bytes:
    """Secret of a service's cookies; kept, so that who is signed in stays so when it is started
    again. Prepares the sign-in besides."""
    HubOAuth.instance().cache_max_age = SIGN_IN_CACHE
    return ensure_secret(settings.secrets, f"{service}_cookie").read_bytes()


def listen(application: Application, place: Place, largest_body: int) -> asyncio.Event:
    """Serve from now on; gives what is set by SIGTERM or SIGINT.

    Parameters
    ----------
    application : tornado.web.Application
        Its addresses.
    place : Place
        Where.
    largest_body : int
        Bytes of a request's body at most.
    """
    server = HTTPServer(application, max_body_size=largest_body)
    server.listen(place.port, place.host)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


class Reader(HubOAuthenticated, RequestHandler):
    """A request of which is known who makes it.

    Attributes
    ----------
    hub_away : bool
        The hub could not be asked the last time: who is signed in counted as nobody.
    """

    hub_away = False

    async def reader(self, use_cache: bool) -> tuple[str | None, Role | None]:
        """Account and role; none of who is not signed in, or may not be here."""
        auth, self.hub_away = self.hub_auth, False
        token = auth.get_token(self)
        if not token:
            return None, None
        try:
            user = await auth.user_for_token(
                token, use_cache=use_cache, session_id=auth.get_session_id(self), sync=False
            )
        except HTTPError:
            self.hub_away = True
            return None, None
        if not user or not auth.check_scopes(auth.access_scopes, user):
            return None, None
        return str(user["name"]), role_of(set(user.get("groups") or ()))
