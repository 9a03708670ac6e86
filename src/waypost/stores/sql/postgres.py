"""A PostgreSQL database, for when one machine is not enough. SQLite's rules hold here too: who writes has the write
lock from the first moment, who reads sees one consistent picture."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, create_engine, event, text

from waypost.errors import ConfigError
from waypost.stores.sql.address import Address, Secret
from waypost.stores.sql.engine import READ, SHARED, Database
from waypost.stores.sql.postgres_line import Line
from waypost.stores.sql.postgres_link import LOCK_S, PROMPT_S, Connector, rebuilt

#: One for all writers of all nodes: what only the control plane and clients' kept things write.
WRITERS: Final = 0x77617970  # "wayp"


def open_postgres(
    address: Address, secret: Secret | None = None, *, statement_s: float = PROMPT_S
) -> Database:
    """The database at an address; nothing is asked yet. `schema.prepare` brings the tables up to date. `statement_s`:
    the longest that a statement may take. Raises ConfigError."""
    connector = Connector(address, secret, statement_s=statement_s)
    engine = create_engine(
        "postgresql+pg8000://",
        creator=connector.connect,
        pool_size=5,
        max_overflow=10,
        pool_timeout=LOCK_S,
        pool_pre_ping=True,
        pool_recycle=900,
    )

    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(READ):
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        elif not connection.get_execution_options().get(SHARED):
            connection.execute(text(f"SELECT pg_advisory_xact_lock({WRITERS})"))

    event.listen(engine, "begin", begin)
    made = Database(engine, rebuilt)
    made.line = Line(connector)
    return made


def check_server(database: Database) -> None:
    """Raises ConfigError for a server that would lose what it says it has kept."""
    with database.read() as connection:
        if connection.scalar(text("SHOW fsync")) != "on":
            raise ConfigError(
                "The PostgreSQL server runs with fsync off: after a loss of power its books could be damaged. "
                "Set `fsync = on`, or WAYPOST_DATABASE_UNSAFE=1 where nothing of it matters."
            )
        if connection.scalar(text("SHOW synchronous_commit")) == "off":
            raise ConfigError(
                "The PostgreSQL server runs with synchronous_commit off for this user or database: what it says it has "
                "kept could be gone after its crash, when the gateway has deleted its own copy. "
                "Set `synchronous_commit = on`, or WAYPOST_DATABASE_UNSAFE=1 where nothing of it matters."
            )
