"""A hub that only knows tokens, and a conference behind it, in one loop or as a process."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from jupyterhub.services.auth import HubOAuth
from support.cameras import until
from support.port import build_port
from tornado.httpclient import HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import websocket_connect

from citylib.access.roles import GROUPS
from citylib.city.profile import load_city
from citylib.city.settings import Settings
from citylib.conference.media.mesh import Mesh
from citylib.conference.service.handler import JSON_AT_MOST
from citylib.conference.service.run import application
from citylib.conference.service.service import PREFIX, Conference
from citylib.operations.store import Store

TOKENS = {
    "kim": "mayor",
    "lee": "official",
    "nam": "official",
    "park": "analyst",
    "choi": "none",
    "oh": "stranger",
}
"""Who has which role; the token is the name. `oh` is signed in and has no leave for conferences."""
SCOPE = "access:services!service=conference"


class TokenHandler(RequestHandler):
    """Whose token it is, as the hub tells its services."""

    def get(self):
        token = self.request.headers.get("Authorization", "").removeprefix("token ")
        role = self.settings["tokens"].get(token)
        if role is None:
            self.set_status(403)
            return
        groups = [GROUPS[role]] if role in GROUPS else []
        scopes = [SCOPE] if role != "stranger" else []
        self.write({"name": token, "kind": "user", "groups": groups, "scopes": scopes})


@asynccontextmanager
async def hub(tokens):
    """A hub on a port of its own; gives what services are told of it."""
    sockets = bind_sockets(0, "127.0.0.1")
    app = Application([("/hub/api/user", TokenHandler)], tokens=tokens, log_function=lambda _: 0)
    server = HTTPServer(app)
    server.add_sockets(sockets)
    yield {
        "JUPYTERHUB_API_URL": f"http://127.0.0.1:{sockets[0].getsockname()[1]}/hub/api",
        "JUPYTERHUB_API_TOKEN": "service",
        "JUPYTERHUB_CLIENT_ID": "service-conference",
        "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
        "JUPYTERHUB_SERVICE_NAME": "conference",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": json.dumps([SCOPE]),
        "JUPYTERHUB_OAUTH_SCOPES": json.dumps([SCOPE]),
        "JUPYTERHUB_HOST": "",
        "JUPYTERHUB_BASE_URL": "/",
    }
    server.stop()


class Visitor:
    """A page without a browser: all that came, in order."""

    def __init__(self, socket):
        self.socket = socket
        self.came: list[dict] = []
        self.closed = False
        self.task = asyncio.create_task(self._read())

    async def _read(self):
        while (text := await self.socket.read_message()) is not None:
            message = json.loads(text)
            if message["type"] != "beat":
                self.came.append(message)
        self.closed = True

    def say(self, kind, **values):
        """Say something as a page does."""
        return self.socket.write_message(json.dumps({"type": kind, **values}))

    def all(self, kind, **values):
        """What came of a kind, with these values."""
        return [
            one
            for one in self.came
            if one["type"] == kind and all(one.get(key) == value for key, value in values.items())
        ]

    async def first(self, kind, seconds=10.0, **values):
        """The first of a kind that came, or comes."""
        found = await until(lambda: self.all(kind, **values) or self.closed, seconds)
        assert found is not True, f"closed without {kind}: {self.came}"
        return found[0]

    async def refused(self):
        """Why the service closed."""
        await until(lambda: self.closed)
        return self.all("refused")[-1]["reason"]

    @property
    def id(self):
        return self.all("entered")[-1]["you"]

    @property
    def ticket(self):
        return (self.all("entered") or self.all("waiting"))[-1]["ticket"]


@dataclass
class Lab:
    """What a test works with."""

    settings: Settings
    store: Store
    conference: Conference
    port: int
    tokens: dict[str, str]
    visitors: list[Visitor] = field(default_factory=list)

    def url(self, path="", scheme="http"):
        return f"{scheme}://127.0.0.1:{self.port}{PREFIX}{path}"

    async def ask(self, method, path, token=None, **more):
        """An HTTP request as a page of this platform makes it."""
        headers = {"Origin": f"http://127.0.0.1:{self.port}"} | more.pop("headers", {})
        if token:
            headers["Authorization"] = f"token {token}"
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.request(method, self.url(path), headers=headers, **more)

    async def room(self, token="kim", **values):  # noqa: S107
        """Make a room; gives its id."""
        answer = await self.ask("POST", "rooms", token, json={"title": "Flood", **values})
        assert answer.status_code == 201, answer.text
        return answer.json()["room"]["id"]

    async def invite(self, room, token="kim", **values):  # noqa: S107
        """Invite; gives the invitation, with `token`."""
        answer = await self.ask("POST", f"rooms/{room}/invitations", token, json=values)
        assert answer.status_code == 201, answer.text
        made = answer.json()["invitation"]
        return {**made, "token": made["link"].partition("#")[2]}

    async def open(self, token=None, **headers):
        """A websocket of who is signed in with a token, or of nobody."""
        if token:
            headers["Authorization"] = f"token {token}"
        request = HTTPRequest(self.url("socket", "ws"), headers=headers)
        visitor = Visitor(await websocket_connect(request))
        self.visitors.append(visitor)
        return visitor

    async def look(self, token=None, **values):
        """At the door; gives who stands there."""
        visitor = await self.open(token)
        await visitor.say("look", **{"language": "en"} | values)
        return visitor

    async def host(self, room, token="kim"):  # noqa: S107
        """The host, inside."""
        visitor = await self.look(token, room=room)
        await visitor.say("enter", name=token)
        await visitor.first("entered")
        return visitor

    async def guest(self, invitation, name="Anna"):
        """Somebody inside by an invitation; the room must let them in by themselves."""
        visitor = await self.look(invitation=invitation["token"])
        await visitor.say("enter", name=name)
        await visitor.first("entered")
        return visitor

    async def resume(self, ticket, token=None):
        """Somebody who comes back."""
        visitor = await self.open(token)
        await visitor.say("resume", ticket=ticket, language="en")
        return visitor


def settings_of(folder: Path, rules: str = "") -> Settings:
    """An installation of a made-up city."""
    build_port(folder / "port", {"conference.toml": rules} if rules else {})
    (folder / "citylib.toml").write_text('profile = "port"\n')
    return Settings.load(folder)


@asynccontextmanager
async def laboratory(folder: Path, rules: str = "", carrier=None, database=None):
    """A conference and its hub; what is kept in `folder` is there again the next time."""
    settings = settings_of(folder, rules)
    tokens = dict(TOKENS)
    stop = asyncio.Event()
    logging.getLogger("alembic").setLevel(logging.WARNING)
    async with hub(tokens) as told:
        os.environ |= told
        HubOAuth.clear_instance()
        with Store(database or settings.database) as store:
            store.migrate()
            city = load_city(settings.profile)
            conference = Conference(settings, city, store, carrier or Mesh())
            sockets = bind_sockets(0, "127.0.0.1")
            server = HTTPServer(application(conference), max_body_size=JSON_AT_MOST)
            server.add_sockets(sockets)
            running = asyncio.create_task(conference.run(stop))
            lab = Lab(settings, store, conference, sockets[0].getsockname()[1], tokens)
            try:
                yield lab
            finally:
                for visitor in lab.visitors:
                    visitor.socket.close()
                server.stop()
                stop.set()
                await running
                await asyncio.gather(*(v.task for v in lab.visitors), return_exceptions=True)


@asynccontextmanager
async def service(folder: Path, told: dict[str, str], port: int):
    """The service as a process of its own, as the hub starts it; gives the process."""
    environment = {name: text for name, text in os.environ.items() if "CITYLIB" not in name}
    environment |= told | {
        "CITYLIB_CONFIG": str(folder / "citylib.toml"),
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}",
    }
    command = [sys.executable, "-m", "citylib.cli", "conference", "run"]
    with (folder / "service.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=environment, stdout=log, stderr=log
        )
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            ends = time.monotonic() + 60
            while True:
                assert process.returncode is None, (folder / "service.log").read_text()
                assert time.monotonic() < ends, "the service does not answer"
                with suppress(httpx.HTTPError):
                    await client.get(f"http://127.0.0.1:{port}{PREFIX}nothing")
                    break
                await asyncio.sleep(0.05)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
