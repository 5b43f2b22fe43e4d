"""A local HTTP server that behaves as real ones do at their worst, scripted path by path.

It runs in the test's own event loop::

    async with hostile.server() as source:
        source.on("/rows", hostile.throttled(0), hostile.reply([{"id": 1}]))
        await client.get(source.url + "/rows")
    assert [asked.path for asked in source.asked] == ["/rows", "/rows"]

Each request takes the next of its path's answers; the last answers all that follow. An answer is a
`Reply`, or a function that is given the request and returns one. A path without a script is 404.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request that came. Header names are in lower case; path and query are decoded."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Reply:
    """What is sent.

    Attributes
    ----------
    body : bytes
        As it goes over the wire.
    status : int
        HTTP's.
    headers : dict of str to str
        Besides Content-Type and Content-Length, which they may replace.
    cut : int, optional
        Only so many bytes of the body are sent, then the connection is closed.
    drip : float, optional
        Seconds before each byte of the body.
    hang : bool
        Nothing is sent, and the connection stays open.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    drip: float | None = None
    hang: bool = False


Answer = Reply | Callable[[Asked], Reply]


def reply(value: Any, status: int = 200, **headers: str) -> Reply:
    """An answer: bytes and text as they are, anything else as JSON."""
    if isinstance(value, str):
        value = value.encode()
    if not isinstance(value, bytes):
        value = json.dumps(value).encode()
    return Reply(value, status, {name.replace("_", "-"): text for name, text in headers.items()})


def throttled(seconds: float | str | None = None, status: int = 429) -> Reply:
    """Too many requests; `seconds` is what Retry-After says."""
    after = {} if seconds is None else {"Retry-After": str(seconds)}
    return Reply(b'{"message": "slow down"}', status, after)


def throttled_until(moment: Any) -> Reply:
    """Too many requests, with a date in Retry-After."""
    return throttled(format_datetime(moment, usegmt=True))


def hanging() -> Reply:
    """No answer at all."""
    return Reply(hang=True)


def half(value: Any) -> Reply:
    """Half of the body that was announced."""
    whole = reply(value)
    return Reply(whole.body, cut=len(whole.body) // 2)


def dripping(value: Any, seconds: float) -> Reply:
    """A byte at a time."""
    return Reply(reply(value).body, drip=seconds)


def redirect(place: str, status: int = 302) -> Reply:
    """It is elsewhere."""
    return Reply(b"", status, {"Location": place})


def zipped(value: Any) -> Reply:
    """Compressed, as any well-behaved answer may be."""
    return Reply(gzip.compress(reply(value).body), headers={"Content-Encoding": "gzip"})


def bomb(size: int, times: int = 1) -> Reply:
    """Few bytes that become `size` when they are decompressed `times` times."""
    body = b""
    for n in range(times):
        press = zlib.compressobj(9, zlib.DEFLATED, 31)
        if n == 0:
            block = b" " * 2**20
            body = b"".join([*(press.compress(block) for _ in range(size // 2**20)), press.flush()])
        else:
            body = press.compress(body) + press.flush()
    return Reply(body, headers={"Content-Encoding": ", ".join(["gzip"] * times)})


def tagged(value: Any, etag: str = '"1"', modified: str | None = None) -> Callable[[Asked], Reply]:
    """An answer that is 304 to whoever has it already, by ETag or, given one, by its date."""

    def answer(asked: Asked) -> Reply:
        known = asked.headers.get("if-none-match") == etag
        if modified and asked.headers.get("if-modified-since") == modified:
            known = True
        headers = {"ETag": etag} | ({"Last-Modified": modified} if modified else {})
        whole = reply(value)
        return Reply(b"" if known else whole.body, 304 if known else 200, headers)

    return answer


class Server:
    """What is scripted, and what was asked for.

    Attributes
    ----------
    url : str
        `http://127.0.0.1:port`.
    asked : list of Asked
        In the order in which requests came.
    """

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self._answers: dict[str, list[Answer]] = {}

    def on(self, path: str, *answers: Answer) -> None:
        """Say how a path answers; said again, it answers anew."""
        self._answers[path] = list(answers)

    def paths(self) -> list[str]:
        """The paths asked for, in their order."""
        return [asked.path for asked in self.asked]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while asked := await _request(reader):
                self.asked.append(asked)
                answers = self._answers.get(asked.path, [Reply(b"not here", 404)])
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                if not await _send(writer, answer if isinstance(answer, Reply) else answer(asked)):
                    return
        except ConnectionError:
            pass
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Asked | None:
    with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        target = urlsplit(first.split(" ")[1])
        headers = dict(line.split(": ", 1) for line in lines)
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        lower = {name.lower(): value for name, value in headers.items()}
        return Asked(unquote(target.path), query, lower)
    return None


async def _send(writer: asyncio.StreamWriter, answer: Reply) -> bool:
    """Send it; False if nothing more can be sent on this connection."""
    if answer.hang:
        await asyncio.Event().wait()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(answer.body))}
    lines = [f"HTTP/1.1 {answer.status} Whatever"]
    lines += [f"{name}: {value}" for name, value in (headers | answer.headers).items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    body = answer.body if answer.cut is None else answer.body[: answer.cut]
    if answer.drip is None:
        writer.write(body)
    else:
        for byte in body:
            await asyncio.sleep(answer.drip)
            writer.write(bytes([byte]))
            await writer.drain()
    await writer.drain()
    return answer.cut is None


@asynccontextmanager
async def server() -> AsyncIterator[Server]:
    """Run the server on a port of its own until the block ends."""
    scripted = Server()
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        with suppress(asyncio.CancelledError):
            await scripted._serve(reader, writer)

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    scripted.url = f"http://127.0.0.1:{port}"
    try:
        yield scripted
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
