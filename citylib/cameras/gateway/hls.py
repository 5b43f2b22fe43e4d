"""Cameras by HLS (RFC 8216): segments taken apart, their pictures given on at their pace."""

from __future__ import annotations

import asyncio
import io
import re
import time
from typing import Any

import av

from citylib.cameras.gateway.faults import Fault
from citylib.cameras.gateway.fetch import Fetcher
from citylib.cameras.gateway.fmp4 import CLOCK
from citylib.cameras.gateway.sdp import Track
from citylib.cameras.gateway.sink import Picture, Sink
from citylib.cameras.gateway.targets import Target

MOST_BITS = 2_500_000
"""Bits a second of the variant that is chosen, at most, if there is one."""
SILENCE = 3.0
"""Seconds beyond three segments without a new one."""
AHEAD = 200
"""Pictures that wait for their time."""
Units = tuple[list[bytes], int]


async def pull(target: Target, fetcher: Fetcher, sink: Sink) -> None:
    """Give the pictures of a playlist's segments to the sink, until they end."""
    text, target = await _playlist(target, fetcher)
    if "#EXT-X-STREAM-INF" in text:
        text, target = await _playlist(target.at(_variant(text)), fetcher)
    pictures: asyncio.Queue[Units] = asyncio.Queue(AHEAD)
    giving: asyncio.Task[None] | None = None
    begin = b""
    done, last = -1, time.monotonic()
    try:
        while True:
            if found := re.search(r'#EXT-X-MAP:.*URI="([^"]+)"', text):
                begin = begin or (await fetcher.bytes(target.at(found[1])))[0]
            length, segments = _segments(text)
            # The newest only: what comes after follows.
            for number, place in segments[-1:] if done < 0 else segments:
                if number <= done:
                    continue
                data, *_ = await fetcher.bytes(target.at(place))
                track, units = await asyncio.to_thread(_apart, begin + data)
                if giving is None:
                    giving = asyncio.create_task(_give(pictures, sink.begin(track)))
                for one in units:
                    await pictures.put(one)
                done, last = number, time.monotonic()
            if "#EXT-X-ENDLIST" in text:
                await pictures.join()
                raise Fault("ended", "the playlist has an end")
            if time.monotonic() - last > 3 * length + SILENCE:
                raise Fault("silent", "the playlist brings no new segment")
            await asyncio.sleep(min(length / 2, 2.0))
            text, target = await _playlist(target, fetcher)
    finally:
        if giving:
            giving.cancel()


async def _playlist(target: Target, fetcher: Fetcher) -> tuple[str, Target]:
    data, _, there = await fetcher.bytes(target)
    text = data.decode("utf-8", "replace")
    if not text.startswith("#EXTM3U"):
        raise Fault("unreadable", "it is no playlist")
    if re.search(r"#EXT-X-KEY:(?!.*METHOD=NONE)", text):
        raise Fault("unsupported", "its segments are encrypted")
    if "#EXT-X-BYTERANGE" in text:
        raise Fault("unsupported", "its segments are parts of files")
    return text, there


def _variant(text: str) -> str:
    """The best variant that is not too large, or the smallest."""
    found = re.findall(r"#EXT-X-STREAM-INF:.*?BANDWIDTH=(\d+)[^\n]*\n\s*([^#\s]+)", text)
    if not found:
        raise Fault("unreadable", "its playlist names no variant")
    fits = [one for one in found if int(one[0]) <= MOST_BITS]
    best = max(fits, key=lambda one: int(one[0])) if fits else min(found, key=lambda o: int(o[0]))
    return str(best[1])


def _segments(text: str) -> tuple[float, list[tuple[int, str]]]:
    """Usual seconds of a segment; number and place of each."""
    first = re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d{1,15})", text)
    length = re.search(r"#EXT-X-TARGETDURATION:(\d{1,4})", text)
    places = [line.strip() for line in text.splitlines() if line.strip()[:1] not in ("", "#")]
    number = int(first[1]) if first else 0
    return float(length[1]) if length else 6.0, list(enumerate(places, number))


def _apart(data: bytes) -> tuple[Track, list[Units]]:
    """NAL units of a segment's pictures, each with its time."""
    try:
        with av.open(io.BytesIO(data), "r") as container:
            videos: Any = container.streams.video
            if not videos:
                raise Fault("unreadable", "a segment without video")
            video = videos[0]
            codec = {"h264": "h264", "hevc": "h265"}.get(video.codec_context.name)
            if codec is None:
                raise Fault("unsupported", f"video of the kind {video.codec_context.name}")
            begin = bytes(video.codec_context.extradata or b"")
            counted = begin[:1] == b"\1"
            units = []
            for packet in container.demux(video):
                if packet.size and packet.pts is not None:
                    shown = int(packet.pts * packet.time_base * CLOCK)
                    raw = bytes(packet)
                    units.append((_counted(raw) if counted else _marked(raw), shown))
            sets = _sets_of(begin) if counted and codec == "h264" else ()
            return Track(codec, 0, "", sets), units
    except av.FFmpegError:
        raise Fault("unreadable", "a segment that is no video") from None


def _marked(data: bytes) -> list[bytes]:
    """NAL units after start codes."""
    parts = re.split(rb"\x00\x00\x00?\x01", data)
    return [unit for unit in parts if unit]


def _counted(data: bytes) -> list[bytes]:
    """NAL units after their lengths."""
    units, place = [], 0
    while place + 4 < len(data):
        size = int.from_bytes(data[place : place + 4])
        units.append(data[place + 4 : place + 4 + size])
        place += 4 + size
    return [unit for unit in units if unit]


def _sets_of(avcc: bytes) -> tuple[bytes, ...]:
    sets, place = [], 5
    for _ in range(2):
        count = avcc[place] & 31 if place < len(avcc) else 0
        place += 1
        for _ in range(count):
            size = int.from_bytes(avcc[place : place + 2])
            sets.append(avcc[place + 2 : place + 2 + size])
            place += 2 + size
    return tuple(unit for unit in sets if unit)


async def _give(pictures: asyncio.Queue[Units], take: Picture) -> None:
    """Give each picture on when its time has come."""
    began: float | None = None
    first = 0
    while True:
        units, shown = await pictures.get()
        now = time.monotonic()
        due = began + (shown - first) / CLOCK if began is not None else now
        # A jump of the times, or pictures that came late: begin anew.
        if began is None or not -1.0 < due - now < 20.0:
            began, first, due = now, shown, now
        if due > now:
            await asyncio.sleep(due - now)
        take(units, shown & 0xFFFFFFFF, True)
        pictures.task_done()
