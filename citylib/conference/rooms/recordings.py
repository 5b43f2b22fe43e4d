"""Recordings: made by the host's browser, kept here part by part, removed in time."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, insert, select, update

from citylib.conference.rooms.finish import finish
from citylib.conference.rooms.model import Person, Recording
from citylib.conference.rooms.noted import note
from citylib.operations.store import Store
from citylib.operations.tables import recordings

COLUMNS = [recordings.c[name] for name in Recording.__dataclass_fields__]
LONGEST_PART = 8 * 1024 * 1024
"""Bytes of a part."""
LARGEST = 2 * 1024**3
"""Bytes of a recording."""
LATE = timedelta(seconds=60)
"""After its end, the last part may still come."""


class NotKept(Exception):
    """A part is not kept: another is waited for, or there is no room. `next` is waited for."""

    def __init__(self, expected: int, full: bool = False) -> None:
        super().__init__("there is no room for more" if full else "another part is waited for")
        self.next, self.full = expected, full


class Recordings:
    """The recordings of an installation.

    Parameters
    ----------
    store : Store
        Knows of them.
    folder : Path
        Has them, for its owner alone.
    most_bytes : float
        What all of them may take.
    """

    def __init__(self, store: Store, folder: Path, most_bytes: float) -> None:
        self._store, self._folder, self._most = store, folder, most_bytes

    def begin(self, person: Person) -> Recording:
        """Somebody records from now on."""
        made = Recording(
            id=secrets.token_hex(8),
            room=person.room,
            who=person.id,
            name=person.name,
            mime="",
            began=datetime.now(UTC),
            ended=None,
            parts=0,
            bytes=0,
            finished=None,
            removed=None,
        )
        with self._store.write() as connection:
            connection.execute(insert(recordings).values(**vars(made)))
            note(connection, person.actor, "began recording", person.room, recording=made.id)
        return made

    def end(self, actor: str, recording: Recording) -> None:
        """It is over."""
        mine = recordings.c.id == recording.id
        with self._store.write() as connection:
            query = update(recordings).where(mine, recordings.c.ended.is_(None))
            if connection.execute(query.values(ended=datetime.now(UTC))).rowcount:
                note(connection, actor, "ended recording", recording.room, recording=recording.id)

    def running(self, room: str) -> Recording | None:
        """The one that is being made in a room."""
        query = select(*COLUMNS).where(recordings.c.room == room, recordings.c.ended.is_(None))
        with self._store.read() as connection:
            row = connection.execute(query.order_by(recordings.c.began.desc())).first()
        return Recording(*row) if row else None

    def newest_of(self, person: Person) -> Recording | None:
        """The one that somebody makes, or has just ended."""
        query = select(*COLUMNS).where(recordings.c.who == person.id)
        with self._store.read() as connection:
            row = connection.execute(query.order_by(recordings.c.began.desc())).first()
        found = Recording(*row) if row else None
        if found is None or (found.ended and found.ended + LATE < datetime.now(UTC)):
            return None
        return found

    def of(self, room: str) -> list[Recording]:
        """Recordings of a room that are kept, oldest first."""
        query = select(*COLUMNS).where(recordings.c.room == room, recordings.c.removed.is_(None))
        with self._store.read() as connection:
            return [Recording(*row) for row in connection.execute(query.order_by(COLUMNS[5]))]

    def path(self, recording: Recording) -> Path:
        """Its file."""
        return self._folder / f"{recording.id}{'.mp4' if 'mp4' in recording.mime else '.webm'}"

    def add(self, recording: Recording, number: int, part: bytes, mime: str) -> Recording:
        """Keep a part; when this returns it is on the disk. One that is kept already changes
        nothing.

        Raises
        ------
        NotKept
            Another part is waited for, or there is no room.
        """
        with self._store.read() as connection:
            mine = select(*COLUMNS).where(recordings.c.id == recording.id)
            found = Recording(*connection.execute(mine).one())
            taken = select(func.coalesce(func.sum(recordings.c.bytes), 0))
            total = connection.scalar(taken.where(recordings.c.removed.is_(None))) or 0
        if number < found.parts:
            return found
        if number > found.parts:
            raise NotKept(found.parts)
        if found.bytes + len(part) > LARGEST or total + len(part) > self._most:
            raise NotKept(found.parts, full=True)
        found = replace(found, mime=found.mime or mime)
        self._write(self.path(found), found.bytes, part)
        new = replace(found, parts=found.parts + 1, bytes=found.bytes + len(part))
        with self._store.write() as connection:
            query = update(recordings).where(recordings.c.id == recording.id)
            connection.execute(query.values(mime=new.mime, parts=new.parts, bytes=new.bytes))
        return new

    def _write(self, path: Path, at: int, part: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            # What came after the last part that is known of was never acknowledged.
            file.truncate(at)
            file.seek(at)
            file.write(part)
            file.flush()
            os.fsync(file.fileno())

    def finish(self) -> None:
        """Make one file each of what has ended, once no part of it can come any more."""
        query = select(*COLUMNS).where(
            recordings.c.ended < datetime.now(UTC) - LATE,
            recordings.c.finished.is_(None),
            recordings.c.removed.is_(None),
        )
        with self._store.read() as connection:
            ended = [Recording(*row) for row in connection.execute(query)]
        for recording in ended:
            path = self.path(recording)
            if recording.bytes:
                finish(path)
            size = path.stat().st_size if path.is_file() else 0
            with self._store.write() as connection:
                mine = update(recordings).where(recordings.c.id == recording.id)
                connection.execute(mine.values(finished=datetime.now(UTC), bytes=size))

    def clean(self, days: float) -> int:
        """Remove those that are older; gives how many."""
        before = datetime.now(UTC) - timedelta(days=days)
        query = select(*COLUMNS).where(
            recordings.c.removed.is_(None),
            func.coalesce(recordings.c.ended, recordings.c.began) < before,
        )
        with self._store.read() as connection:
            old = [Recording(*row) for row in connection.execute(query)]
        for recording in old:
            self.path(recording).unlink(missing_ok=True)
            with self._store.write() as connection:
                mine = update(recordings).where(recordings.c.id == recording.id)
                now = datetime.now(UTC)
                connection.execute(mine.values(removed=now, ended=recording.ended or now))
                note(
                    connection, "platform", "removed recording", recording.room,
                    recording=recording.id,
                )  # fmt: skip
        return len(old)
