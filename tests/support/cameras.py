"""Simulated cameras, a hub that only knows tokens, and a gateway between them, in one loop."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from jupyterhub.services.auth import HubOAuth
from support.port import build_port
from tornado.httpserver import HTTPServer
from tornado.httputil import url_concat
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import websocket_connect

from citylib.access.roles import GROUPS
from citylib.cameras.gateway.service import Gateway, application
from citylib.cameras.gateway.targets import SIMULATOR
from citylib.cameras.simulator.mount import Mount
from citylib.cameras.simulator.server import Simulator
from citylib.city.settings import Settings
from citylib.operations.store import Store

HEAD = "id,name_fr,name_en,lon,lat,source,address,credentials,viewers,engine,retention_hours\n"
PREFIX = "/services/cameras/"
USER, PASSWORD = "operator", "hunter2-very-secret"


class TokenHandler(RequestHandler):
    """Whose token it is, as the hub tells its services."""

    def get(self):
        token = self.request.headers.get("Authorization", "").removeprefix("token ")
        self.settings["asked"].append(token)
        role = self.settings["tokens"].get(token)
        if role == "away":
            self.set_status(500)
            return
        if role is None:
            self.set_status(403)
            return
        groups = [GROUPS[role]] if role in GROUPS else []
        scopes = ["access:services!service=cameras"] if role != "stranger" else []
        self.write({"name": token, "kind": "user", "groups": groups, "scopes": scopes})


@dataclass
class Lab:
    """What a test works with: `mounts` of the simulator by id, the gateway, its port; `asked`:
    whose tokens its hub was asked about."""

    settings: Settings
    store: Store
    simulator: Simulator
    gateway: Gateway
    port: int
    mounts: dict[str, Mount]
    tokens: dict[str, str]
    asked: list[str]
    watchers: list = field(default_factory=list)

    def url(self, path: str, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}{PREFIX}{path}"

    async def watch(self, camera: str, token: str | None = "kim", **headers):  # noqa: S107
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            headers["Authorization"] = f"token {token}"
        from tornado.httpclient import HTTPRequest

        url = url_concat(self.url(f"watch/{camera}", "ws"), {"lang": "en"})
        socket = await websocket_connect(HTTPRequest(url, headers=headers))
        watcher = Watcher(socket)
        self.watchers.append(watcher)
        return watcher


class Watcher:
    """One who watches: all that came, and when."""

    def __init__(self, socket):
        self.socket = socket
        self.messages: list[dict] = []
        self.times: list[float] = []
        self.video = bytearray()
        self.pictures = 0
        self.captured = bytearray()
        self.closed = False
        self.task = asyncio.create_task(self._read())

    async def _read(self):
        while (message := await self.socket.read_message()) is not None:
            if isinstance(message, str):
                self.captured += message.encode()
                self.messages.append(json.loads(message))
                self.times.append(time.monotonic())
                if self.messages[-1]["type"] == "stream":
                    self.video.clear()
            else:
                self.captured += message
                self.video += message
                self.pictures += 1
        self.closed = True

    def states(self) -> list[str]:
        told = [one for one in self.messages if one["type"] == "state"]
        return [one["reason"] or one["state"] for one in told]

    @property
    def state(self) -> str:
        return (self.states() or [""])[-1]

    def leave(self):
        self.socket.close()


async def until(what, seconds=10.0):
    """Wait until something holds; says what did not."""
    ends = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < ends, f"not within {seconds:g} s"
        await asyncio.sleep(0.02)
    return found


@asynccontextmanager
async def laboratory(folder: Path, rows: str, rules: str = "", mounts=None):
    """A gateway over simulated cameras; each of `rows` has a mount of its id."""
    build_port(folder / "port", {"cameras.csv": HEAD + rows, "cameras.toml": rules})
    (folder / "citylib.toml").write_text('profile = "port"\n')
    settings = Settings.load(folder)
    settings.secrets.mkdir(parents=True, exist_ok=True)
    known = mounts if mounts is not None else {}
    for row in rows.splitlines():
        known.setdefault(row.split(",")[0], Mount([row.split(",")[2]], size=(320, 192)))
    tokens = {
        "kim": "mayor",
        "lee": "official",
        "park": "analyst",
        "choi": "none",
        "oh": "stranger",
    }
    asked: list[str] = []
    hub_sockets = bind_sockets(0, "127.0.0.1")
    hub = HTTPServer(
        Application([("/hub/api/user", TokenHandler)], tokens=tokens, asked=asked,
                    log_function=lambda _: None)
    )  # fmt: skip
    hub.add_sockets(hub_sockets)
    os.environ |= {
        "JUPYTERHUB_API_URL": f"http://127.0.0.1:{hub_sockets[0].getsockname()[1]}/hub/api",
        "JUPYTERHUB_API_TOKEN": "service",
        "JUPYTERHUB_CLIENT_ID": "service-cameras",
        "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
        "JUPYTERHUB_SERVICE_NAME": "cameras",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": '["access:services!service=cameras"]',
        "JUPYTERHUB_OAUTH_SCOPES": '["access:services!service=cameras"]',
        "JUPYTERHUB_HOST": "",
        "JUPYTERHUB_BASE_URL": "/",
    }
    HubOAuth.clear_instance()
    from citylib.city.profile import load_city

    stop = asyncio.Event()
    async with Simulator(known.get) as simulator:
        os.environ[SIMULATOR] = f"127.0.0.1:{simulator.port}"
        with Store(settings.database) as store:
            logging.getLogger("alembic").setLevel(logging.WARNING)
            store.migrate()
            gateway = Gateway(settings, load_city(settings.profile), store, PREFIX)
            sockets = bind_sockets(0, "127.0.0.1")
            server = HTTPServer(application(gateway), max_body_size=0)
            server.add_sockets(sockets)
            running = asyncio.create_task(gateway.run(stop))
            port = sockets[0].getsockname()[1]
            lab = Lab(settings, store, simulator, gateway, port, known, tokens, asked)
            try:
                yield lab
            finally:
                for watcher in lab.watchers:
                    watcher.leave()
                server.stop()
                stop.set()
                await running
                hub.stop()
                await asyncio.gather(*(one.task for one in lab.watchers), return_exceptions=True)


def row(name, address="simulated:rtsp", viewers="", **more):
    """A row of a camera in the made-up city."""
    values = (
        SimpleNamespace(source="", credentials="", engine="", retention="", **{}).__dict__ | more
    )
    return (
        f"{name},{name},{name},1,0.5,{values['source']},{address},{values['credentials']},"
        f"{viewers},{values['engine']},{values['retention']}\n"
    )
