"""Invitations: signed links into a room."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from sqlalchemy import Connection, Row, insert, select, update

from citylib.access.links import ExpiredLink, ForgedLink, Links
from citylib.conference.rooms.model import Invitation, NotIn, Role, Room
from citylib.conference.rooms.noted import note
from citylib.operations.store import Store
from citylib.operations.tables import invitations

COLUMNS = [invitations.c[name] for name in Invitation.__dataclass_fields__]


class Invitations:
    """The invitations of a store.

    Parameters
    ----------
    store : Store
        Where they are kept; the links themselves are not.
    links : Links
        Signs them.
    """

    def __init__(self, store: Store, links: Links) -> None:
        self._store, self._links = store, links

    def make(
        self,
        actor: str,
        room: Room,
        role: Role,
        expires: datetime,
        most_uses: int,
        *,
        name: str = "",
        email: str = "",
        timezone: str = "UTC",
        language: str = "en",
    ) -> Invitation:
        """Invite somebody, or as many as the link may be used."""
        made = Invitation(
            id=secrets.token_hex(12),
            room=room.id,
            role=role,
            name=name,
            email=email,
            timezone=timezone,
            language=language,
            maker=actor,
            made=datetime.now(UTC),
            expires=expires,
            most_uses=most_uses,
        )
        with self._store.write() as connection:
            connection.execute(insert(invitations).values(**vars(made)))
            note(
                connection, actor, "invited", room.id, invitation=made.id, role=role, uses=most_uses
            )
        return made

    def token(self, invitation: Invitation) -> str:
        """What stands in the link."""
        return self._links.sign(invitation.id, invitation.expires)

    def of(self, room: str) -> list[Invitation]:
        """Invitations of a room, in the order in which they were made."""
        query = select(*COLUMNS).where(invitations.c.room == room).order_by(invitations.c.made)
        with self._store.read() as connection:
            return [Invitation(*row) for row in connection.execute(query)]

    def get(self, invitation: str) -> Invitation | None:
        """The invitation of this id, or None."""
        with self._store.read() as connection:
            row = _row(connection, invitation)
        return Invitation(*row) if row else None

    def withdraw(self, actor: str, invitation: Invitation) -> None:
        """Let nobody in by it any more; who is in stays."""
        mine = invitations.c.id == invitation.id
        with self._store.write() as connection:
            query = update(invitations).where(mine, invitations.c.withdrawn.is_(None))
            if connection.execute(query.values(withdrawn=datetime.now(UTC))).rowcount:
                note(connection, actor, "withdrew", invitation.room, invitation=invitation.id)

    def read(self, token: str, room: str | None = None) -> Invitation:
        """The invitation behind a link, if it still lets somebody in.

        Raises
        ------
        NotIn
            forged, expired, withdrawn, used; or wrong_room, when another one was asked for.
        """
        try:
            name = self._links.read(token)
        except ForgedLink:
            raise NotIn("forged") from None
        except ExpiredLink:
            raise NotIn("expired") from None
        with self._store.read() as connection:
            found = holds(connection, name)
        if room is not None and found.room != room:
            raise NotIn("wrong_room")
        return found


def holds(connection: Connection, invitation: str) -> Invitation:
    """The invitation as it is now.

    Raises
    ------
    NotIn
        It lets nobody in.
    """
    row = _row(connection, invitation)
    if row is None:  # its room was forgotten
        raise NotIn("expired")
    found = Invitation(*row)
    if found.withdrawn:
        raise NotIn("withdrawn")
    if found.expires <= datetime.now(UTC):
        raise NotIn("expired")
    if found.uses >= found.most_uses:
        raise NotIn("used")
    return found


def use(connection: Connection, invitation: str) -> None:
    """Count a use."""
    query = update(invitations).where(invitations.c.id == invitation)
    connection.execute(query.values(uses=invitations.c.uses + 1))


def _row(connection: Connection, invitation: str) -> Row | None:
    return connection.execute(select(*COLUMNS).where(invitations.c.id == invitation)).first()
