"""Cameras by HTTP: MJPEG and stills that change; HLS has a file of its own."""

from __future__ import annotations

import asyncio
import re

from citylib.cameras.gateway import hls
from citylib.cameras.gateway.faults import Fault
from citylib.cameras.gateway.fetch import LARGEST, Fetcher
from citylib.cameras.gateway.sink import Sink
from citylib.cameras.gateway.targets import Target, Targets

EVERY = 1.0
"""Seconds between two questions for a still."""
BEGIN = b"\xff\xd8"


async def pull(target: Target, targets: Targets, sink: Sink) -> None:
    """Give a camera's pictures to the sink, until they end.

    Raises
    ------
    Fault
        Why there are no more.
    """
    fetcher = Fetcher(targets)
    try:
        if target.source == "mjpeg":
            await _mjpeg(target, fetcher, sink)
        elif target.source == "still":
            await _stills(target, fetcher, sink)
        elif target.source == "hls":
            await hls.pull(target, fetcher, sink)
        else:
            raise Fault("unsupported", f"{target.source} does not go through the gateway")
    finally:
        await fetcher.close()


async def _stills(target: Target, fetcher: Fetcher, sink: Sink) -> None:
    known: dict[str, str] = {}
    while True:
        data, response, _ = await fetcher.bytes(target, known)
        if response.status_code != 304:
            sink.still(_jpeg(data))
            tag = response.headers.get("etag")
            known = {"If-None-Match": tag} if tag else {}
        await asyncio.sleep(EVERY)


async def _mjpeg(target: Target, fetcher: Fetcher, sink: Sink) -> None:
    async with fetcher.open(target) as (response, _):
        kind = response.headers.get("content-type", "")
        if kind.startswith("image/jpeg"):
            raise Fault("unsupported", "it is a still; write so under source")
        found = re.search(r'boundary="?([^";]+)', kind)
        if not found:
            raise Fault("unreadable", "it is no MJPEG")
        # Some write the boundary with its dashes, some without.
        mark = b"--" + found[1].strip().lstrip("-").encode("latin-1")
        buffer = bytearray()
        async for part in response.aiter_raw():
            buffer += part
            while (picture := _next(buffer, mark)) is not None:
                sink.still(_jpeg(picture))
            if len(buffer) > LARGEST:
                raise Fault("unreadable", "a picture without end")
    raise Fault("ended", "it sends no more")


def _next(buffer: bytearray, mark: bytes) -> bytes | None:
    """Take the first whole picture out of the buffer."""
    head = buffer.find(b"\r\n\r\n")
    if head < 0:
        return None
    said = re.search(rb"(?i)content-length:\s*(\d{1,9})", buffer[:head])
    if said:
        end = head + 4 + int(said[1])
        if len(buffer) < end:
            return None
    else:
        end = buffer.find(mark, head + 4)
        if end < 0:
            return None
    picture = bytes(buffer[head + 4 : end])
    del buffer[:end]
    return picture


def _jpeg(data: bytes) -> bytes:
    if not data.startswith(BEGIN):
        raise Fault("unreadable", "it is no JPEG")
    return data
