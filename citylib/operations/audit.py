"""The audit log: who did what and when. The database itself refuses to change or delete a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from citylib.operations.tables import audit

if TYPE_CHECKING:
    from citylib.operations.store import Store


@dataclass(frozen=True)
class Entry:
    """One row of the audit log: at `time` (UTC) `actor` did `action` to `subject`."""

    number: int
    time: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


class AuditLog:
    """The audit log of a store; reached as `store.audit`. Rows can be added and read, no more."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(
        self, actor: str, action: str, subject: str, detail: dict[str, Any] | None = None
    ) -> int:
        """Write an entry and return its number.

        Parameters
        ----------
        actor : str
            Name of the account, or of the part of the platform, that acted.
        action : str
            What it did, as a verb in few words: "signed in".
        subject : str
            What it did it to.
        detail : dict, optional
            Anything more; must be JSON. Never a password, never a signed link.
        """
        with self._store.write() as connection:
            number = connection.scalar(
                insert(audit)
                .values(
                    time=datetime.now(UTC),
                    actor=actor[:200],
                    action=action,
                    subject=subject[:500],
                    detail=detail or {},
                )
                .returning(audit.c.number)
            )
            return int(number or 0)

    def read(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[Entry]:
        """The newest entries, newest first.

        Parameters
        ----------
        actor, action, subject : str, optional
            Only entries of this actor, of this action, about this subject.
        before : int, optional
            Only entries with a lower number: the next page.
        limit : int
            At most so many.
        """
        query = select(audit).order_by(audit.c.number.desc()).limit(limit)
        if actor is not None:
            query = query.where(audit.c.actor == actor)
        if action is not None:
            query = query.where(audit.c.action == action)
        if subject is not None:
            query = query.where(audit.c.subject == subject)
        if before is not None:
            query = query.where(audit.c.number < before)
        with self._store.read() as connection:
            return [Entry(*row) for row in connection.execute(query)]
