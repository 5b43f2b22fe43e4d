"""Pulling a camera by RTSP (RFC 2326), its pictures inside the one TCP connection.

A client of our own, since the libraries' follow wherever a camera sends them, look names up by
themselves, and say little about what went wrong.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from urllib.parse import urljoin

from citylib.cameras.gateway.auth import authorization
from citylib.cameras.gateway.faults import Fault
from citylib.cameras.gateway.rtp import Depacketiser
from citylib.cameras.gateway.sdp import video_of
from citylib.cameras.gateway.sink import Sink
from citylib.cameras.gateway.targets import Target, Targets

CONNECT, ANSWER, SILENCE = 3.0, 3.0, 3.0
"""Seconds that connecting, an answer, and the next packet may take."""
REDIRECTS = 3
LARGEST = 256 * 1024
"""Bytes of an answer."""
BROKEN = 0.3
"""Share of packets that are none of the codec, from which on a stream is not readable."""


async def pull(target: Target, targets: Targets, sink: Sink) -> None:
    """Give a camera's pictures to the sink, until they end.

    Raises
    ------
    Fault
        Always: why there are no more.
    """
    for _ in range(REDIRECTS + 1):
        client = await _connect(target, targets)
        try:
            moved = await client.play(sink)
            if moved is None:
                await client.watch()
        finally:
            client.close()
        assert moved is not None  # noqa: S101
        target = target.at(moved)
    raise Fault("missing", "it sends from one place to another without end")


async def _connect(target: Target, targets: Targets) -> _Client:
    address = await targets.resolve(target)
    loop = asyncio.get_running_loop()
    secure = ssl.create_default_context() if target.encrypted else None
    name = target.host if secure else None
    try:
        async with asyncio.timeout(CONNECT):
            _, client = await loop.create_connection(
                lambda: _Client(target), address, target.port, ssl=secure, server_hostname=name
            )
    except ssl.SSLError as error:
        raise Fault("refused", f"its certificate is not accepted: {error.reason}") from None
    except TimeoutError:
        raise Fault("dead", "nobody answers at its address") from None
    except OSError:
        raise Fault("dead", "nobody can be connected to at its address") from None
    return client


class _Client(asyncio.Protocol):
    def __init__(self, target: Target) -> None:
        self._target = target
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._waiting: asyncio.Future[tuple[int, dict[str, list[str]], bytes]] | None = None
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._number = 0
        self._session = ""
        self._timeout = 60.0
        self._challenges: list[str] = []
        self._video: Depacketiser | None = None
        self._channel = 0
        self._last = self._loop.time()
        self._fault: Fault | None = None
        self._answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closed.done():
            self._closed.set_result(None)
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(self._ended())

    def close(self) -> None:
        if not self._transport.is_closing() and self._session:
            head = self._head("TEARDOWN", self._base, {})
            self._transport.write(head)
        self._transport.abort() if not self._session else self._transport.close()

    async def play(self, sink: Sink) -> str | None:
        """Ask for the video; where to ask instead, if the camera sends elsewhere."""
        self._base = self._target.url
        _, headers, body = await self._ask("DESCRIBE", self._base, {"Accept": "application/sdp"})
        if "location" in headers:
            return headers["location"][0]
        track = video_of(body.decode("utf-8", "replace"))
        base = headers.get("content-base", headers.get("content-location", [self._base]))[0]
        self._video = Depacketiser(track.codec, track.payload, sink.begin(track))
        # Only its path counts: what is asked for goes over this connection anyway.
        control = _joined(base, track.control)
        offer = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}
        _, headers, _ = await self._ask("SETUP", control, offer)
        found = re.search(r"interleaved=(\d+)", headers.get("transport", [""])[0])
        self._channel = int(found[1]) if found else 0
        session, _, rest = headers.get("session", [""])[0].partition(";")
        self._session = session.strip()
        if limit := re.search(r"timeout=(\d+)", rest):
            self._timeout = max(4.0, float(limit[1]))
        self._base = base
        await self._ask("PLAY", base, {"Range": "npt=0.000-"})
        return None

    async def watch(self) -> None:
        """Look whether it goes on; keep the session alive."""
        self._last = self._loop.time()
        alive = self._last
        while True:
            await asyncio.wait([self._closed], timeout=0.5)
            if self._fault:
                raise self._fault
            if self._closed.done():
                raise self._ended()
            now = self._loop.time()
            if now - self._last > SILENCE:
                raise Fault("silent", f"no packet for {SILENCE:g} seconds")
            if self._video and self._video.broken() > BROKEN:
                raise Fault("unreadable", "what it sends is not of the codec that it announced")
            if now - alive > min(self._timeout / 2, 30):
                alive = now
                self._transport.write(self._head("OPTIONS", self._base, {}))

    async def _ask(
        self, method: str, url: str, more: dict[str, str]
    ) -> tuple[int, dict[str, list[str]], bytes]:
        for again in (False, True):
            self._waiting = self._loop.create_future()
            self._transport.write(self._head(method, url, more))
            try:
                async with asyncio.timeout(ANSWER):
                    status, headers, body = await self._waiting
            except TimeoutError:
                raise Fault("dead", f"no answer for {ANSWER:g} seconds") from None
            self._answered = True
            if status != 401:
                break
            self._challenges = headers.get("www-authenticate", [])
            if again:
                raise Fault("refused", "it does not accept the credentials")
        if status == 200 or (300 <= status < 400 and "location" in headers and method[0] == "D"):
            return status, headers, body
        if status == 403:
            raise Fault("refused", "it does not let us in")
        if status in (404, 410):
            raise Fault("missing", "there is nothing at its address")
        if status == 461:
            raise Fault("unsupported", "it does not send inside the TCP connection")
        raise Fault("missing", f"it answers with status {status}")

    def _head(self, method: str, url: str, more: dict[str, str]) -> bytes:
        self._number += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._number}", "User-Agent: city"]
        if self._challenges:
            told = authorization(self._target, self._challenges, method, url)
            lines.append(f"Authorization: {told}")
        if self._session:
            lines.append(f"Session: {self._session}")
        lines += [f"{name}: {value}" for name, value in more.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def _ended(self) -> Fault:
        if self._fault:
            return self._fault
        if not self._answered:
            return Fault("dead", "it closes the connection without an answer")
        return Fault("ended", "it closed the connection")

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        place, size = 0, len(buffer)
        video = self._video
        while size - place >= 4:
            if buffer[place] == 0x24:
                end = place + 4 + (buffer[place + 2] << 8 | buffer[place + 3])
                if end > size:
                    break
                if buffer[place + 1] == self._channel and video:
                    self._last = self._loop.time()
                    video.packet(bytes(buffer[place + 4 : end]))
                place = end
                continue
            end = self._answer_at(place)
            if end == 0:
                break
            place = end
        del buffer[:place]

    def _answer_at(self, place: int) -> int:
        """Take the answer that begins there; its end, or 0 if it is not all there yet."""
        buffer = self._buffer
        if buffer[place : place + 4] != b"RTSP" or len(buffer) - place > LARGEST:
            self._fail("what it answers is no RTSP")
            return len(buffer)
        end = buffer.find(b"\r\n\r\n", place)
        if end < 0:
            return 0
        first, *lines = buffer[place:end].decode("latin-1").split("\r\n")
        headers: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), []).append(value.strip())
        length = headers.get("content-length", ["0"])[0]
        status = first.split(" ")[1:2]
        if not (length.isdigit() and len(length) < 7 and status and status[0].isdigit()):
            self._fail("what it answers is no RTSP")
            return len(buffer)
        end += 4
        if len(buffer) < end + int(length):
            return 0
        body = bytes(buffer[end : end + int(length)])
        if self._waiting and not self._waiting.done():
            self._waiting.set_result((int(status[0]), headers, body))
        return end + int(length)

    def _fail(self, detail: str) -> None:
        self._fault = Fault("unreadable", detail)
        self._transport.abort()


def _joined(base: str, control: str) -> str:
    if not control or control == "*":
        return base
    if "://" in control:
        return control
    base = base if base.endswith("/") else base + "/"
    return urljoin(base.replace("rtsp", "http", 1), control).replace("http", "rtsp", 1)
