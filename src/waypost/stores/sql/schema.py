"""Brings a database's tables up to date. Alembic is imported only when there is something to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, inspect, text

from waypost.errors import ConfigError
from waypost.stores.sql import migrations
from waypost.stores.sql.engine import Database

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext

#: The newest revision in `migrations/versions`; revisions are numbers, so that newer can be told from older.
HEAD: Final = "0013"
_FOLDER: Final = Path(migrations.__file__).parent


def prepare(database: Database) -> bool:
    """Migrate if need be; True when something was done. Safe when two processes start at once.

    Raises ConfigError when the database was written by a newer Waypost, StoreUnavailable when it does not answer.
    """
    with database.read() as connection:
        if revision_of(connection) == HEAD:
            return False
    with database.write() as connection:
        revision = revision_of(connection)
        if revision == HEAD:
            return False
        if revision is not None and revision > HEAD:
            raise ConfigError(
                f"The database is at revision {revision}, and this Waypost knows revisions up to {HEAD}: it was "
                "written by a newer version. Install that version, or restore a backup made before the upgrade."
            )
        _migrate(connection)
    return True


def revision_of(connection: Connection) -> str | None:
    """At which revision the tables are; None: there are none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _migrate(connection: Connection) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(_FOLDER))

    def upgrade(revision: Any, _context: MigrationContext) -> Any:
        return script._upgrade_revs("head", revision)

    with EnvironmentContext(Config(), script, fn=upgrade) as environment:
        # The transaction is the caller's: all of the upgrade happens, or nothing of it.
        environment.configure(connection=connection, transactional_ddl=False)
        environment.run_migrations()
