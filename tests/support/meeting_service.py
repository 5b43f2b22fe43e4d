"""The conference of `support.meetings`, with a hub that only knows tokens, in one process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from jupyterhub.services.auth import HubOAuth
from support.conference import TOKENS, hub, settings_of
from tornado.httpserver import HTTPServer

from citylib.city.profile import load_city
from citylib.city.settings import Settings
from citylib.conference.media.janus import Janus
from citylib.conference.media.mesh import Mesh
from citylib.conference.service.handler import JSON_AT_MOST
from citylib.conference.service.run import application
from citylib.conference.service.service import Conference
from citylib.conference.settings import Media
from citylib.operations.store import Store


async def _serve(folder: Path, port: int, carrier: str, first: int, last: int, host: str) -> None:
    there = (folder / "citylib.toml").is_file()
    settings = Settings.load(folder) if there else settings_of(folder)
    carries = Janus(settings, Media(ports=(first, last))) if carrier == "janus" else Mesh()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with hub(TOKENS) as told:
        os.environ |= told
        HubOAuth.clear_instance()
        with Store(settings.database) as store:
            store.migrate()
            conference = Conference(settings, load_city(settings.profile), store, carries)
            server = HTTPServer(application(conference), max_body_size=JSON_AT_MOST)
            server.listen(port, host)
            await conference.run(stop)


if __name__ == "__main__":
    place, port, carrier, first, last, host = sys.argv[1:]
    asyncio.run(_serve(Path(place), int(port), carrier, int(first), int(last), host))
