"""Minutes of a room: who was there, what was written to all, what hosts did."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from citylib.conference.rooms.chat import Chat
from citylib.conference.rooms.model import Line, Person, Room
from citylib.conference.rooms.people import People
from citylib.operations.audit import Entry
from citylib.operations.store import Store

MOST_LINES = 100_000
ATTENDED = ("in", "left", "lost", "removed")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Minutes:
    """What is kept of a room, oldest first."""

    room: Room
    people: list[Person]
    lines: list[Line]
    events: list[Entry]

    def told(self) -> dict[str, Any]:
        """As JSON. What was written to one person alone is not in it."""
        return {
            "room": {
                "id": self.room.id,
                "title": self.room.title,
                "agenda": self.room.agenda,
                "host": self.room.maker,
                "began": _time(self.room.began),
                "ended": _time(self.room.ended),
            },
            "attendance": [
                {
                    "id": one.id,
                    "name": one.name,
                    "role": one.role,
                    "from": _time(one.joined),
                    "to": _time(one.left),
                }
                for one in self.people
            ],
            "chat": [
                {"time": _time(line.time), "name": line.name, "text": line.text}
                for line in self.lines
            ],
            "events": [
                {
                    "time": _time(event.time),
                    "by": event.actor,
                    "what": event.action,
                    "name": str(event.detail.get("name", "")),
                }
                for event in self.events
            ],
        }

    def csv(self) -> str:
        """As one table: time, what, who, text. With a mark, so that spreadsheets read it as
        UTF-8."""
        rows: list[tuple[datetime, str, str, str]] = []
        for one in self.people:
            if one.joined:
                rows.append((one.joined, "joined", one.name, one.role))
            if one.left:
                rows.append((one.left, "left", one.name, one.state))
        rows += [(line.time, "said", line.name, line.text) for line in self.lines]
        rows += [
            (event.time, event.action, event.actor, str(event.detail.get("name", "")))
            for event in self.events
        ]
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow(("time", "what", "who", "text"))
        for time, what, who, text in sorted(rows, key=lambda row: row[0]):
            writer.writerow((_time(time), what, _cell(who), _cell(text)))
        return "\ufeff" + file.getvalue()


def read_minutes(store: Store, room: Room) -> Minutes:
    """The minutes of a room so far."""
    people = [one for one in People(store).of(room.id) if one.state in ATTENDED and one.joined]
    lines = Chat(store).of(room.id, limit=MOST_LINES)
    events = store.audit.read(subject=room.id, limit=MOST_LINES)[::-1]
    return Minutes(room, people, lines, events)


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _cell(text: str) -> str:
    # A spreadsheet would take it for a formula.
    return f"'{text}" if text.startswith(FORMULA) else text
