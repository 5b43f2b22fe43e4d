"""Participants: at the door, in the room, gone; and the tickets by which they come back."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from citylib.conference.rooms.invitations import holds, use
from citylib.conference.rooms.model import Invitation, NotIn, Person, Place, Role, Room
from citylib.conference.rooms.names import key
from citylib.conference.rooms.noted import note
from citylib.operations.store import Store
from citylib.operations.tables import accounts, invitations, participants

COLUMNS = [participants.c[name] for name in Person.__dataclass_fields__]
HERE: tuple[Place, ...] = ("waiting", "in")


class People:
    """The participants of a store's rooms."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def ask(
        self,
        room: Room,
        name: str,
        role: Role,
        *,
        invitation: Invitation | None = None,
        account: str | None = None,
        waits: bool,
    ) -> tuple[Person, str]:
        """Somebody comes to the door; goes in at once unless `waits`.

        Uses the invitation, takes the name, and gives the ticket, which is kept nowhere.

        Raises
        ------
        NotIn
            The invitation lets nobody in any more, or the name is somebody else's.
        """
        ticket = secrets.token_urlsafe(32)
        now = datetime.now(UTC)
        person = Person(
            id=secrets.token_hex(6),
            room=room.id,
            ticket=_hash(ticket),
            invitation=invitation.id if invitation else None,
            account=account,
            name=name,
            role=role,
            language=None,
            state="waiting" if waits else "in",
            asked=now,
            joined=None if waits else now,
            seen=now,
            left=None,
        )
        with self._store.write() as connection:
            if invitation:
                holds(connection, invitation.id)
                use(connection, invitation.id)
            if _is_taken(connection, person):
                raise NotIn("name")
            connection.execute(insert(participants).values(**vars(person)))
            action = "waits" if waits else "entered"
            note(connection, person.actor, action, room.id, who=person.id, name=name, role=role)
        return person, ticket

    def by_ticket(self, ticket: str) -> Person | None:
        """Who holds a ticket, wherever they are now; None: nobody."""
        query = select(*COLUMNS).where(participants.c.ticket == _hash(ticket))
        with self._store.read() as connection:
            row = connection.execute(query).first()
        return Person(*row) if row else None

    def of(self, room: str, states: Iterable[Place] | None = None) -> list[Person]:
        """Participants of a room, in the order in which they came."""
        query = select(*COLUMNS).where(participants.c.room == room)
        if states is not None:
            query = query.where(participants.c.state.in_([*states]))
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(participants.c.asked, participants.c.id))
            return [Person(*row) for row in rows]

    def admit(self, actor: str, person: Person, role: Role | None = None) -> Person:
        """Somebody who waits is in."""
        joined = person.joined or datetime.now(UTC)
        values = {"state": "in", "joined": joined, "role": role or person.role}
        return self._change(person, values, actor, "admitted")

    def turn_away(self, actor: str, person: Person) -> Person:
        """Somebody who waits does not come in."""
        values = {"state": "turned_away", "left": datetime.now(UTC)}
        return self._change(person, values, actor, "turned away")

    def remove(self, actor: str, person: Person) -> Person:
        """Somebody is put out; neither ticket nor this use of the invitation lets them in again."""
        values = {"state": "removed", "left": datetime.now(UTC)}
        return self._change(person, values, actor, "removed")

    def leave(self, person: Person) -> Person:
        """Somebody goes, for good."""
        values = {"state": "left", "left": datetime.now(UTC)}
        return self._change(person, values, person.actor, "left")

    def give_up(self, person: Person) -> None:
        """Somebody's page was gone before it had its ticket: as if they had never come."""
        query = update(participants).where(
            participants.c.id == person.id, participants.c.state.in_(HERE)
        )
        with self._store.write() as connection:
            if not connection.execute(query.values(state="left", left=datetime.now(UTC))).rowcount:
                return
            if person.invitation:
                mine = update(invitations).where(invitations.c.id == person.invitation)
                connection.execute(mine.values(uses=invitations.c.uses - 1))
            note(connection, person.actor, "did not arrive", person.room, who=person.id)

    def lose(self, person: Person) -> Person:
        """Somebody did not come back in time: was there until last seen."""
        with self._store.read() as connection:
            query = select(participants.c.seen).where(participants.c.id == person.id)
            seen = connection.scalar(query) or person.seen
        values = {"state": "lost", "seen": seen, "left": seen}
        return self._change(person, values, person.actor, "was lost")

    def appoint(self, actor: str, person: Person, role: Role, language: str | None) -> Person:
        """Somebody has another role from now on."""
        values = {"role": role, "language": language}
        return self._change(person, values, actor, "appointed", role=role, language=language)

    def see(self, people: Iterable[str]) -> None:
        """These are there now; written together, every few seconds."""
        with self._store.write() as connection:
            query = update(participants).where(participants.c.id.in_([*people]))
            connection.execute(query.values(seen=datetime.now(UTC)))

    def overdue(self, before: datetime) -> list[Person]:
        """Who may come back, and was not seen since."""
        query = select(*COLUMNS).where(participants.c.state.in_(HERE), participants.c.seen < before)
        with self._store.read() as connection:
            return [Person(*row) for row in connection.execute(query)]

    def _change(
        self, person: Person, values: dict[str, Any], actor: str, action: str, **detail: Any
    ) -> Person:
        with self._store.write() as connection:
            mine = participants.c.id == person.id
            connection.execute(update(participants).where(mine).values(**values))
            note(connection, actor, action, person.room, who=person.id, name=person.name, **detail)
        return replace(person, **values)


def _is_taken(connection: Connection, person: Person) -> bool:
    """Whether the name is, to the eye, that of somebody else."""
    mine = key(person.name)
    if any(key(name) == mine and name != person.account for name in _names(connection)):
        return True
    query = select(*COLUMNS).where(participants.c.room == person.room)
    for other in (Person(*row) for row in connection.execute(query)):
        if key(other.name) != mine:
            continue
        same = (
            other.account == person.account
            if person.account or other.account
            else other.invitation == person.invitation
        )
        if (other.state in HERE and not (same and person.account)) or not same:
            return True
    query = select(invitations.c.id, invitations.c.name).where(
        invitations.c.room == person.room,
        invitations.c.withdrawn.is_(None),
        invitations.c.name != "",
    )
    return any(
        key(name) == mine and one != person.invitation for one, name in connection.execute(query)
    )


def _names(connection: Connection) -> Iterable[str]:
    """Names of the city's accounts, those that an outside sign-in gave included."""
    yield from connection.scalars(select(accounts.c.name))
    known = select(participants.c.account).where(participants.c.account.is_not(None)).distinct()
    yield from (name for name in connection.scalars(known) if name)


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode("utf-8", "replace")).hexdigest()
