"""One camera while somebody watches: pulled once, given to all who watch."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from traceback import walk_tb
from typing import Any

from citylib.cameras.gateway import fmp4, http, rtsp
from citylib.cameras.gateway.faults import Fault
from citylib.cameras.gateway.h264 import Format, format_of
from citylib.cameras.gateway.sdp import Track
from citylib.cameras.gateway.sink import Picture
from citylib.cameras.gateway.targets import Target, Targets
from citylib.cameras.gateway.transcode import Transcoders
from citylib.cameras.gateway.viewer import Viewer
from citylib.cameras.registry.model import Camera

log = logging.getLogger(__name__)

LINGER = 4.0
"""Seconds for which a camera is pulled on after its last viewer has left: most come back soon."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 3.5
"""Seconds before a camera is tried again; they double, and each is changed a little by chance."""
STEADY = 2.0
"""Seconds of pictures after which a camera counts as well again."""
WAITING = 1.0
"""Seconds without a key frame after which viewers are told what they wait for."""
LARGEST_CACHE = 12 * 2**20
"""Bytes of the newest group of pictures that are kept; a longer one is not."""
JPEG = "image/jpeg"


@dataclass(frozen=True)
class State:
    """How a camera is doing: "idle", "connecting", "waiting" (for a key frame), "live", or "fault"
    with its reason."""

    state: str
    reason: str | None = None

    def message(self) -> dict[str, Any]:
        """As viewers are told."""
        return {"type": "state", "state": self.state, "reason": self.reason}


