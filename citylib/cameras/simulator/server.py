"""The simulator's server: RTSP and HTTP at one port."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import get_args

from citylib.cameras.simulator import web
from citylib.cameras.simulator.encode import Rtp
from citylib.cameras.simulator.mount import BEHAVIOURS, Behaviour, Mount, Payloads

REALM = "simulated"
MOST_WAITING = 4_000_000
"""Bytes that wait for a receiver; one that takes nothing is let go of."""
UP, DOWN = 2.0, 1.0
"""Seconds that a restarting camera is up and down."""
SDP = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=simulated\r\nt=0 0\r\na=control:*\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 {codec}/90000\r\na=control:trackID=0\r\n"
)


class Simulator:
    """Serves simulated cameras on this machine.

    Addresses are `rtsp://127.0.0.1:PORT/rtsp/ID`, the same with `h265`, and
    `http://127.0.0.1:PORT/hls/ID`, `mjpeg/ID`, `still/ID`. `POST /does/ID/BEHAVIOUR` changes how
    one behaves.

    Parameters
    ----------
    find : callable
        Gives the mount of an id, or None.

    Examples
    --------
    >>> async with Simulator(mounts.get) as simulator:  # doctest: +SKIP
    ...     simulator.port
    41234
    """

    def __init__(self, find: Callable[[str], Mount | None], port: int = 0) -> None:
        self.find, self.port = find, port
        self.pool = ThreadPoolExecutor(2, "encode")
        self._writers: dict[asyncio.StreamWriter, Mount | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Simulator:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=65536)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None  # noqa: S101
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.pool.shutdown(wait=False, cancel_futures=True)

    def change(self, mount: Mount, behaviour: Behaviour) -> None:
        """Have a camera behave otherwise from now on."""
        mount.does = behaviour
        if behaviour in ("dead", "hanging", "refusing", "missing", "restarting", "redirecting"):
            for writer, served in self._writers.items():
                if served is mount:
                    writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers[writer] = None
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        self._tasks.add(task)
        try:
            await _Connection(self, reader, writer).run()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        except asyncio.CancelledError:  # the simulator ends
            pass
        finally:
            self._tasks.discard(task)
            self._writers.pop(writer, None)
            writer.transport.abort()


class _Connection:
    def __init__(
        self, simulator: Simulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.simulator, self.reader, self.writer = simulator, reader, writer
        self.nonce = secrets.token_hex(8)
        self.session = secrets.token_hex(8)
        self.rtp: Rtp | None = None

    async def run(self) -> None:
        playing: tuple[Mount, str] | None = None
        try:
            while True:
                head = await self._head()
                first, *lines = head.split("\r\n")
                method, url, version = first.split(" ", 2)
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in lines if line)
                }
                path = re.sub(r"^\w+://[^/]*", "", url).partition("?")[0].strip("/")
                kind, _, rest = path.partition("/")
                mount = self.simulator.find(rest.split("/")[0])
                if version.startswith("HTTP") and method == "POST" and kind == "does":
                    self._behave(rest)
                    continue
                if mount is None:
                    self._answer(version[:8], headers, "404 Not Found")
                    continue
                self.simulator._writers[self.writer] = mount
                if await self._misbehaves(mount, version[:8], headers):
                    continue
                if mount.user and not self._knows(mount, method, headers):
                    self._ask(mount, version[:8], headers)
                    continue
                if not version.startswith("RTSP"):
                    await web.answer(mount, kind, rest, self.writer, self.simulator.pool)
                    return
                if method == "PLAY":
                    mount.opened += 1
                    mount.open += 1
                    playing = mount, "h265" if kind == "h265" else "h264"
                self._rtsp(method, url, headers, kind)
                if playing and method == "PLAY":
                    mount.attach(playing[1], self._send, self.simulator.pool)
                    if mount.does == "restarting":
                        asyncio.get_running_loop().call_later(UP, self.writer.transport.abort)
        finally:
            if playing:
                playing[0].open -= 1
                playing[0].detach(playing[1], self._send)

    async def _head(self) -> str:
        while True:
            first = await self.reader.readexactly(1)
            if first != b"$":  # a receiver's report of what it got
                break
            size = await self.reader.readexactly(3)
            await self.reader.readexactly(int.from_bytes(size[1:]))
        return (first + await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")

    async def _misbehaves(self, mount: Mount, version: str, headers: dict[str, str]) -> bool:
        does = mount.does
        if does == "dead" or (does == "restarting" and time.monotonic() % (UP + DOWN) > UP):
            raise ConnectionResetError
        if does == "hanging":
            await asyncio.sleep(3600)
        if does == "refusing":
            self._ask(mount, version, headers)
        elif does == "missing":
            self._answer(version, headers, "404 Not Found")
        elif does == "redirecting":
            self._answer(version, headers, "302 Found", f"Location: {mount.location}")
        return does in ("refusing", "missing", "redirecting")

    def _behave(self, rest: str) -> None:
        name, _, behaviour = rest.partition("/")
        mount = self.simulator.find(name)
        if mount is None or behaviour not in get_args(Behaviour):
            text = f"write /does/ID/BEHAVIOUR with one of {', '.join(BEHAVIOURS)}"
            self._answer("HTTP/1.1", {}, "404 Not Found", body=text)
        else:
            self._answer("HTTP/1.1", {}, "200 OK", body="done")
            self.simulator.change(mount, behaviour)  # type: ignore[arg-type]

    def _rtsp(self, method: str, url: str, headers: dict[str, str], kind: str) -> None:
        version, ok = "RTSP/1.0", "200 OK"
        if method == "DESCRIBE":
            codec = "H265" if kind == "h265" else "H264"
            more = [f"Content-Base: {url}/", "Content-Type: application/sdp"]
            self._answer(version, headers, ok, *more, body=SDP.format(codec=codec))
        elif method == "SETUP":
            asked = headers.get("transport", "")
            found = re.search(r"interleaved=(\d+)-(\d+)", asked)
            if not found:
                self._answer(version, headers, "461 Unsupported Transport")
                return
            self.rtp = Rtp(int(found[1]), secrets.randbits(32))
            told = f"Transport: RTP/AVP/TCP;unicast;interleaved={found[1]}-{found[2]}"
            self._answer(version, headers, ok, told, f"Session: {self.session};timeout=60")
        elif method in ("OPTIONS", "PLAY", "GET_PARAMETER", "TEARDOWN"):
            self._answer(version, headers, ok, f"Session: {self.session}")
        else:
            self._answer(version, headers, "501 Not Implemented")

    def _send(self, payloads: Payloads, pts: int) -> None:
        if self.writer.transport.get_write_buffer_size() > MOST_WAITING:
            self.writer.transport.abort()
        elif self.rtp:
            with contextlib.suppress(OSError):
                self.writer.write(self.rtp.wrap(payloads, pts))

    def _knows(self, mount: Mount, method: str, headers: dict[str, str]) -> bool:
        told = headers.get("authorization", "")
        if not mount.digest:
            plain = base64.b64encode(f"{mount.user}:{mount.password}".encode()).decode()
            return told == f"Basic {plain}"
        said = dict(re.findall(r'(\w+)="?([^",]*)"?', told))
        ha1 = _md5(f"{mount.user}:{REALM}:{mount.password}")
        ha2 = _md5(f"{method}:{said.get('uri', '')}")
        middle = f"{said['nc']}:{said['cnonce']}:{said['qop']}:" if "qop" in said else ""
        right = _md5(f"{ha1}:{self.nonce}:{middle}{ha2}")
        return told.startswith("Digest ") and said.get("response") == right

    def _ask(self, mount: Mount, version: str, headers: dict[str, str]) -> None:
        how = f'Digest realm="{REALM}", nonce="{self.nonce}"' if mount.digest else "Basic"
        how = how if mount.digest else f'Basic realm="{REALM}"'
        self._answer(version, headers, "401 Unauthorized", f"WWW-Authenticate: {how}")

    def _answer(
        self, version: str, headers: dict[str, str], status: str, *more: str, body: str = ""
    ) -> None:
        lines = [f"{version} {status}", f"CSeq: {headers.get('cseq', '0')}", *more]
        lines.append(f"Content-Length: {len(body.encode())}")
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324
