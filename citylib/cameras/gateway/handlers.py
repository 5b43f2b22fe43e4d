"""The gateway's addresses: the list of cameras, pictures, posters; each behind the sign-in."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from jupyterhub.services.auth import HubOAuthCallbackHandler
from tornado.httputil import format_timestamp
from tornado.ioloop import PeriodicCallback
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from citylib.cameras.gateway.handler import Handler
from citylib.cameras.gateway.kept import KeptHandler, SnapshotHandler
from citylib.cameras.gateway.snapshots import NAME as KEPT_NAME
from citylib.cameras.gateway.viewer import Viewer
from citylib.city.errors import CityError
from citylib.look.words import say

RECHECK = 30
"""Seconds between two looks whether somebody who watches still may."""
SEND_BUFFER = 128 * 1024
"""Bytes that the system keeps for a viewer; what waits longer is left out by us, and not late."""
POLICY_VIOLATION, GONE, TRY_LATER = 1008, 1001, 1013


class ListHandler(Handler):
    """The cameras that the reader may see, without addresses."""

    async def get(self) -> None:
        """Send the list, as JSON."""
        gateway = self.gateway
        told = [
            {
                "id": camera.id,
                "name": camera.name,
                "lon": camera.lon,
                "lat": camera.lat,
                "heading": camera.heading,
                "kind": camera.kind,
                "simulated": camera.source == "simulated",
                "watch": gateway.path_of(camera, "watch"),
                "poster": gateway.path_of(camera, "poster"),
            }
            for camera in gateway.cameras.known.values()
            if camera.seen_by(self.role)
        ]
        self.write({"cameras": told})


class SignInHandler(Handler):
    """Gives a browser that is signed in at the hub this service's cookie, without a question.

    A page that shows cameras opens it once, in a frame that is not seen.
    """

    async def get(self) -> None:
        """Send who is asked for at the hub there; who comes back is signed in."""
        if self.who == "public":
            self.redirect(self.get_login_url())
        else:
            self.write({"name": self.who, "role": self.role})


class PosterHandler(Handler):
    """The newest poster of a camera."""

    async def get(self, name: str) -> None:
        """Send a JPEG; nothing while there is none, which is no fault."""
        camera = self.camera(name)
        found = await self.gateway.poster(camera)
        if found is None:
            self.set_status(204)
            return
        self.set_header("Content-Type", "image/jpeg")
        self.set_header("Last-Modified", format_timestamp(found[1]))
        self.finish(found[0])


class WatchHandler(Handler, WebSocketHandler):
    """Pictures of a camera, as they come.

    Texts are JSON: `state` (how the camera is doing; `text` in the reader's language), `stream` (a
    stream begins: `mime`), `skipped` (pictures were left out), `elsewhere` (another gateway has
    it). Bytes are the stream: MP4 to append as it comes, or one JPEG each.
    """

    viewer: Viewer | None = None
    _viewing = 0
    _recheck: PeriodicCallback | None = None
    _why = "left"
    _unanswered = 0

    def check_origin(self, origin: str) -> bool:
        """Only pages of this very address may ask with somebody's cookie."""
        return super().check_origin(origin)

    async def get(self, name: str) -> None:
        """Open the websocket, if the reader may see the camera."""
        self._camera = self.camera(name)
        await super().get(name)

    async def open(self, name: str) -> None:
        """Begin to watch."""
        gateway, camera = self.gateway, self._camera
        lang = self.get_argument("lang", "")
        self._lang = lang if lang in gateway.city.languages else gateway.city.languages[0]
        if not gateway.own(camera):
            await self.write_message(
                {"type": "elsewhere", "watch": gateway.path_of(camera, "watch")}
            )
            self.close(GONE, "elsewhere")
            return
        if gateway.viewings.full or gateway.is_full(self.who):
            self.close(TRY_LATER, "too much at once")
            return
        self.set_nodelay(True)
        if self.ws_connection is not None:
            connection: Any = self.ws_connection
            connection.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._viewing = gateway.viewings.opened(self.who, camera.id)
        self.viewer = Viewer(self._send, self._lost, self._worded)
        gateway.open.add(self)
        gateway.watch(camera, self.viewer)
        self._recheck = PeriodicCallback(self._look_again, RECHECK * 1000)
        self._recheck.start()

    def on_message(self, message: str | bytes) -> None:
        """Nothing is expected from a viewer."""
        self.close(POLICY_VIOLATION, "nothing is expected")

    def beat(self) -> None:
        """Ask whether the viewer is still there; one that did not answer twice has vanished."""
        if self._unanswered >= 2:
            self._why = "vanished"
            self._cut()
            return
        self._unanswered += 1
        with suppress(WebSocketClosedError):
            self.ping(b"")

    def on_pong(self, data: bytes) -> None:
        """It is."""
        self._unanswered = 0

    def on_close(self) -> None:
        """Watch no more."""
        if self._recheck:
            self._recheck.stop()
        if self.viewer:
            self.viewer.close()
            self.gateway.leave(self._camera, self.viewer, linger=self.close_code is not None)
            self.gateway.open.discard(self)
            self.gateway.viewings.closed(self._viewing, self._why)
            self.viewer = None

    async def _look_again(self) -> None:
        try:
            await self.ask_who(use_cache=False)
        except HTTPError:
            return  # the hub is being started again; it is asked the next time
        camera = self.gateway.cameras.known.get(self._camera.id)
        if camera is None or not camera.seen_by(self.role):
            self._why = "no longer allowed"
            self.close(POLICY_VIOLATION, "signed out")

    async def _send(self, message: str | bytes) -> None:
        try:
            await self.write_message(message, binary=isinstance(message, bytes))
        except (WebSocketClosedError, StreamClosedError):
            raise ConnectionError from None

    def _lost(self) -> None:
        self._why = "took nothing"
        self._cut()

    def _cut(self) -> None:
        """End the connection without a word, which would not be heard."""
        if self.ws_connection is not None:
            connection: Any = self.ws_connection
            connection.stream.close()

    def _worded(self, message: dict[str, Any]) -> dict[str, Any]:
        if message["type"] != "state":
            return message
        key = message["reason"] or message["state"]
        try:
            text = say(self._lang, f"camera.{key}")
        except CityError:
            text = say(self._lang, "camera.failed")
        return {**message, "text": text}


def routes(prefix: str) -> list[Any]:
    """The addresses below the service's own."""
    name = r"([A-Za-z0-9._-]{1,64})"
    return [
        (rf"{prefix}cameras\.json", ListHandler),
        (rf"{prefix}sign-in", SignInHandler),
        (rf"{prefix}poster/{name}", PosterHandler),
        (rf"{prefix}watch/{name}", WatchHandler),
        (rf"{prefix}snapshot/{name}", SnapshotHandler),
        (rf"{prefix}snapshot/{name}/({KEPT_NAME})", KeptHandler),
        (rf"{prefix}oauth_callback", HubOAuthCallbackHandler),
        (".*", NothingHandler),
    ]


class NothingHandler(Handler):
    """There is nothing else."""

    async def get(self) -> None:
        """Say so."""
        raise HTTPError(404, reason="there is nothing here")
