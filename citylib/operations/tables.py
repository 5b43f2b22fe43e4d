"""The tables of the operations store; `migrations/versions` brings a database to this state."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import BigInteger, TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only when the key is spelled INTEGER.
Number = BigInteger().with_variant(Integer(), "sqlite")


class Instant(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps it without its zone, readers always get it with."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone: pass an aware datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


changes = Table(
    "changes",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("time", Instant, nullable=False),
    Column("kind", String(100), nullable=False),
    Column("subject", String(500), nullable=False),
    Column("detail", JSON, nullable=False),
    Column("key", String(500), unique=True),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("time", Instant, nullable=False),
    Column("actor", String(200), nullable=False, index=True),
    Column("action", String(100), nullable=False),
    Column("subject", String(500), nullable=False, index=True),
    Column("detail", JSON, nullable=False),
    sqlite_autoincrement=True,
)

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("role", String(50), nullable=False),
    Column("password", String(500), nullable=False),
    Column("created", Instant, nullable=False),
    Column("changed", Instant, nullable=False),
)

feeds = Table(
    "feeds",
    metadata,
    Column("feed", String(200), primary_key=True),
    Column("attempted", Instant),
    Column("succeeded", Instant),
    Column("newest", Instant),
    Column("due", Instant),
    Column("read", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("duplicate", BigInteger, nullable=False),
    Column("set_aside", BigInteger, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("error", String(1000), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("memory", JSON, nullable=False),
)

dashboards = Table(
    "dashboards",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("time", Instant, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(50), nullable=False),
    Column("name", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("roles", JSON, nullable=False),
    UniqueConstraint("name", "version"),
    sqlite_autoincrement=True,
)

rooms = Table(
    "rooms",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("title", String(200), nullable=False),
    Column("agenda", Text, nullable=False),
    Column("maker", String(200), nullable=False),
    Column("made", Instant, nullable=False),
    Column("begins", Instant),
    Column("ends", Instant),
    Column("waiting_room", Boolean, nullable=False),
    Column("voice_only", Boolean, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("began", Instant),
    Column("ended", Instant),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("room", String(64), nullable=False, index=True),
    Column("role", String(50), nullable=False),
    Column("name", String(80), nullable=False),
    Column("email", String(254), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("language", String(35), nullable=False),
    Column("maker", String(200), nullable=False),
    Column("made", Instant, nullable=False),
    Column("expires", Instant, nullable=False),
    Column("most_uses", Integer, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("withdrawn", Instant),
)

participants = Table(
    "participants",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("room", String(64), nullable=False, index=True),
    Column("ticket", String(64), nullable=False, unique=True),
    Column("invitation", String(64)),
    Column("account", String(200)),
    Column("name", String(80), nullable=False),
    Column("role", String(50), nullable=False),
    Column("language", String(35)),
    Column("state", String(50), nullable=False),
    Column("asked", Instant, nullable=False),
    Column("joined", Instant),
    Column("seen", Instant, nullable=False),
    Column("left", Instant),
)

said = Table(
    "said",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("room", String(64), nullable=False, index=True),
    Column("who", String(64), nullable=False),
    Column("name", String(80), nullable=False),
    Column("to", String(64)),
    Column("time", Instant, nullable=False),
    Column("text", Text, nullable=False),
    sqlite_autoincrement=True,
)

recordings = Table(
    "recordings",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("room", String(64), nullable=False, index=True),
    Column("who", String(64), nullable=False),
    Column("name", String(80), nullable=False),
    Column("mime", String(100), nullable=False),
    Column("began", Instant, nullable=False),
    Column("ended", Instant),
    Column("parts", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("finished", Instant),
    Column("removed", Instant),
)
