"""States of the feeds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "feeds",
        sa.Column("feed", sa.String(200), nullable=False),
        sa.Column("attempted", INSTANT),
        sa.Column("succeeded", INSTANT),
        sa.Column("newest", INSTANT),
        sa.Column("due", INSTANT),
        sa.Column("read", sa.BigInteger, nullable=False),
        sa.Column("stored", sa.BigInteger, nullable=False),
        sa.Column("duplicate", sa.BigInteger, nullable=False),
        sa.Column("set_aside", sa.BigInteger, nullable=False),
        sa.Column("errors", sa.Integer, nullable=False),
        sa.Column("error", sa.String(1000), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("memory", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("feed", name="pk_feeds"),
    )
