"""Entries of the logs, in the same transaction as what they tell of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from citylib.operations.tables import audit, changes

KIND = "conference"
"""Of a room's rows in the change log."""


def note(connection: Connection, actor: str, action: str, room: str, **detail: Any) -> None:
    """Write into the audit log who did what to a room."""
    connection.execute(
        insert(audit).values(
            time=datetime.now(UTC), actor=actor[:200], action=action, subject=room, detail=detail
        )
    )


def tell(connection: Connection, room: str, state: str, **detail: Any) -> None:
    """Write into the change log that a room began or ended; once, however often it is told."""
    key = f"{KIND}:{room}:{state}"
    if connection.scalar(select(changes.c.number).where(changes.c.key == key)) is None:
        connection.execute(
            insert(changes).values(
                time=datetime.now(UTC),
                kind=KIND,
                subject=room,
                detail={"state": state, **detail},
                key=key,
            )
        )
