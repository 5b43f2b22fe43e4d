"""The conference as a service of the hub."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from tornado.web import Application

from citylib.access.service import Place, begin_service, cookie_secret, listen
from citylib.city.profile import City, load_city
from citylib.city.settings import Settings
from citylib.conference.media.choose import choose_carrier
from citylib.conference.media.turn import Relay
from citylib.conference.protocol import LONGEST
from citylib.conference.service.handler import JSON_AT_MOST
from citylib.conference.service.handlers import routes
from citylib.conference.service.service import Conference
from citylib.conference.settings import read_rules
from citylib.operations.store import Store


def application(conference: Conference) -> Application:
    """The service's addresses."""
    return Application(
        routes(re.escape(conference.prefix)),
        conference=conference,
        cookie_secret=cookie_secret(conference.settings, "conference"),
        websocket_max_message_size=LONGEST,
        compress_response=True,
        log_function=lambda handler: None,
    )


def run_conference(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; address, path and sign-in come from the hub's environment.

    Raises
    ------
    CityError
        It was not started by the hub, or the rules cannot be read.
    """
    place = begin_service("the conference")
    city = load_city(settings.profile)
    with Store(settings.database) as store:
        store.migrate()
        asyncio.run(_serve(settings, city, store, place))


async def _serve(settings: Settings, city: City, store: Store, place: Place) -> None:
    rules = read_rules(city)
    certificate, key = (os.environ.get(f"CITYLIB_TLS_{part}") for part in ("CERT", "KEY"))
    relay = Relay(
        settings,
        rules,
        Path(certificate) if certificate else None,
        Path(key) if key else None,
        os.environ.get("CITYLIB_BIND") or "127.0.0.1",
    )
    carrier = choose_carrier(settings, rules.media)
    conference = Conference(settings, city, store, carrier, relay, place.prefix)
    await conference.run(listen(application(conference), place, JSON_AT_MOST))