class Channel:
    """A camera and its viewers.

    Parameters
    ----------
    camera : Camera
        Which.
    targets : Targets
        Finds its address.
    transcoders : Transcoders
        Convert what browsers cannot show.
    ended : callable
        Called when it is not pulled any more.
    """

    def __init__(
        self,
        camera: Camera,
        targets: Targets,
        transcoders: Transcoders,
        ended: Callable[[Channel], None],
    ) -> None:
        self.camera = camera
        self.viewers: set[Viewer] = set()
        self.state = State("idle")
        self.key_picture: tuple[Format | None, bytes, float] | None = None
        self._targets, self._transcoders, self._ended = targets, transcoders, ended
        self._task: asyncio.Task[None] | None = None
        self._leaving: asyncio.TimerHandle | None = None
        self._stream: dict[str, Any] | None = None
        self._pictures: list[bytes] = []
        self._cached = 0
        self._number = 0
        self._first: bytes | None = None
        self._live_since = 0.0

    @property
    def newest(self) -> bytes:
        """What the newest picture can be made from: MP4 from a key frame on, or a JPEG; nothing
        while there is none."""
        if self._stream and self._stream["mime"] == JPEG:
            return self._pictures[-1] if self._pictures else b""
        return b"".join(self._pictures) if len(self._pictures) > 1 else b""

    def attach(self, viewer: Viewer) -> None:
        """One more watches; the first begins the pull."""
        if self._leaving:
            self._leaving.cancel()
            self._leaving = None
        self.viewers.add(viewer)
        if self._task is None:
            self._note(State("connecting"))
            self._task = asyncio.create_task(self._run())
        else:
            viewer.tell(self.state.message())
        if self._stream:
            viewer.begin(self._stream, self._pictures, self._stream["mime"] == JPEG)

    def detach(self, viewer: Viewer, linger: bool = True) -> None:
        """One less watches; after the last the pull ends soon, or at once."""
        self.viewers.discard(viewer)
        if not self.viewers and self._task:
            if self._leaving:
                self._leaving.cancel()
            loop = asyncio.get_running_loop()
            self._leaving = loop.call_later(LINGER if linger else 0, self._stop)

    async def close(self) -> None:
        """End the pull now."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _stop(self) -> None:
        self._leaving = None
        if self._task and not self.viewers:
            self._task.cancel()

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        try:
            while True:
                self._live_since = 0.0
                fault = await self._pull()
                steady = self._live_since and time.monotonic() - self._live_since > STEADY
                pause = FIRST_PAUSE if steady else pause
                self._end_stream()
                if self.state != State("fault", fault.reason):
                    log.info("camera %s: %s", self.camera.id, fault)
                self._note(State("fault", fault.reason))
                await asyncio.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311
                pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            self._end_stream()
            self.state, self._task = State("idle"), None
            self._ended(self)

    async def _pull(self) -> Fault:
        try:
            target = self._targets.of(self.camera)
            connection = _Connection(self, target)
            try:
                if target.source == "rtsp":
                    await rtsp.pull(target, self._targets, connection)
                else:
                    await http.pull(target, self._targets, connection)
            finally:
                connection.close()
        except Fault as fault:
            return fault
        except (OSError, EOFError) as error:
            return Fault("ended", type(error).__name__)
        except Exception as error:  # whatever a camera sends, it must not end the channel
            # What it says may have an address in it; where it was has none.
            *_, (frame, line) = walk_tb(error.__traceback__)
            place = f"{frame.f_code.co_name}, line {line}"
            return Fault("failed", f"{type(error).__name__} in {place}")
        return Fault("ended", "it sends no more")

    def _note(self, state: State) -> None:
        if state != self.state:
            self.state = state
            for viewer in [*self.viewers]:
                viewer.tell(state.message())

    def waits(self) -> None:
        """It is connected, and its pictures cannot be begun with."""
        if self.state.state != "live":
            self._note(State("waiting"))

    def begin_stream(self, stream: dict[str, Any], first: bytes | None) -> None:
        """A stream begins, with a beginning of its own; viewers begin anew."""
        self._stream = {"type": "stream", **stream}
        self._pictures, self._cached = [first] if first else [], 0
        for viewer in [*self.viewers]:
            viewer.begin(self._stream, self._pictures, stream["mime"] == JPEG)
        self._first = first

    def picture(self, data: bytes, key: bool) -> None:
        """A picture of the stream that has begun."""
        if key:
            self._pictures = [self._first] if self._first else []
            self._cached = 0
            if not self._live_since:
                self._live_since = time.monotonic()
            self._note(State("live"))
        self._cached += len(data)
        if self._cached <= LARGEST_CACHE:
            self._pictures.append(data)
        else:
            self._pictures = []
        for viewer in [*self.viewers]:
            viewer.push(data, key)

    def next_number(self) -> int:
        """Number of the next fragment."""
        self._number += 1
        return self._number

    def transcoder(self, track: Track, picture: Picture) -> Any:
        """Something that converts such video, if there is a place."""
        return self._transcoders.take(track, picture)

    def _end_stream(self) -> None:
        self._stream, self._pictures = None, []


class _Connection:
    """One connection of a channel to its camera: pictures as they come, into a stream."""

    def __init__(self, channel: Channel, target: Target) -> None:
        self._channel = channel
        self._form: Format | None = None
        self._sps = self._pps = b""
        self._clock = fmp4.Clock()
        self._needs_key = True
        self._began = time.monotonic()
        self._transcoder: Any = None
        self._has_stills = False

    def begin(self, track: Track) -> Picture:
        self._began = time.monotonic()
        if track.codec == "h265":
            self._transcoder = self._channel.transcoder(track, self._h264)
            take: Picture = self._transcoder.take
            return take
        for unit in track.sets:
            self._note_set(unit)
        return self._h264

    def close(self) -> None:
        if self._transcoder:
            self._transcoder.close()

    def still(self, jpeg: bytes) -> None:
        if not self._has_stills:
            self._has_stills = True
            self._channel.begin_stream({"mime": JPEG}, None)
        self._channel.key_picture = None, jpeg, time.time()
        self._channel.picture(jpeg, True)

    def _note_set(self, unit: bytes) -> None:
        if unit[0] & 31 == 7:
            self._sps = unit
        elif unit[0] & 31 == 8:
            self._pps = unit

    def _h264(self, units: list[bytes], shown: int, whole: bool) -> None:
        parts = []
        key = False
        for unit in units:
            kind = unit[0] & 31
            if 0 < kind < 6:
                key = key or kind == 5
                parts += [len(unit).to_bytes(4), unit]
            elif kind in (7, 8):
                self._note_set(unit)
        if not parts:
            return
        if not whole:
            self._needs_key = True
        if self._needs_key:
            if not key or not self._sps or not self._pps:
                if time.monotonic() - self._began > WAITING:
                    self._channel.waits()
                return
            self._needs_key = False
        if key and not self._begins():
            self._needs_key = True
            return
        data = b"".join(parts)
        decoded, length, shift = self._clock.next(shown)
        if key:
            self._channel.key_picture = self._form, data, time.time()
        number = self._channel.next_number()
        self._channel.picture(fmp4.fragment(number, decoded, length, key, shift, data), key)

    def _begins(self) -> bool:
        """Whether a stream can begin with the parameter sets that are there."""
        form = self._form
        if form and (form.sps, form.pps) == (self._sps, self._pps):
            return True
        try:
            form = self._form = format_of(self._sps, self._pps)
        except ValueError:
            return False
        told = {"mime": form.mime, "width": form.width, "height": form.height}
        self._channel.begin_stream(told, fmp4.beginning(form))
        return True
