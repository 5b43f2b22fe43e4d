"""Rooms without Janus: each page sends to each other, and the service hands on what they say."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from citylib.conference.media.carrier import Events, MediaMessage, Refused, Send
from citylib.conference.media.sdp import (
    MalformedDescription,
    is_candidate,
    read_sections,
)
from citylib.conference.protocol import Signal, Source

log = logging.getLogger(__name__)

MOST = 6
"""Each sends its picture to five others; more is too much for a laptop and its line."""
_KINDS = {"offer", "answer", "pranswer", "rollback"}
_BESIDES = {"tracks": 2000, "from": 64, "to": 64}
"""What pages tell each other with a description, and its longest."""


@dataclass
class _Person:
    send: Send
    may_publish: bool


class Mesh:
    """Carries nothing itself: hands a `signal` to the one in the same room that it is for.

    Parameters
    ----------
    missing : str
        Why there is nothing better, in English, for the operator.

    Examples
    --------
    >>> Mesh().name
    'mesh'
    """

    name = "mesh"
    most = MOST

    def __init__(self, missing: str = "") -> None:
        self.missing = missing
        self._rooms: dict[str, dict[str, _Person]] = {}

    async def run(self, stop: asyncio.Event, events: Events) -> None:
        """Nothing runs here; who speaks each page hears for itself."""
        await stop.wait()

    async def open(self, room: str) -> None:
        """Begin a room; nothing where it is open."""
        self._rooms.setdefault(room, {})

    async def close(self, room: str) -> None:
        """End a room."""
        self._rooms.pop(room, None)

    async def enter(self, room: str, who: str, send: Send, may_publish: bool) -> None:
        """Somebody is in the room; pages begin with each other once they know of each other.

        Raises
        ------
        Refused
            Six are there already.
        """
        people = self._rooms.setdefault(room, {})
        if who not in people and len(people) >= MOST:
            raise Refused("conference.refused_full")
        people[who] = _Person(send, may_publish)

    async def leave(self, room: str, who: str) -> None:
        """Somebody is in the room no more."""
        self._rooms.get(room, {}).pop(who, None)

    async def message(self, room: str, who: str, message: MediaMessage) -> None:
        """Hand on a signal; what only Janus understands is not for this carrier.

        Raises
        ------
        Refused
            It is malformed, for nobody in this room, or sends what its author may not.
        """
        people = self._rooms.get(room, {})
        if who not in people:
            raise Refused("conference.refused_not_allowed")
        if not isinstance(message, Signal):
            return
        other = people.get(message.to)
        if other is None or message.to == who:
            raise Refused("conference.refused_nobody")
        told: dict[str, Any] = {"type": "signal", "who": who}
        if message.description is not None:
            told["description"] = _checked(message.description, people[who].may_publish)
        if message.candidate is not None:
            if not is_candidate(message.candidate):
                raise Refused("conference.refused_description")
            told["candidate"] = message.candidate
        other.send(told)

    async def allow(self, room: str, who: str, may_publish: bool) -> None:
        """Takes effect with the next description; the others' pages play no listener's tracks."""
        if person := self._rooms.get(room, {}).get(who):
            person.may_publish = may_publish

    async def hear(self, room: str, who: str, interpreter: str | None) -> None:
        """Everything comes to every page, which plays what it wants."""

    async def silence(self, room: str, who: str, source: Source, silent: bool) -> None:
        """Nothing passes here; the page that is muted mutes itself, the others' do not play it."""


def _checked(description: dict[str, str], may_publish: bool) -> dict[str, str]:
    kind, sdp = description.get("type"), description.get("sdp", "")
    besides = {key: value for key, value in description.items() if key not in ("type", "sdp")}
    if kind not in _KINDS or any(len(besides[key]) > _BESIDES.get(key, -1) for key in besides):
        raise Refused("conference.refused_description")
    if kind == "rollback":
        return {"type": kind, **besides}
    try:
        sections = read_sections(sdp)
    except MalformedDescription as fault:
        log.info("a description was refused: %s", fault)
        raise Refused("conference.refused_description") from None
    if not may_publish and any(section.sends for section in sections):
        raise Refused("conference.refused_not_allowed")
    return {"type": kind, "sdp": sdp, **besides}
