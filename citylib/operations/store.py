"""Opening the operations store: SQLite beside the other state, or PostgreSQL by URL."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError

from citylib.city.errors import CityError
from citylib.operations.audit import AuditLog
from citylib.operations.changes import ChangeLog
from citylib.operations.dashboards import DashboardVersions
from citylib.operations.feeds import FeedStates

BUSY_MS = 15_000
# One number for "somebody appends to the store", the same in every process.
APPEND_LOCK = 7_153_001
MIGRATE_LOCK = 7_153_002


class StoreError(CityError):
    """The operations store cannot be reached, or is not in the state this version expects."""


class Store:
    """The operations store at a SQLAlchemy URL.

    Cheap to make: nothing is opened before the first use. Safe to share between threads; a
    process that forks calls `close` before.

    Parameters
    ----------
    url : str
        `sqlite:///path/to/file.db` or `postgresql://user:password@host/database`.

    Attributes
    ----------
    changes : ChangeLog
        What happened, numbered; open screens follow it.
    audit : AuditLog
        Who did what; append only.
    feeds : FeedStates
        How each feed is doing.
    dashboards : DashboardVersions
        What was published to whom.

    Raises
    ------
    StoreError
        The URL is malformed or names another database system.

    Examples
    --------
    >>> with Store("sqlite://") as store:
    ...     store.migrate()
    ...     store.changes.append("cube", "v1", {"indicators": 3})
    1
    """

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        self.changes = ChangeLog(self)
        self.audit = AuditLog(self)
        self.feeds = FeedStates(self)
        self.dashboards = DashboardVersions(self)

    @cached_property
    def engine(self) -> Engine:
        """SQLAlchemy's engine of it."""
        return _engine(self.url)

    def migrate(self) -> None:
        """Bring the database to the tables of this version; does nothing when it is there already.

        Safe to call from several processes at once, and on every start.

        Raises
        ------
        StoreError
            The database cannot be reached, or was written by a newer version.
        """
        from citylib.operations import migrate

        if self.url.database and self.engine.dialect.name == "sqlite":
            try:
                _ensure_private_file(Path(self.url.database))
            except OSError as error:
                raise StoreError(_explain(self.describe(), str(error))) from None
        with self._connection(writes=True) as connection:
            if self.engine.dialect.name == "postgresql":
                connection.execute(text(f"select pg_advisory_xact_lock({MIGRATE_LOCK})"))
            migrate.upgrade(connection, self.describe())

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the store."""
        with self._connection(writes=False) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction; committed at the end of the block, rolled back on an exception.

        Writers take turns, from here to their commit. On SQLite there is no other way, and on
        PostgreSQL a lock does the same: without it a writer could commit number 7 after another
        one's 8 had been read, and who follows the log would never see it.
        """
        with self._connection(writes=True) as connection:
            if self.engine.dialect.name == "postgresql":
                connection.execute(text(f"select pg_advisory_xact_lock({APPEND_LOCK})"))
            yield connection

    @contextmanager
    def _connection(self, writes: bool) -> Iterator[Connection]:
        try:
            with (
                self.engine.connect().execution_options(writes=writes) as connection,
                connection.begin(),
            ):
                yield connection
        except OperationalError as error:
            raise StoreError(_explain(self.describe(), str(error.orig))) from error
        except ProgrammingError as error:
            if "UndefinedTable" not in type(error.orig).__name__:
                raise
            raise StoreError(_explain(self.describe(), "no such table")) from error

    def describe(self) -> str:
        """The URL without its password, for messages."""
        return self.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Close all connections; the store opens new ones when it is used again."""
        if "engine" in self.__dict__:
            self.engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(
            f"database {url.split('@')[-1]!r} is not a URL; write sqlite:///path/to/file.db "
            "or postgresql://user:password@host/database"
        ) from None
    name = parsed.get_backend_name()
    if name == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if name != "sqlite":
        raise StoreError(f"database {name!r} is not known here; use sqlite or postgresql")
    return parsed


def _engine(url: URL) -> Engine:
    dumps = partial(json.dumps, ensure_ascii=False, allow_nan=False)
    if url.get_backend_name() == "postgresql":
        # A connection that the server dropped meanwhile (restart, firewall) is replaced unseen.
        return create_engine(url, json_serializer=dumps, pool_pre_ping=True)
    engine = create_engine(url, json_serializer=dumps, connect_args={"timeout": BUSY_MS / 1000})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own handling of transactions begins them too late; see _begin_sqlite.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("pragma foreign_keys = on")
    cursor.execute("pragma journal_mode")
    if cursor.fetchone()[0] == "delete":
        cursor.execute("pragma journal_mode = wal")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and then writes is refused under load; one that will write
    # says so at its beginning and waits its turn.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("begin immediate" if writes else "begin")


def _ensure_private_file(path: Path) -> None:
    if str(path) == ":memory:":
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # It holds the hashes of passwords; SQLite gives its side files the same rights.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _explain(where: str, reason: str) -> str:
    reason = reason.strip().splitlines()[0] if reason.strip() else "no reason given"
    if "no such table" in reason:
        return f"operations store {where} has no tables yet; start the platform once: citylib serve"
    return f"operations store {where} cannot be used: {reason}"
