"""The rooms of an installation, and who is in them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from citylib.access.links import Links
from citylib.city.errors import CityError
from citylib.city.profile import City
from citylib.city.settings import Settings
from citylib.conference.media.carrier import Carrier
from citylib.conference.media.turn import Relay
from citylib.conference.rooms.chat import Chat
from citylib.conference.rooms.invitations import Invitations
from citylib.conference.rooms.model import Room
from citylib.conference.rooms.people import People
from citylib.conference.rooms.recordings import Recordings
from citylib.conference.rooms.rooms import Rooms
from citylib.conference.service.carrying import Carrying
from citylib.conference.service.guest import Guest
from citylib.conference.service.hosting import give
from citylib.conference.service.limits import Places
from citylib.conference.service.meeting import Meeting
from citylib.conference.service.recorder import Intake
from citylib.conference.service.socket import SocketHandler
from citylib.conference.settings import read_rules
from citylib.operations.store import Store

log = logging.getLogger(__name__)

PREFIX = "/services/conference/"
BEAT = 0.5
"""Seconds between two looks at all pages."""
SEEN_EVERY = 10.0
"""Seconds between two notes of who is there."""
TIDY_EVERY = 60.0
COME_BACK = timedelta(minutes=15)
"""So long a ticket holds after its page was last seen."""
HOST_MAY_BE_AWAY = 30.0
"""Seconds without a host, after a lost connection, before another takes over."""
EMPTY = timedelta(hours=12)
"""A room in which nobody was for so long, after its planned end, is over."""
NEW_ICE_EVERY = 4 * 3600.0
"""Seconds after which a page gets new credentials for the relay; they hold for longer."""

Result = TypeVar("Result")


class Conference:
    """The rooms of an installation, and who is in them.

    Parameters
    ----------
    settings : Settings
        The installation.
    city : City
        Its profile.
    store : Store
        Keeps rooms, invitations, participants, chat.
    carrier : Carrier
        Carries pictures and sound.
    relay : Relay, optional
        For browsers that are reached in no other way.
    prefix : str
        Path of the service.
    """

    def __init__(
        self,
        settings: Settings,
        city: City,
        store: Store,
        carrier: Carrier,
        relay: Relay | None = None,
        prefix: str = PREFIX,
    ) -> None:
        self.settings, self.city, self.store, self.prefix = settings, city, store, prefix
        self.rules = read_rules(city)
        self.relay = relay
        self.rooms = Rooms(store)
        self.invitations = Invitations(store, Links(settings.secrets, "invitation"))
        self.people = People(store)
        self.chat = Chat(store)
        self.recordings = Recordings(
            store,
            settings.var / "conference" / "recordings",
            self.rules.recording_gigabytes * 1e9,
        )
        self.carrying = Carrying(self, carrier)
        self.meetings: dict[str, Meeting] = {}
        self.places = Places()
        self.intakes: dict[str, Intake] = {}
        self.pages: set[SocketHandler] = set()
        # One after the other: what was asked first is kept first.
        self._keeper = ThreadPoolExecutor(1, "keeper")

    async def keep(self, work: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """Read or write what is kept, beside the loop; it is done when this returns."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._keeper, partial(work, *args, **kwargs))

    @asynccontextmanager
    async def changing(self, room: str) -> AsyncIterator[Meeting]:
        """A meeting that nobody else changes meanwhile; it is there while somebody is."""
        meeting = self.meetings.get(room)
        if meeting is None:
            kept = await self.keep(self._read, room)
            # Somebody else may have been quicker.
            meeting = self.meetings.setdefault(room, Meeting(self, *kept))
        meeting.used += 1
        try:
            async with meeting.changing:
                yield meeting
        finally:
            meeting.used -= 1
            self.drop_if_empty(meeting)

    def _read(self, room: str) -> tuple[Room, Any]:
        found = self.rooms.get(room)
        if found is None:
            raise CityError(f"room {room} is not kept any more")
        return found, self.recordings.running(room)

    def drop_if_empty(self, meeting: Meeting) -> None:
        """Forget a meeting that nobody is connected to; what is kept of it stays."""
        if meeting.empty and not meeting.used and self.meetings.get(meeting.room.id) is meeting:
            del self.meetings[meeting.room.id]
            self.carrying.close(meeting)

    async def end(self, actor: str, room: Room) -> None:
        """A room is over for all."""
        await self.keep(self.rooms.end, actor, room)
        if meeting := self.meetings.get(room.id):
            await self._close(meeting, actor)

    async def _close(self, meeting: Meeting, actor: str) -> None:
        if meeting.recording:
            await self.keep(self.recordings.end, actor, meeting.recording)
            meeting.recording = None
        meeting.room = replace(meeting.room, ended=datetime.now(UTC))
        for guest in [*meeting.inside.values(), *meeting.waiting.values()]:
            guest.page.send({"type": "ended"})
            guest.page.refuse("ended")
            meeting.go(guest, "ended")
        self.drop_if_empty(meeting)

    def ice(self, who: str, host: str) -> list[dict[str, Any]]:
        """Servers by which a page finds its way, with credentials of its own."""
        return self.relay.ice_servers(who, host) if self.relay else []

    def give_up(self, guest: Guest) -> None:
        """Somebody's page was gone before it had its ticket; the place is free again."""
        guest.arrived = True
        with suppress(RuntimeError):  # the service ends
            self._keeper.submit(self.people.give_up, guest.person)

    def _renew_ice(self) -> None:
        for meeting in self.meetings.values():
            for guest in meeting.inside.values():
                if time.monotonic() - guest.ice_given > NEW_ICE_EVERY:
                    told = {"type": "ice", "ice": self.carrying.ice(guest)}
                    guest.page.send(told)

    async def after_going(self, meeting: Meeting, guest: Guest) -> None:
        """A host may have gone for good: another takes over, and a recording ends."""
        recording = meeting.recording
        if recording and recording.who == guest.id:
            await self.keep(self.recordings.end, guest.person.actor, recording)
            meeting.recording = None
            meeting.tell({"type": "recording", "recording": None})
        if guest.person.role == "host" or meeting.hostless is not None:
            await self.take_over(meeting)

    async def take_over(self, meeting: Meeting) -> None:
        """Without a host, the speaker who has been in the room for longest becomes it."""
        if meeting.hosts():
            return
        speakers = [one for one in meeting.inside.values() if one.person.role == "speaker"]
        if speakers:
            eldest = min(speakers, key=lambda one: (one.person.joined, one.id))
            await give(meeting, "platform", eldest, "host")

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; what goes wrong in one of its works ends it, to begin anew."""
        own = (stop.wait(), self._beat(), self._see(), self._tidy())
        media = (self.carrying.run(stop), *([self.relay.run(stop)] if self.relay else []))
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(work) for work in (*own, *media)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for page in [*self.pages]:
                page.close(1001, "the service stops")
            stop.set()
            for task in tasks[: len(own)]:  # what carries media ends by itself
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._keeper.shutdown()

    async def _beat(self) -> None:
        even, then = False, time.monotonic()
        while True:
            await asyncio.sleep(BEAT)
            even, now = not even, time.monotonic()
            # Where this machine stood still, nobody can have been heard.
            stood, then = now - then - BEAT, now
            for page in [*self.pages]:
                page.beat(ask=even, excused=stood if stood > BEAT / 2 else 0)
            for meeting in [*self.meetings.values()]:
                await self._look_for_host(meeting)

    async def _look_for_host(self, meeting: Meeting) -> None:
        since = meeting.hostless
        if since is None or time.monotonic() - since < HOST_MAY_BE_AWAY or meeting.hosts():
            return
        async with self.changing(meeting.room.id) as meeting:
            recording = meeting.recording
            if recording and recording.who not in meeting.inside:
                await self.keep(self.recordings.end, "platform", recording)
                meeting.recording = None
                meeting.tell({"type": "recording", "recording": None})
            meeting.hostless = time.monotonic()
            if meeting.room.began:
                await self.take_over(meeting)

    async def _see(self) -> None:
        while True:
            await asyncio.sleep(SEEN_EVERY)
            there = [
                guest.id
                for meeting in self.meetings.values()
                for guest in (*meeting.inside.values(), *meeting.waiting.values())
                if not guest.lost
            ]
            if there:
                await self.keep(self.people.see, there)

    async def _tidy(self) -> None:
        while True:
            # Not at once: after a restart all come back first.
            await asyncio.sleep(TIDY_EVERY)
            self._renew_ice()
            await self.tidy()

    async def tidy(self) -> None:
        """Give up who did not come back, end what is empty, remove what is old."""
        now = datetime.now(UTC)
        for meeting in [*self.meetings.values()]:
            kept = await self.keep(self.rooms.get, meeting.room.id)
            if kept is None or kept.ended:  # by a command
                async with self.changing(meeting.room.id) as meeting:
                    await self._close(meeting, "platform")
        for person in await self.keep(self.people.overdue, now - COME_BACK):
            await self.keep(self.people.lose, person)
        for room in await self.keep(self.rooms.idle, now - EMPTY):
            if room.id not in self.meetings:
                await self.keep(self.rooms.end, "platform", room)
        await self.keep(self.rooms.forget, now - timedelta(days=self.rules.minutes_days))
        try:
            await asyncio.to_thread(self.recordings.finish)
            await self.keep(self.recordings.clean, self.rules.recording_days)
        except OSError as error:
            log.error("recordings cannot be finished or removed: %s", error)
        running = {one.recording.id for one in self.meetings.values() if one.recording}
        self.intakes = {
            name: one for name, one in self.intakes.items() if name in running or one.alone.locked()
        }
