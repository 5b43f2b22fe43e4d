"""What a room needs of whatever carries its pictures and sound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from citylib.conference.protocol import (
    Answer,
    Candidate,
    Publish,
    Restart,
    Signal,
    Source,
    Want,
)

Send = Callable[[dict[str, Any]], None]
"""Sends a message to a participant's page; never waits, never fails."""
MediaMessage = Publish | Answer | Candidate | Restart | Signal | Want


class Refused(Exception):
    """A participant asked for something that is not allowed or cannot be done; the text is a key of
    the words: `conference.refused_…`.

    Carriers use refused_full, refused_not_allowed, refused_nobody (no such participant here),
    refused_description (what the page said of its media makes no sense), refused_media (nothing
    carries media just now).
    """


class Events(Protocol):
    """What a carrier tells the service."""

    def speaking(self, room: str, now: list[str], recent: list[str]) -> None:
        """Who speaks, and who spoke, latest first, by the loudness of what is received.

        Not of a mesh: there each page hears for itself.
        """

    def gone(self) -> None:
        """What carries the rooms has died: pages keep what they have and wait."""

    def back(self) -> None:
        """It is there again, and empty: rooms are opened anew, pages publish anew."""


class Carrier(Protocol):
    """Carries the media of rooms.

    Attributes
    ----------
    name : {"janus", "mesh"}
        Pages have other work to do for each.
    most : int
        Participants in a room.
    missing : str
        What is missing for a better one, in English; empty where nothing is.
    """

    name: str
    most: int
    missing: str

    async def run(self, stop: asyncio.Event, events: Events) -> None:
        """Work until told to stop."""

    async def open(self, room: str) -> None:
        """Begin a room; nothing where it is open."""

    async def close(self, room: str) -> None:
        """End a room."""

    async def enter(self, room: str, who: str, send: Send, may_publish: bool) -> None:
        """Somebody is in the room now: is offered what others send (`subscribe`), and may publish.

        Also for who comes back: what was there of them before is forgotten.
        """

    async def leave(self, room: str, who: str) -> None:
        """Somebody is in the room no more."""

    async def message(self, room: str, who: str, message: MediaMessage) -> None:
        """Something for the carrier from a participant's page.

        Raises
        ------
        Refused
            Not allowed, or not possible.
        """

    async def allow(self, room: str, who: str, may_publish: bool) -> None:
        """Somebody may publish from now on, or may not any more, and is cut off."""

    async def hear(self, room: str, who: str, interpreter: str | None) -> None:
        """Somebody listens to this participant's `interpretation`, or to none."""

    async def silence(self, room: str, who: str, source: Source, silent: bool) -> None:
        """Hand on nothing of a source, or again."""
