"""Recordings: parts from the host's browser; the list and the files for officials."""

from __future__ import annotations

import asyncio
from typing import Any

from tornado.web import HTTPError, stream_request_body

from citylib.conference.rooms.model import Recording
from citylib.conference.rooms.noted import note
from citylib.conference.rooms.recordings import LONGEST_PART, NotKept
from citylib.conference.service.handler import Handler
from citylib.conference.service.limits import Bucket

MIMES = ("video/webm", "audio/webm", "video/mp4", "audio/mp4")
RATE, AT_ONCE = 3_000_000.0, 60_000_000.0
"""Bytes a second of a recording, and at once after a pause."""
CHUNK = 256 * 1024


class Intake:
    """One recording while it comes: at a bounded rate, one part after the other."""

    def __init__(self) -> None:
        self.pace = Bucket(RATE, AT_ONCE)
        self.alone = asyncio.Lock()


@stream_request_body
class RecordingsHandler(Handler):
    """Recordings of a room."""

    _recording: Recording | None = None

    async def prepare(self) -> None:
        """Who may not record sends nothing."""
        await super().prepare()
        self._part = bytearray()
        if self.request.method == "POST":
            self._recording = await self._allowed(str(self.path_args[0]))
            connection: Any = self.request.connection
            connection.set_max_body_size(LONGEST_PART)

    async def _allowed(self, room: str) -> Recording:
        conference = self.conference
        ticket = self.request.headers.get("X-Ticket", "")
        person = await conference.keep(conference.people.by_ticket, ticket)
        if person is None or person.room != room or person.role != "host":
            raise HTTPError(403, reason="not for you")
        if person.state not in ("in", "left", "lost"):
            raise HTTPError(403, reason="not for you")
        recording = await conference.keep(conference.recordings.newest_of, person)
        if recording is None:
            raise HTTPError(404, reason="no recording was begun")
        return recording

    def data_received(self, chunk: bytes) -> None:
        """A piece of the part; its length is bounded by the connection."""
        self._part += chunk

    async def get(self, name: str) -> None:
        """Those that are kept."""
        room = await self.room(name)
        found = await self.conference.keep(self.conference.recordings.of, room.id)
        self.write({"recordings": [self._told(one) for one in found]})

    async def post(self, name: str) -> None:
        """Keep a part. `X-Part` counts from 0; the answer says which is waited for `next`. What is
        empty only asks."""
        recording = self._recording
        mime = self.request.headers.get("Content-Type", "").split(";")[0].strip()
        number = self.request.headers.get("X-Part", "")
        if recording is None or not (number.isdecimal() and number.isascii() and len(number) < 8):
            raise HTTPError(400, reason="X-Part must be a number")
        if not self._part:
            self.write({"next": recording.parts, "recording": recording.id})
            return
        if mime not in MIMES:
            raise HTTPError(415, reason="this is no recording")
        conference = self.conference
        intake = conference.intakes.setdefault(recording.id, Intake())
        if not intake.pace.take(len(self._part)):
            raise HTTPError(429, reason="too much at once")
        async with intake.alone:
            try:
                kept = await asyncio.to_thread(
                    conference.recordings.add, recording, int(number), bytes(self._part), mime
                )
            except NotKept as fault:
                self.set_status(507 if fault.full else 409)
                self.write({"error": str(fault), "next": fault.next})
                return
            except OSError:
                self.set_status(507)
                self.write({"error": "there is no room for more", "next": recording.parts})
                return
        self.write({"next": kept.parts, "recording": kept.id})

    def _told(self, one: Recording) -> dict[str, Any]:
        return {
            "id": one.id,
            "by": one.name,
            "began": one.began.isoformat(timespec="seconds"),
            "ended": one.ended.isoformat(timespec="seconds") if one.ended else None,
            "bytes": one.bytes,
            "type": one.mime,
            "days": self.conference.rules.recording_days,
            "file": f"{self.conference.prefix}rooms/{one.room}/recordings/{one.id}",
        }


class RecordingHandler(Handler):
    """One recording."""

    async def get(self, name: str, recording: str) -> None:
        """Send the file; the audit log says to whom."""
        room, account, conference = await self.room(name), self.official(), self.conference
        found = await conference.keep(conference.recordings.of, room.id)
        one = next((one for one in found if one.id == recording), None)
        path = conference.recordings.path(one) if one else None
        if one is None or path is None or not path.is_file():
            raise HTTPError(404, reason="no such recording")

        def write() -> None:
            with conference.store.write() as connection:
                note(connection, account, "took recording", room.id, recording=one.id)

        await conference.keep(write)
        if one.finished is None:
            await asyncio.to_thread(conference.recordings.finish)
        self.set_header("Content-Type", one.mime)
        size = path.stat().st_size
        self.set_header("Content-Length", str(size))
        self.set_header("Content-Disposition", f'attachment; filename="{path.name}"')
        left = size
        with path.open("rb") as file:
            while left and (piece := file.read(min(CHUNK, left))):
                left -= len(piece)
                self.write(piece)
                await self.flush()
