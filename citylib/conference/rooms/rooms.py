"""Rooms of an installation: made, changed, begun, ended."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update

from citylib.conference.rooms.model import Room
from citylib.conference.rooms.noted import note, tell
from citylib.operations.store import Store
from citylib.operations.tables import invitations, participants, rooms, said

COLUMNS = [rooms.c[name] for name in Room.__dataclass_fields__]


class Rooms:
    """The rooms of a store. What is done is in the audit log, or it is not done."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make(
        self,
        actor: str,
        title: str,
        *,
        agenda: str = "",
        begins: datetime | None = None,
        ends: datetime | None = None,
        waiting_room: bool = True,
        voice_only: bool = False,
    ) -> Room:
        """Make a room; `actor`, an account, is its host."""
        room = Room(
            id=secrets.token_hex(8),
            title=title,
            agenda=agenda,
            maker=actor,
            made=datetime.now(UTC),
            begins=begins,
            ends=ends,
            waiting_room=waiting_room,
            voice_only=voice_only,
            locked=False,
        )
        with self._store.write() as connection:
            connection.execute(insert(rooms).values(**vars(room)))
            note(connection, actor, "made room", room.id, title=title)
        return room

    def get(self, room: str) -> Room | None:
        """The room, or None."""
        with self._store.read() as connection:
            row = connection.execute(select(*COLUMNS).where(rooms.c.id == room)).first()
        return Room(*row) if row else None

    def of(self, maker: str | None = None, limit: int = 500) -> list[Room]:
        """Rooms, those that are still open first, then the newest; of one account, or all."""
        query = select(*COLUMNS).order_by(rooms.c.ended.is_not(None), rooms.c.made.desc())
        if maker is not None:
            query = query.where(rooms.c.maker == maker)
        with self._store.read() as connection:
            return [Room(*row) for row in connection.execute(query.limit(limit))]

    def count_open(self) -> int:
        """How many are not over."""
        with self._store.read() as connection:
            query = select(func.count()).select_from(rooms).where(rooms.c.ended.is_(None))
            return int(connection.scalar(query) or 0)

    def change(self, actor: str, room: Room, **values: Any) -> Room:
        """Give a room other values; the audit log says which, not what they were."""
        new = replace(room, **values)
        told = {name: value for name, value in values.items() if isinstance(value, bool)}
        with self._store.write() as connection:
            connection.execute(update(rooms).where(rooms.c.id == room.id).values(**values))
            note(connection, actor, "changed room", room.id, keys=sorted(values), **told)
        return new

    def begin(self, room: Room) -> Room:
        """The first is in."""
        now = datetime.now(UTC)
        with self._store.write() as connection:
            mine = rooms.c.id == room.id
            connection.execute(update(rooms).where(mine, rooms.c.began.is_(None)).values(began=now))
            tell(connection, room.id, "began", title=room.title)
        return replace(room, began=room.began or now)

    def end(self, actor: str, room: Room) -> Room:
        """It is over for all; nobody comes in any more."""
        now = datetime.now(UTC)
        with self._store.write() as connection:
            mine = rooms.c.id == room.id
            query = update(rooms).where(mine, rooms.c.ended.is_(None)).values(ended=now)
            if connection.execute(query).rowcount:
                query = update(participants).where(participants.c.room == room.id)
                inside = query.where(participants.c.state == "in")
                connection.execute(inside.values(state="left", left=now))
                outside = query.where(participants.c.state == "waiting")
                connection.execute(outside.values(state="lost", left=now))
                note(connection, actor, "ended room", room.id)
                tell(connection, room.id, "ended", title=room.title)
        return replace(room, ended=room.ended or now)

    def idle(self, before: datetime) -> list[Room]:
        """Open rooms whose planned end is over, and in which nobody was seen since."""
        seen = (
            select(func.max(participants.c.seen))
            .where(participants.c.room == rooms.c.id)
            .scalar_subquery()
        )
        query = select(*COLUMNS).where(
            rooms.c.ended.is_(None),
            rooms.c.made < before,
            or_(rooms.c.ends.is_(None), rooms.c.ends < before),
            or_(rooms.c.ends.is_not(None), rooms.c.begins.is_(None), rooms.c.begins < before),
            or_(seen.is_(None), seen < before),
        )
        with self._store.read() as connection:
            return [Room(*row) for row in connection.execute(query)]

    def forget(self, before: datetime) -> int:
        """Remove attendance, chat and invitations of rooms that ended before; gives how many."""
        with self._store.write() as connection:
            gone = select(rooms.c.id).where(rooms.c.ended < before)
            found = [*connection.scalars(gone)]
            for table in (said, participants, invitations):
                connection.execute(delete(table).where(table.c.room.in_(found)))
            connection.execute(delete(rooms).where(rooms.c.id.in_(found)))
            for room in found:
                note(connection, "platform", "forgot room", room)
        return len(found)
