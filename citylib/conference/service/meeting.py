"""A room while pages are connected to it: who is there, and what is told to whom."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from citylib.conference.protocol import Material, Say, State
from citylib.conference.rooms.model import Line, NotIn, Person, Recording, Room
from citylib.conference.rooms.names import legible
from citylib.conference.service.guest import Guest

if TYPE_CHECKING:
    from citylib.conference.service.service import Conference

log = logging.getLogger(__name__)

MOST_WAITING = 200
"""Who waits at one door."""
RECENT = 9
"""Speakers that are remembered, the newest first."""


class Meeting:
    """A room with pages. Whatever changes who is in it is done while `changing` is held.

    Attributes
    ----------
    inside, waiting : dict of str to Guest
        Whose pages are connected, by participant.
    hostless : float or None
        Since when no host is there, on the monotonic clock.
    used : int
        How many are just coming in, or changing something.
    """

    def __init__(self, conference: Conference, room: Room, recording: Recording | None) -> None:
        self.conference, self.room = conference, room
        self.recording = recording
        self.inside: dict[str, Guest] = {}
        self.waiting: dict[str, Guest] = {}
        self.material: dict[str, Any] | None = None
        self.hostless: float | None = time.monotonic()
        self.changing = asyncio.Lock()
        self.used = 0
        self._speakers: dict[str, list[str]] = {"now": [], "recent": []}

    @property
    def empty(self) -> bool:
        """Whether nobody is connected."""
        return not (self.inside or self.waiting)

    def hosts(self) -> list[Guest]:
        """The hosts that are there."""
        return [one for one in self.inside.values() if one.person.role == "host"]

    def tell(self, message: dict[str, Any], to: Iterable[Guest] | None = None) -> None:
        """Say something to all inside, or to some."""
        text = json.dumps(message, ensure_ascii=False)
        for guest in [*(self.inside.values() if to is None else to)]:
            guest.page.tell(text)

    def show(self, guest: Guest) -> None:
        """Tell all how somebody is now."""
        self.tell({"type": "participant", "participant": guest.shown()})

    def described(self) -> dict[str, Any]:
        """The room as pages see it."""
        return described(self.room)

    # Coming and going. ------------------------------------------------------------------------

    def wait(self, guest: Guest) -> None:
        """Somebody waits at the door.

        Raises
        ------
        NotIn
            Too many do.
        """
        if len(self.waiting) >= MOST_WAITING:
            raise NotIn("full")
        self._replace(self.waiting.get(guest.id), guest)
        self.waiting[guest.id] = guest
        guest.page.send({"type": "waiting", "ticket": guest.ticket})
        self.tell({"type": "waits", "who": guest.id, "name": guest.person.name}, self.hosts())

    async def come_in(self, guest: Guest) -> None:
        """Somebody is in, for the first time or again.

        Raises
        ------
        NotIn
            The room is full.
        """
        conference = self.conference
        if guest.id not in self.inside and self.is_full():
            raise NotIn("full")
        lines = await conference.keep(conference.chat.of, self.room.id, guest.id)
        if self.room.began is None:
            self.room = await conference.keep(conference.rooms.begin, self.room)
        self.waiting.pop(guest.id, None)
        if guest.page.gone:  # meanwhile; comes back by the ticket
            return
        self._replace(self.inside.get(guest.id), guest)
        others = [one for one in self.inside.values() if one.id != guest.id]
        self.inside[guest.id] = guest
        if guest.person.role == "host":
            self.hostless = None
        guest.page.send(self._entered(guest, lines))
        self.tell({"type": "participant", "participant": guest.shown()}, others)
        if guest.person.role == "host":
            for one in self.waiting.values():
                guest.page.send({"type": "waits", "who": one.id, "name": one.person.name})
        await conference.carrying.enter(self, guest)
        if guest.person.language:
            conference.carrying.hear_again(self)

    def is_full(self) -> bool:
        """Whether nobody more can be carried."""
        return len(self.inside) >= self.conference.carrying.most

    def go(self, guest: Guest, why: str) -> bool:
        """Somebody's page is not connected any more; why: left, lost, removed. Gives whether they
        had not gone before, or come by another page."""
        if self.waiting.get(guest.id) is guest:
            del self.waiting[guest.id]
            self.tell({"type": "waits_no_more", "who": guest.id}, self.hosts())
            return True
        if self.inside.get(guest.id) is guest:
            del self.inside[guest.id]
            self._forget(guest)
            self.tell({"type": "left", "who": guest.id, "why": why})
            self.conference.carrying.leave(self, guest)
            if guest.person.language:
                self.conference.carrying.hear_again(self)
            if not self.hosts() and self.hostless is None:
                self.hostless = time.monotonic()
            return True
        return False

    def _replace(self, before: Guest | None, guest: Guest) -> None:
        """The same participant came by another page: the one before is told and closed."""
        if before is not None and before.page is not guest.page:
            before.page.refuse("elsewhere")

    def _forget(self, guest: Guest) -> None:
        if any(guest.id in who for who in self._speakers.values()):
            now, recent = ([who for who in of if who != guest.id] for of in self._speakers.values())
            self.speaking(now, recent)
        if self.material and self.material["who"] == guest.id:
            self.material = None
            self.tell({"type": "material", "material": None})

    def _entered(self, guest: Guest, lines: list[Line]) -> dict[str, Any]:
        carrying = self.conference.carrying
        return {
            "type": "entered",
            "ticket": guest.ticket,
            "you": guest.id,
            "role": guest.person.role,
            "room": self.described(),
            "carrier": carrying.name,
            "ice": carrying.ice(guest),
            "participants": [one.shown() for one in self.inside.values()],
            "chat": [said(line) for line in lines],
            "speaking": self._speakers,
            "recording": self.recorded(),
            "material": self.material,
            "channels": self.channels(),
            "waiting_room": self.room.waiting_room,
        }

    def recorded(self) -> dict[str, Any] | None:
        """Who records, if somebody does."""
        if self.recording is None:
            return None
        found = self.recording
        return {"by": found.who, "name": found.name, "id": found.id}

    def channels(self) -> list[str]:
        """Languages that interpreters who are there speak."""
        found = (one.person.language for one in self.inside.values())
        return sorted({language for language in found if language})

    # What participants say of themselves. -----------------------------------------------------

    def state(self, guest: Guest, message: State) -> None:
        """How somebody is, as their page says."""
        told = message.model_dump(exclude={"type"}, exclude_none=True)
        if told.get("microphone") and not guest.may_publish:
            told["microphone"] = False
        if told.get("camera") and (not guest.may_publish or self.room.voice_only):
            told["camera"] = False
        before = guest.shown()
        for name, value in told.items():
            setattr(guest, name, value)
        if told.get("microphone") and guest.silenced:
            guest.silenced = False
            self.conference.carrying.silence(self, guest, False)
        if guest.shown() != before:
            self.show(guest)

    async def say(self, guest: Guest, message: Say) -> None:
        """Somebody writes; it is kept before it is told.

        Raises
        ------
        NotIn
            Nobody of that id is there.
        """
        text = legible(message.text).strip()
        if not text:
            raise NotIn("malformed")
        to = self.inside.get(message.to) if message.to else None
        if message.to and to is None:
            raise NotIn("nobody")
        conference = self.conference
        line = await conference.keep(conference.chat.say, guest.person, text, message.to)
        told = {"type": "said", **said(line)}
        self.tell(told, None if to is None else {to, guest})

    def show_material(self, guest: Guest, message: Material) -> None:
        """Somebody shows a picture, or no more; what was shown before makes room."""
        if message.picture is None:
            if self.material is None or (
                self.material["who"] != guest.id and guest.person.role != "host"
            ):
                return
            self.material = None
        else:
            told = {"who": guest.id, "title": legible(message.title), "picture": message.picture}
            self.material = told
        self.tell({"type": "material", "material": self.material})

    # What the carrier says. -------------------------------------------------------------------

    def speaking(self, now: list[str], recent: list[str]) -> None:
        """Who speaks, and who spoke, the latest first."""
        self._speakers = {"now": now, "recent": recent[:RECENT]}
        self.tell({"type": "speaking", **self._speakers})

    def put(self, guest: Guest, person: Person) -> None:
        """What is kept of somebody is this now."""
        guest.person = person

    def change(self, **values: Any) -> None:
        """The room has other values; they are kept already."""
        self.room = replace(self.room, **values)
        self.tell({"type": "room", "room": self.described(), "locked": self.room.locked})


def described(room: Room) -> dict[str, Any]:
    """A room as pages see it."""
    return {
        "id": room.id,
        "title": room.title,
        "begins": room.begins and room.begins.isoformat(),
        "ends": room.ends and room.ends.isoformat(),
        "agenda": room.agenda,
        "voice_only": room.voice_only,
        "locked": room.locked,
    }


def said(line: Line) -> dict[str, Any]:
    """A line of chat as pages see it."""
    return {
        "who": line.who,
        "name": line.name,
        "text": line.text,
        "time": line.time.isoformat(),
        "to": line.to,
    }
