"""Versions of published dashboards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "dashboards",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("time", INSTANT, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("action", sa.String(50), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_dashboards"),
        sa.UniqueConstraint("name", "version", name="uq_dashboards_name"),
        sqlite_autoincrement=True,
    )
