"""Which journal the ledger of a data folder is written to: SQLite's in the folder, or that of the PostgreSQL server
which the environment names. Without SQLAlchemy, for the ledger's writer process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from waypost.stores.seat import Seat
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.sqlite_file import Durability
from waypost.stores.sql.variables import URL

if TYPE_CHECKING:
    from waypost.stores.sql.node_lock import NodeLock
    from waypost.stores.sql.postgres_journal import PostgresJournal

AnyJournal: TypeAlias = "SqliteJournal | PostgresJournal"


def open_journal(
    data: Path,
    environ: Mapping[str, str],
    *,
    durability: Durability = "process",
    pause: Callable[[], object] | None = None,
    worker: int = 0,
) -> AnyJournal:
    """`worker`: see `Seat`.

    Raises StoreUnavailable when it can not be opened, ConfigError when the environment names no good address."""
    from waypost.stores.node import node_of

    seat = Seat(data, worker)
    if not environ.get(URL):
        node = seat.node(node_of(data)) if worker else ""
        prefix = "" if seat.leads else f"{node}/"
        return SqliteJournal(data, durability=durability, pause=pause, node=node, prefix=prefix)
    from waypost.stores.sql.address import parse_address, secret_from
    from waypost.stores.sql.postgres_journal import PostgresJournal
    from waypost.stores.sql.postgres_link import STEADY_S, Connector

    connector = Connector(parse_address(environ[URL]), secret_from(environ), statement_s=STEADY_S)
    return PostgresJournal(connector, seat.node(node_of(data)), pause=pause)


def open_node_lock(environ: Mapping[str, str], node: str) -> NodeLock | None:
    """What keeps two gateways from being one node; None where the database is in the data folder. Raises
    ConfigError."""
    if not environ.get(URL):
        return None
    from waypost.stores.sql.address import parse_address, secret_from
    from waypost.stores.sql.node_lock import NodeLock
    from waypost.stores.sql.postgres_link import Connector

    return NodeLock(Connector(parse_address(environ[URL]), secret_from(environ)), node)
