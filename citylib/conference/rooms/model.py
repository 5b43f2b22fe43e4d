"""What is kept of a conference, a row of the operations store each. Times are aware, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Role = Literal["host", "speaker", "listener", "interpreter"]
ROLES: tuple[Role, ...] = ("host", "speaker", "listener", "interpreter")
Place = Literal["waiting", "in", "left", "lost", "removed", "turned_away"]
"""Where a participant is. Who is `waiting` or `in` may come back with the ticket; `lost` is who did
not come back in time."""


class NotIn(Exception):
    """Somebody cannot come in; the text is the reason, one of `conference.refused_…`."""

    @property
    def reason(self) -> str:
        """Why, as one word."""
        return str(self)


@dataclass(frozen=True)
class Room:
    """A conference; without `begins` it is an instant one.

    Attributes
    ----------
    maker : str
        The account that made it, and is its host.
    waiting_room : bool
        Whether guests wait until a host admits them.
    voice_only : bool
        Whether pictures are refused.
    began, ended : datetime, optional
        When the first came in; when it was over for all.
    """

    id: str
    title: str
    agenda: str
    maker: str
    made: datetime
    begins: datetime | None
    ends: datetime | None
    waiting_room: bool
    voice_only: bool
    locked: bool
    began: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True)
class Invitation:
    """A link into a room; for one person where it has a name and one use."""

    id: str
    room: str
    role: Role
    name: str
    email: str
    timezone: str
    language: str
    maker: str
    made: datetime
    expires: datetime
    most_uses: int
    uses: int = 0
    withdrawn: datetime | None = None

    @property
    def fixed_name(self) -> str | None:
        """The name that whoever uses it has; None: they say one."""
        return self.name if self.name and self.most_uses == 1 else None


@dataclass(frozen=True)
class Person:
    """Somebody who asked to come in. `ticket` is the hash of what their page holds.

    Attributes
    ----------
    invitation, account : str, optional
        What they came by: a link, or their sign-in.
    language : str, optional
        An interpreter's channel.
    asked, joined, seen, left : datetime
        At the door; in the room for the first time; there for the last time; gone for good.
    """

    id: str
    room: str
    ticket: str
    invitation: str | None
    account: str | None
    name: str
    role: Role
    language: str | None
    state: Place
    asked: datetime
    joined: datetime | None
    seen: datetime
    left: datetime | None

    @property
    def actor(self) -> str:
        """Who it is in the audit log."""
        return self.account or f"guest {self.name}"


@dataclass(frozen=True)
class Line:
    """A line of chat; `to` is None for all."""

    number: int
    room: str
    who: str
    name: str
    to: str | None
    time: datetime
    text: str


@dataclass(frozen=True)
class Recording:
    """A recording. `parts` have come, which are `bytes` long; `finished` is when they were made one
    file that plays from any place in it."""

    id: str
    room: str
    who: str
    name: str
    mime: str
    began: datetime
    ended: datetime | None
    parts: int
    bytes: int
    finished: datetime | None
    removed: datetime | None
