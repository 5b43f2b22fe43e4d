"""A service around a carrier of media that lets everybody in: for tests of the carrier alone."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler

from citylib.city.settings import Settings
from citylib.conference.media.carrier import Carrier, Refused
from citylib.conference.protocol import Leave, MalformedMessage, parse

SCRIPT = Path(__file__).with_name("people.js")
PAGE = "<!doctype html><title>people</title><script src=people.js></script>"


def bare_settings(root: Path) -> Settings:
    """An installation that has nothing but a place for state."""
    places = {name: str(root / name) for name in ("lake", "cube")}
    return Settings(root=root, profile=root, var=root, public=root, database="sqlite://", **places)


def some_ports(count: int = 1000) -> tuple[int, int]:
    """A range of UDP ports that hardly anybody else has chosen."""
    first = random.randrange(34_000, 60_000, count)  # noqa: S311
    return first, first + count - 1


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Socket(WebSocketHandler):
    """A participant."""

    def get_compression_options(self):
        return {}

    async def open(self):
        hall = self.application.settings["hall"]
        self.room, self.who = self.get_argument("room"), self.get_argument("who")
        self.loop = asyncio.get_running_loop()
        await hall.carrier.open(self.room)
        hall.sockets.add(self)
        await hall.carrier.enter(
            self.room, self.who, self.tell, self.get_argument("publish") == "1"
        )

    def tell(self, message):
        self.application.settings["hall"].told.append((self.who, message))
        if self.ws_connection:
            task = asyncio.ensure_future(self.write_message(message))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def on_message(self, text):
        hall = self.application.settings["hall"]
        try:
            message = parse(text)
            if not isinstance(message, Leave):
                await hall.carrier.message(self.room, self.who, message)
        except (MalformedMessage, Refused) as fault:
            self.tell({"type": "error", "reason": str(fault)})

    def on_close(self):
        hall = self.application.settings["hall"]
        hall.sockets.discard(self)
        if any((one.room, one.who) == (self.room, self.who) for one in hall.sockets):
            return  # They came back by another.
        hall.leaving = asyncio.ensure_future(hall.carrier.leave(self.room, self.who))


class Page(RequestHandler):
    """The page that all participants are in, and its script."""

    def get(self, script):
        self.set_header("Content-Type", "text/javascript" if script else "text/html")
        self.write(SCRIPT.read_text("utf-8") if script else PAGE)


class Hall:
    """The running service, and what runs beside it until told to stop; `url` is its page."""

    def __init__(
        self, carrier: Carrier, beside: Callable[[asyncio.Event], Awaitable[None]] | None = None
    ) -> None:
        self.carrier, self._beside = carrier, beside
        self.sockets: set[Socket] = set()
        self.told: list[tuple[str, dict]] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Hall:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def do(self, work: Coroutine) -> object:
        """Do something in the service's loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        routes = [("/socket", Socket), ("/(people.js)?", Page)]
        server = HTTPServer(Application(routes, hall=self))
        listening = bind_sockets(0, "127.0.0.1")
        server.add_sockets(listening)
        self.url = f"http://127.0.0.1:{listening[0].getsockname()[1]}/"
        self._ready.set()
        beside = asyncio.ensure_future(self._beside(self._stop)) if self._beside else None
        await self.carrier.run(self._stop, self)
        if beside:
            await beside
        server.stop()

    def speaking(self, room: str, now: list[str], recent: list[str]) -> None:
        self._all(room, {"type": "speaking", "now": now, "recent": recent})

    def gone(self) -> None:
        self._all(None, {"type": "media", "state": "gone"})

    def back(self) -> None:
        self._all(None, {"type": "media", "state": "back"})

    def _all(self, room: str | None, message: dict) -> None:
        for one in [*self.sockets]:
            if room in (None, one.room):
                one.tell(message)
