"""Talking with Janus: requests that are answered, and events that come by themselves."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import logging
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tornado.netutil import Resolver
from tornado.websocket import WebSocketClientConnection, websocket_connect

from citylib.conference.media.janus_process import JanusProcess

log = logging.getLogger(__name__)

TIMEOUT = 8.0
"""Seconds that an answer may take."""
BEAT = 10.0
"""Seconds between two signs of life; after two without an answer Janus is started again."""
TOKEN_VALID = 3600
LARGEST = 4 * 2**20
"""Bytes of a message from Janus; the offer of a wall of 45 has a tenth of it."""
VIDEO_ROOM = "janus.plugin.videoroom"

Event = dict[str, Any]


class JanusError(Exception):
    """Janus refused a request; `code` is its own, 0 when it did not answer at all."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{reason} ({code})" if code else reason)
        self.code = code


class Handle:
    """One connection of a participant, as Janus sees it.

    Parameters
    ----------
    client : JanusClient
        What it is reached by.
    number : int
        Janus's own.
    on_event : callable
        Gets every event that answers no request.
    """

    def __init__(self, client: JanusClient, number: int, on_event: Callable[[Event], None]) -> None:
        self._client, self.number, self.on_event = client, number, on_event

    async def ask(self, body: dict[str, Any], jsep: dict[str, Any] | None = None) -> Event:
        """Ask the plugin, and wait for its answer: its `data`, and a `jsep` where there is one.

        Raises
        ------
        JanusError
            It refused, or gave no answer in time.
        """
        request: dict[str, Any] = {"janus": "message", "body": body}
        if jsep is not None:
            request["jsep"] = jsep
        event = await self._client.ask(request, self.number)
        data = event.get("plugindata", {}).get("data", {})
        if "error_code" in data:
            raise JanusError(data["error_code"], str(data.get("error")))
        return {"data": data, "jsep": event.get("jsep")}

    async def trickle(self, candidate: dict[str, Any] | None) -> None:
        """Hand on an address of the page; None: there are no more."""
        told = {"completed": True} if candidate is None else candidate
        await self._client.ask({"janus": "trickle", "candidate": told}, self.number)

    async def detach(self) -> None:
        """End it; nothing when it has ended."""
        self._client.handles.pop(self.number, None)
        try:
            await self._client.ask({"janus": "detach"}, self.number)
        except JanusError as error:
            log.debug("a handle had ended: %s", error)


