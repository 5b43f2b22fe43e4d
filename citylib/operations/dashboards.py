"""What was published as a dashboard, by whom and to which roles, version by version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from citylib.operations.tables import audit, dashboards

if TYPE_CHECKING:
    from citylib.operations.store import Store

PUBLISHED, RESTORED, TAKEN_BACK = "published", "restored", "took back"
ACTIONS = (PUBLISHED, RESTORED, TAKEN_BACK)


@dataclass(frozen=True)
class Version:
    """One version of a dashboard.

    Attributes
    ----------
    time : datetime
        When it became the newest, in UTC.
    actor : str
        Who did it.
    action : str
        One of `ACTIONS`. After the last one nothing is shown.
    name : str
        The dashboard's file.
    version : int
        Rises from 1 with each action on a dashboard.
    digest : str
        SHA-256 of the notebook.
    roles : list of str
        Who it was shown to.
    """

    time: datetime
    actor: str
    action: str
    name: str
    version: int
    digest: str
    roles: list[str]

    @property
    def shown(self) -> bool:
        """Whether readers see it while it is the newest."""
        return self.action != TAKEN_BACK


COLUMNS = [dashboards.c[name] for name in Version.__dataclass_fields__]


class DashboardVersions:
    """Versions of the dashboards of a store; reached as `store.dashboards`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(
        self,
        actor: str,
        action: str,
        name: str,
        digest: str,
        roles: Sequence[str],
        *,
        allowed: Callable[[Version | None], None],
        done: Callable[[Version], None],
    ) -> Version:
        """Write a version and an entry of the audit log; both or none.

        Parameters
        ----------
        actor, action, name, digest, roles
            See `Version`.
        allowed : callable (Version or None)
            Is given the newest version so far; what it raises ends everything. Nobody else writes
            meanwhile.
        done : callable (Version)
            Makes the version the one that is shown. What it raises takes the version back.
        """
        with self._store.write() as connection:
            mine = select(*COLUMNS).where(dashboards.c.name == name)
            row = connection.execute(mine.order_by(dashboards.c.version.desc()).limit(1)).first()
            newest = Version(*row) if row else None
            allowed(newest)
            version = newest.version + 1 if newest else 1
            new = Version(datetime.now(UTC), actor[:200], action, name, version, digest, [*roles])
            connection.execute(insert(dashboards).values(**vars(new)))
            detail = {"version": version, "sha256": digest, "roles": [*roles]}
            connection.execute(
                insert(audit).values(
                    time=new.time,
                    actor=new.actor,
                    action=f"{action} a dashboard",
                    subject=name,
                    detail=detail,
                )
            )
            done(new)
        return new

    def history(self, name: str) -> list[Version]:
        """Versions of a dashboard, newest first."""
        query = select(*COLUMNS).where(dashboards.c.name == name)
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(dashboards.c.version.desc()))
            return [Version(*row) for row in rows]

    def newest(self) -> list[Version]:
        """The newest version of each dashboard there ever was, by name."""
        last = select(func.max(dashboards.c.number)).group_by(dashboards.c.name)
        query = select(*COLUMNS).where(dashboards.c.number.in_(last)).order_by(dashboards.c.name)
        with self._store.read() as connection:
            return [Version(*row) for row in connection.execute(query)]
