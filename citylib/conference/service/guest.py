"""Somebody whose page is connected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from citylib.conference.rooms.model import Invitation, Person, Role, Room


class Page(Protocol):
    """A websocket, as far as rooms know it; `host` is the name by which it reached this machine."""

    lang: str
    account: str | None
    host: str

    @property
    def gone(self) -> bool:
        """Whether nobody listens any more."""

    def send(self, message: dict[str, Any]) -> None:
        """Say something; never waits, never fails."""

    def tell(self, text: str) -> None:
        """Say something that is JSON already."""

    def refuse(self, reason: str) -> None:
        """Say why not, and close."""


@dataclass(frozen=True)
class Door:
    """What somebody would go in by: the room, and as what."""

    room: Room
    role: Role
    invitation: Invitation | None
    account: str | None

    @property
    def waits(self) -> bool:
        """Whether a host has to admit them."""
        return self.room.waiting_room and self.role != "host"

    @property
    def name(self) -> str | None:
        """The name they have; None: they say one."""
        return self.account or (self.invitation.fixed_name if self.invitation else None)


@dataclass(eq=False)
class Guest:
    """Somebody in a room or at its door, while their page is connected.

    Attributes
    ----------
    ticket : str
        What their page comes back with.
    lost : bool
        Whether nothing is heard of the page just now.
    arrived : bool
        Whether their page is known to have the ticket.
    silenced : bool
        Whether a host muted them, and they have not spoken up since.
    channel, heard : str, optional
        The language that they listen to, and the interpreter who speaks it now.
    ice_given : float
        When they were told by which servers they find their way.
    sources : list of str
        What they send.
    """

    person: Person
    page: Page
    ticket: str
    microphone: bool = False
    camera: bool = False
    hand: bool = False
    quality: int = 4
    lost: bool = False
    arrived: bool = False
    silenced: bool = False
    channel: str | None = None
    heard: str | None = None
    ice_given: float = 0.0
    sources: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Of the participant."""
        return self.person.id

    @property
    def may_publish(self) -> bool:
        """Whether they may be seen and heard."""
        return self.person.role != "listener"

    def shown(self) -> dict[str, Any]:
        """What others see of them."""
        return {
            "id": self.id,
            "name": self.person.name,
            "role": self.person.role,
            "language": self.person.language,
            "microphone": self.microphone,
            "camera": self.camera,
            "hand": self.hand,
            "quality": 0 if self.lost else self.quality,
            "sources": self.sources,
        }