class JanusClient:
    """A session with Janus, over its UNIX socket.

    Parameters
    ----------
    janus : JanusProcess
        Where it listens, and its secrets.

    Attributes
    ----------
    lost : asyncio.Event
        The connection has ended; the client is of no use any more.
    """

    def __init__(self, janus: JanusProcess) -> None:
        self._janus = janus
        self._connection: WebSocketClientConnection | None = None
        self._session = 0
        self._numbers = itertools.count(1)
        self._waiting: dict[str, tuple[asyncio.Future[Event], bool]] = {}
        self._token = ("", 0.0)
        self._beating: asyncio.Task[None] | None = None
        self.handles: dict[int, Handle] = {}
        self.lost = asyncio.Event()

    async def open(self) -> None:
        """Connect, as soon as it listens, and begin a session.

        Raises
        ------
        JanusError
            It does not listen within ten seconds, or refuses.
        """
        until = time.monotonic() + 2 * TIMEOUT
        while True:
            try:
                self._connection = await websocket_connect(
                    "ws://janus/",
                    subprotocols=["janus-protocol"],
                    max_message_size=LARGEST,
                    on_message_callback=self._take,
                    resolver=_Socket(self._janus.socket),
                )
                break
            except OSError:
                if time.monotonic() > until:
                    raise JanusError(0, "Janus was started, but does not listen") from None
                await asyncio.sleep(0.02)
        made = await self.ask({"janus": "create"})
        self._session = made["data"]["id"]
        self._beating = asyncio.create_task(self._beat())

    def close(self) -> None:
        """End the connection; what waits for answers is told."""
        if self._connection is not None:
            self._connection.close()
        self._end()

    async def attach(self, on_event: Callable[[Event], None]) -> Handle:
        """A new handle of the rooms' plugin.

        Raises
        ------
        JanusError
            Janus refused.
        """
        made = await self.ask({"janus": "attach", "plugin": VIDEO_ROOM})
        handle = Handle(self, made["data"]["id"], on_event)
        self.handles[handle.number] = handle
        return handle

    async def ask(self, request: Event, handle: int | None = None) -> Event:
        """Send a request and wait for its answer; an `ack` is none, but to a trickle.

        Raises
        ------
        JanusError
            It refused, gave no answer in time, or is gone.
        """
        if self._connection is None or self.lost.is_set():
            raise JanusError(0, "Janus is gone")
        transaction = f"t{next(self._numbers)}"
        told = {
            **request,
            "transaction": transaction,
            "apisecret": self._janus.api_secret,
            "token": self._signed(),
            **({"session_id": self._session} if self._session else {}),
            **({"handle_id": handle} if handle is not None else {}),
        }
        answer: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        # A trickle or a sign of life is answered by its acknowledgement.
        self._waiting[transaction] = (answer, request["janus"] in ("trickle", "keepalive"))
        try:
            await self._connection.write_message(json.dumps(told))
            return await asyncio.wait_for(answer, TIMEOUT)
        except TimeoutError:
            raise JanusError(0, f"no answer to {_named(request)}") from None
        except OSError:
            raise JanusError(0, "Janus is gone") from None
        finally:
            self._waiting.pop(transaction, None)

    def _take(self, text: str | bytes | None) -> None:
        if text is None:
            self._end()
            return
        event: Event = json.loads(text)
        kind = event.get("janus")
        answer, plain = self._waiting.get(event.get("transaction", ""), (None, False))
        if answer is not None and not answer.done():
            if kind == "error":
                error = event.get("error", {})
                answer.set_exception(
                    JanusError(error.get("code", 0), str(error.get("reason", "refused")))
                )
                return
            if kind != "ack" or plain:
                answer.set_result(event)
                return
        if kind == "timeout":
            self.close()
        elif kind not in ("ack", "error") and (handle := self.handles.get(event.get("sender", 0))):
            try:
                handle.on_event(event)
            except Exception:
                log.exception("an event of Janus could not be handled")

    def _end(self) -> None:
        self.lost.set()
        if self._beating is not None:
            self._beating.cancel()
        for answer, _ in self._waiting.values():
            if not answer.done():
                answer.set_exception(JanusError(0, "Janus is gone"))

    async def _beat(self) -> None:
        unanswered = 0
        while unanswered < 2:
            await asyncio.sleep(BEAT)
            try:
                await self.ask({"janus": "keepalive"})
                unanswered = 0
            except JanusError as error:
                unanswered += 1
                log.error("Janus gives no sign of life: %s", error)
        self.close()

    def _signed(self) -> str:
        token, until = self._token
        if until - time.time() < TOKEN_VALID / 2:
            until = time.time() + TOKEN_VALID
            text = f"{int(until)},janus,{VIDEO_ROOM}"
            # The form is Janus's own: HMAC-SHA1.
            mac = hmac.new(self._janus.token_secret.encode(), text.encode(), hashlib.sha1)
            token = f"{text}:{base64.b64encode(mac.digest()).decode()}"
            self._token = (token, until)
        return token


class _Socket(Resolver):
    """Whatever name is asked for, it is the UNIX socket."""

    def initialize(self, path: Path | None = None) -> None:
        self._path = path

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[tuple[int, Any]]:
        return [(socket.AF_UNIX, str(self._path))]


def _named(request: Event) -> str:
    asked = request.get("body", {}).get("request")
    return f"{request['janus']} {asked}" if asked else str(request["janus"])
