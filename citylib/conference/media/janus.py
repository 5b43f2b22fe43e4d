"""Rooms that Janus carries: each page sends once, and receives what it is to have."""

from __future__ import annotations

import asyncio
import logging

from citylib.city.settings import Settings
from citylib.conference.media.carrier import Events, MediaMessage, Refused, Send
from citylib.conference.media.janus_client import JanusClient, JanusError
from citylib.conference.media.janus_process import JanusProcess
from citylib.conference.media.room import Room
from citylib.conference.protocol import Source
from citylib.conference.settings import Media

log = logging.getLogger(__name__)

MOST = 50


class Janus:
    """Carries rooms by Janus, which it starts, and starts again when it dies.

    Pages say nothing to Janus: what they say is checked here, and asked of Janus by the service.

    Parameters
    ----------
    settings : Settings
        The installation.
    media : Media
        What the city's rules say.

    Raises
    ------
    JanusMissing
        Janus is not installed.
    """

    name = "janus"
    most = MOST
    missing = ""

    def __init__(self, settings: Settings, media: Media) -> None:
        self._janus = JanusProcess(settings, media)
        self._media = media
        self._rooms: dict[str, Room] = {}
        self._client: JanusClient | None = None
        self._events: Events | None = None
        self._was_there = False

    @property
    def pid(self) -> int | None:
        """Janus's process, while it runs."""
        return self._janus.program.pid

    async def run(self, stop: asyncio.Event, events: Events) -> None:
        """Keep Janus running until told to stop."""
        self._events = events
        await self._janus.program.keep(stop, self._janus.prepare, self._serve)

    async def open(self, room: str) -> None:
        """Begin a room; nothing where it is open."""
        if room in self._rooms:
            return
        made = self._rooms[room] = Room(room, self._media, self._spoken)
        if self._client is not None:
            await self._begin(made, self._client)

    async def close(self, room: str) -> None:
        """End a room."""
        if gone := self._rooms.pop(room, None):
            await gone.end()

    async def enter(self, room: str, who: str, send: Send, may_publish: bool) -> None:
        """Somebody is in the room; gets a `subscribe` as soon as Janus has made it.

        Raises
        ------
        Refused
            There is no such room, or Janus does not do it.
        """
        try:
            await self._room(room).enter(who, send, may_publish)
        except JanusError as error:
            log.error("somebody cannot be brought into a room: %s", error)
            raise Refused("conference.refused_media") from None

    async def leave(self, room: str, who: str) -> None:
        """Somebody is in the room no more."""
        if known := self._rooms.get(room):
            await known.leave(who)

    async def message(self, room: str, who: str, message: MediaMessage) -> None:
        """Something from a participant's page.

        Raises
        ------
        Refused
            Not allowed, or not possible.
        """
        await self._room(room).message(who, message)

    async def allow(self, room: str, who: str, may_publish: bool) -> None:
        """Somebody may publish, or may not any more and is cut off."""
        if known := self._rooms.get(room):
            await known.allow(who, may_publish)

    async def hear(self, room: str, who: str, interpreter: str | None) -> None:
        """Somebody listens to this participant's `interpretation`, or to none."""
        if known := self._rooms.get(room):
            await known.hear(who, interpreter)

    async def silence(self, room: str, who: str, source: Source, silent: bool) -> None:
        """Hand on nothing of a source, or again."""
        if known := self._rooms.get(room):
            try:
                await known.silence(who, source, silent)
            except JanusError as error:
                log.error("a source could not be silenced: %s", error)

    def _room(self, room: str) -> Room:
        if (known := self._rooms.get(room)) is None:
            raise Refused("conference.refused_not_allowed")
        return known

    async def _serve(self) -> None:
        """From one start of Janus until its end."""
        client = JanusClient(self._janus)
        try:
            await client.open()
            self._client = client
            log.info("Janus is there")
            for room in [*self._rooms.values()]:
                await self._begin(room, client)
            # Who came before Janus was there has been refused.
            waited = not all(room.empty for room in self._rooms.values())
            if (self._was_there or waited) and self._events:
                self._events.back()
            self._was_there = True
            await client.lost.wait()
        finally:
            self._client = None
            client.close()
            for room in self._rooms.values():
                room.lose()
            if self._events and self._was_there:
                self._events.gone()

    async def _begin(self, room: Room, client: JanusClient) -> None:
        try:
            await room.begin(client, self._janus.rooms_key)
        except JanusError as error:
            log.error("a room cannot be made in Janus: %s", error)

    def _spoken(self, room: str, now: list[str], recent: list[str]) -> None:
        if self._events:
            self._events.speaking(room, now, recent)
