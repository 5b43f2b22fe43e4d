"""Conferences: rooms, invitations, participants, chat, recordings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # What was done to a room is asked for by the room.
    op.create_index("ix_audit_subject", "audit", ["subject"])
    op.create_table(
        "rooms",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("agenda", sa.Text, nullable=False),
        sa.Column("maker", sa.String(200), nullable=False),
        sa.Column("made", INSTANT, nullable=False),
        sa.Column("begins", INSTANT),
        sa.Column("ends", INSTANT),
        sa.Column("waiting_room", sa.Boolean, nullable=False),
        sa.Column("voice_only", sa.Boolean, nullable=False),
        sa.Column("locked", sa.Boolean, nullable=False),
        sa.Column("began", INSTANT),
        sa.Column("ended", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_rooms"),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("room", sa.String(64), nullable=False),
        sa.Column("role", sa.String(50), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("maker", sa.String(200), nullable=False),
        sa.Column("made", INSTANT, nullable=False),
        sa.Column("expires", INSTANT, nullable=False),
        sa.Column("most_uses", sa.Integer, nullable=False),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("withdrawn", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
    )
    op.create_index("ix_invitations_room", "invitations", ["room"])
    op.create_table(
        "participants",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("room", sa.String(64), nullable=False),
        sa.Column("ticket", sa.String(64), nullable=False),
        sa.Column("invitation", sa.String(64)),
        sa.Column("account", sa.String(200)),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("role", sa.String(50), nullable=False),
        sa.Column("language", sa.String(35)),
        sa.Column("state", sa.String(50), nullable=False),
        sa.Column("asked", INSTANT, nullable=False),
        sa.Column("joined", INSTANT),
        sa.Column("seen", INSTANT, nullable=False),
        sa.Column("left", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_participants"),
        sa.UniqueConstraint("ticket", name="uq_participants_ticket"),
    )
    op.create_index("ix_participants_room", "participants", ["room"])
    op.create_table(
        "said",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("room", sa.String(64), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("to", sa.String(64)),
        sa.Column("time", INSTANT, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_said"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_said_room", "said", ["room"])
    op.create_table(
        "recordings",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("room", sa.String(64), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("mime", sa.String(100), nullable=False),
        sa.Column("began", INSTANT, nullable=False),
        sa.Column("ended", INSTANT),
        sa.Column("parts", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("finished", INSTANT),
        sa.Column("removed", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_recordings"),
    )
    op.create_index("ix_recordings_room", "recordings", ["room"])
