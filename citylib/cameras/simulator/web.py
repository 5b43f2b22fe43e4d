"""What simulated cameras give by HTTP: HLS, MJPEG, stills."""

from __future__ import annotations

import asyncio
import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

import av

from citylib.cameras.simulator.mount import Mount
from citylib.cameras.simulator.picture import Scene, jpeg_of

SEGMENTS = 4
"""Segments of a second each in a playlist."""
MJPEG_RATE = 5


async def answer(
    mount: Mount, kind: str, rest: str, writer: asyncio.StreamWriter, pool: ThreadPoolExecutor
) -> None:
    """Answer one request and close."""
    loop = asyncio.get_running_loop()
    part = rest.partition("/")[2]
    if kind == "mjpeg":
        await _stream(mount, writer)
    elif kind == "still":
        picture = jpeg_of(mount.scene().at(mount.now(), int(time.time() * 10)))
        await _send(writer, "image/jpeg", _perhaps_garbage(mount, picture))
    elif kind == "hls" and part.endswith(".ts") and part[:-3].isdigit():
        made = await loop.run_in_executor(pool, _segment, *_key(mount), int(part[:-3]))
        await _send(writer, "video/mp2t", _perhaps_garbage(mount, made))
    elif kind == "hls":
        await _send(writer, "application/vnd.apple.mpegurl", _playlist(rest).encode())
    else:
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()


def _perhaps_garbage(mount: Mount, data: bytes) -> bytes:
    return os.urandom(len(data)) if mount.does == "garbage" else data


async def _send(writer: asyncio.StreamWriter, kind: str, body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def _stream(mount: Mount, writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
    )
    mount.opened += 1
    mount.open += 1
    try:
        scene, number = mount.scene(), 0
        while True:
            if mount.does != "silent":
                picture = _perhaps_garbage(mount, jpeg_of(scene.at(mount.now(), number * 5)))
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}"
                writer.write(head.encode() + b"\r\n\r\n" + picture + b"\r\n")
            await writer.drain()
            number += 1
            await asyncio.sleep(1 / MJPEG_RATE)
    finally:
        mount.open -= 1


def _playlist(rest: str) -> str:
    last = int(time.time())
    name = rest.partition("/")[0]
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1"]
    lines.append(f"#EXT-X-MEDIA-SEQUENCE:{last - SEGMENTS}")
    for number in range(last - SEGMENTS, last):
        lines += ["#EXTINF:1.0,", f"{name}/{number}.ts"]
    return "\n".join(lines) + "\n"


def _key(mount: Mount) -> tuple[tuple[str, ...], str, str, tuple[int, int], int]:
    return tuple(mount.names), mount.place, mount.zone, mount.size, mount.rate


@lru_cache(maxsize=64)
def _segment(
    names: tuple[str, ...], place: str, zone: str, size: tuple[int, int], rate: int, second: int
) -> bytes:
    """A second of video in MPEG-TS, the same whoever asks."""
    scene = Scene([*names], place, *size, seed=sum(map(ord, names[0])))
    out = io.BytesIO()
    with av.open(out, "w", format="mpegts") as container:
        options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        stream.codec_context.gop_size = rate
        stream.codec_context.thread_count = 1
        for number in range(rate):
            moment = datetime.fromtimestamp(second + number / rate, ZoneInfo(zone))
            picture = scene.at(moment, second % 1000 * rate + number)
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts = (second % 40_000 * rate + number) * 90_000 // rate
            frame.time_base = Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()
