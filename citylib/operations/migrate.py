"""Running the migrations of `migrations/versions` on an open connection."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from citylib.operations.tables import metadata

FOLDER = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, where: str) -> None:
    """Run what is missing, inside the caller's transaction.

    Raises
    ------
    StoreError
        The database is at a version that this package does not know.
    """
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        from citylib.operations.store import StoreError

        raise StoreError(
            f"operations store {where} is at version {current}, which this version of the "
            "platform does not know: install the newer version, or go back to a backup"
        )
    if current == scripts.get_current_head():
        return
    with EnvironmentContext(
        config, scripts, fn=lambda revision, _: scripts._upgrade_revs("head", revision)
    ) as context:
        context.configure(connection=connection, target_metadata=metadata)
        context.run_migrations()
