"""The change log: whatever happens is a row with a rising number, and open screens follow it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from citylib.operations.tables import changes

if TYPE_CHECKING:
    from citylib.operations.store import Store


@dataclass(frozen=True)
class Change:
    """One row of the change log.

    Attributes
    ----------
    number : int
        Rises with every change. Whoever has seen a number has seen every lower one that will
        ever exist, so following the log is asking for what came after the last number.
    time : datetime
        When it was written, in UTC.
    kind : str
        What sort of change: "cube" for new figures, and so on.
    subject : str
        What changed, in the words of its kind: for "cube" the version.
    detail : dict
        Anything more, as JSON.
    """

    number: int
    time: datetime
    kind: str
    subject: str
    detail: dict[str, Any]


class ChangeLog:
    """The change log of a store; reached as `store.changes`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(
        self,
        kind: str,
        subject: str,
        detail: dict[str, Any] | None = None,
        *,
        key: str | None = None,
    ) -> int:
        """Write a change and return its number.

        Parameters
        ----------
        kind, subject : str
            What sort of thing changed, and which.
        detail : dict, optional
            Anything more; must be JSON (no NaN).
        key : str, optional
            Name of this very change. Writing it again changes nothing and returns the number
            it got the first time, so a writer that was interrupted simply writes again.

        Examples
        --------
        >>> store.changes.append("cube", "v7", key="cube:v7")  # doctest: +SKIP
        41
        """
        with self._store.write() as connection:
            if key is not None:
                known = connection.scalar(select(changes.c.number).where(changes.c.key == key))
                if known is not None:
                    return int(known)
            number = connection.scalar(
                insert(changes)
                .values(
                    time=datetime.now(UTC), kind=kind, subject=subject, detail=detail or {}, key=key
                )
                .returning(changes.c.number)
            )
            return int(number or 0)

    def since(self, number: int, limit: int = 1000, kind: str | None = None) -> list[Change]:
        """Changes after a number, lowest first, at most `limit` of them.

        Parameters
        ----------
        number : int
            The last number seen; 0 for all.
        limit : int
            At most so many; ask again from the last one's number for more.
        kind : str, optional
            Only changes of this kind.
        """
        query = (
            select(*(changes.c[name] for name in ("number", "time", "kind", "subject", "detail")))
            .where(changes.c.number > number)
            .order_by(changes.c.number)
            .limit(limit)
        )
        if kind is not None:
            query = query.where(changes.c.kind == kind)
        with self._store.read() as connection:
            return [Change(*row) for row in connection.execute(query)]

    def last(self, kind: str) -> Change | None:
        """The newest change of a kind; None when there was none."""
        names = ("number", "time", "kind", "subject", "detail")
        query = (
            select(*(changes.c[name] for name in names))
            .where(changes.c.kind == kind)
            .order_by(changes.c.number.desc())
            .limit(1)
        )
        with self._store.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else Change(*row)

    def latest(self) -> int:
        """The highest number so far; 0 when nothing has happened."""
        with self._store.read() as connection:
            return int(connection.scalar(select(func.coalesce(func.max(changes.c.number), 0))) or 0)
