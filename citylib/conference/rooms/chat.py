"""What was said in writing."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import insert, or_, select

from citylib.conference.rooms.model import Line, Person
from citylib.operations.store import Store
from citylib.operations.tables import said

COLUMNS = [said.c[name] for name in Line.__dataclass_fields__]


class Chat:
    """The chat of a store's rooms."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def say(self, person: Person, text: str, to: str | None) -> Line:
        """Keep a line; it is told to others when this has returned."""
        values = {
            "room": person.room,
            "who": person.id,
            "name": person.name,
            "to": to,
            "time": datetime.now(UTC),
            "text": text,
        }
        with self._store.write() as connection:
            number = connection.scalar(insert(said).values(**values).returning(said.c.number))
        return Line(int(number or 0), **values)  # type: ignore[arg-type]

    def of(self, room: str, who: str | None = None, limit: int = 300) -> list[Line]:
        """The newest lines to all, oldest first; and those from and to one, when named."""
        to_all = said.c.to.is_(None)
        shown = to_all if who is None else or_(to_all, said.c.to == who, said.c.who == who)
        query = select(*COLUMNS).where(said.c.room == room, shown)
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(said.c.number.desc()).limit(limit))
            return [Line(*row) for row in rows][::-1]
