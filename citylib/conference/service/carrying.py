"""Between rooms and what carries their media: nothing that fails there ends a meeting."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from citylib.conference.media.carrier import Carrier, MediaMessage, Refused
from citylib.conference.protocol import Publish
from citylib.conference.rooms.model import NotIn
from citylib.conference.service.guest import Guest

if TYPE_CHECKING:
    from citylib.conference.service.meeting import Meeting
    from citylib.conference.service.service import Conference

log = logging.getLogger(__name__)

PICTURES = {"camera", "screen", "city-camera"}


class Carrying:
    """The carrier of all rooms, as meetings use it; also what the carrier tells its events to."""

    def __init__(self, conference: Conference, carrier: Carrier) -> None:
        self._conference, self._carrier = conference, carrier
        self.name, self.most = carrier.name, carrier.most
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving: dict[str, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop."""
        await self._carrier.run(stop, self)

    @property
    def missing(self) -> str:
        """What is not on this machine, and would make rooms larger."""
        return str(getattr(self._carrier, "missing", ""))

    def ice(self, guest: Guest) -> list[dict[str, Any]]:
        """Servers by which a page finds its way."""
        guest.ice_given = time.monotonic()
        return self._conference.ice(guest.id, guest.page.host)

    async def enter(self, meeting: Meeting, guest: Guest) -> None:
        """Somebody is in."""
        room = meeting.room.id
        if leaving := self._leaving.get(guest.id):
            await asyncio.wait({leaving})  # who comes back at once is not to be put out late
        try:
            await self._carrier.open(room)
            await self._carrier.enter(room, guest.id, guest.page.send, guest.may_publish)
        except Refused as refused:
            guest.page.send({"type": "media", "state": "gone"})
            log.warning("room %s: %s is not carried: %s", room, guest.id, refused)

    def leave(self, meeting: Meeting, guest: Guest) -> None:
        """Somebody is in no more."""
        task = self._later(self._carrier.leave(meeting.room.id, guest.id))
        self._leaving[guest.id] = task
        task.add_done_callback(lambda _: self._leaving.pop(guest.id, None))

    def close(self, meeting: Meeting) -> None:
        """Nobody is in any more."""
        self._later(self._carrier.close(meeting.room.id))

    async def hear(self, meeting: Meeting, guest: Guest) -> None:
        """Somebody listens to a channel: to the interpreter who speaks it now, if one does."""
        found = (
            one.id
            for one in meeting.inside.values()
            if one.person.role == "interpreter" and one.person.language == guest.channel
        )
        interpreter = next(found, None) if guest.channel else None
        if interpreter != guest.heard:
            guest.heard = interpreter
            await self._carrier.hear(meeting.room.id, guest.id, interpreter)

    def hear_again(self, meeting: Meeting) -> None:
        """Interpreters came, went, or speak another language."""
        for guest in [*meeting.inside.values()]:
            if guest.channel:
                self._later(self.hear(meeting, guest))

    def silence(self, meeting: Meeting, guest: Guest, silent: bool) -> None:
        """Hand on nothing of a microphone, or again."""
        self._later(self._carrier.silence(meeting.room.id, guest.id, "microphone", silent))

    async def allow(self, meeting: Meeting, guest: Guest) -> None:
        """Somebody's role changed."""
        await self._carrier.allow(meeting.room.id, guest.id, guest.may_publish)
        if not guest.may_publish:
            guest.sources = []

    async def message(self, meeting: Meeting, guest: Guest, message: MediaMessage) -> None:
        """Hand on what a page says to the carrier.

        Raises
        ------
        NotIn
            It is not allowed, or cannot be done.
        """
        if isinstance(message, Publish):
            self._check(meeting, guest, message)
        try:
            await self._carrier.message(meeting.room.id, guest.id, message)
        except Refused as refused:
            raise NotIn(str(refused).removeprefix("conference.refused_")) from None
        if isinstance(message, Publish):
            guest.sources = [track.source for track in message.tracks]
            meeting.show(guest)

    def _check(self, meeting: Meeting, guest: Guest, message: Publish) -> None:
        sources = [track.source for track in message.tracks]
        if not guest.may_publish or len({*sources}) < len(sources):
            raise NotIn("not_allowed")
        if "interpretation" in sources and guest.person.role != "interpreter":
            raise NotIn("not_allowed")
        if meeting.room.voice_only and PICTURES & {*sources}:
            raise NotIn("voice_only")

    # What the carrier tells. ------------------------------------------------------------------

    def speaking(self, room: str, now: list[str], recent: list[str]) -> None:
        """Who speaks, and who spoke, the latest first."""
        if meeting := self._conference.meetings.get(room):
            meeting.speaking(now, recent)

    def gone(self) -> None:
        """Pages keep what they have, and wait."""
        for meeting in self._conference.meetings.values():
            meeting.tell({"type": "media", "state": "gone"})

    def back(self) -> None:
        """Rooms are opened anew, pages publish anew."""
        for meeting in [*self._conference.meetings.values()]:
            self._later(self._again(meeting))

    async def _again(self, meeting: Meeting) -> None:
        async with meeting.changing:
            for guest in [*meeting.inside.values()]:
                guest.sources, guest.heard = [], None
                guest.page.send({"type": "media", "state": "back"})
                await self.enter(meeting, guest)
            self.hear_again(meeting)

    def _later(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Refused as refused:
            log.warning("the carrier refused: %s", refused)
        except Exception:
            log.exception("the carrier failed")
