"""Which database a data folder works on: SQLite in the folder, or the PostgreSQL server that the environment names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from waypost.stores.node import node_of
from waypost.stores.seat import Seat
from waypost.stores.sql.address import address_from, secret_from
from waypost.stores.sql.engine import Database, open_sqlite
from waypost.stores.sql.schema import prepare
from waypost.stores.sql.sqlite_file import FILE_NAME, Durability
from waypost.stores.sql.variables import UNSAFE


def open_database(
    data: Path,
    environ: Mapping[str, str],
    *,
    durability: Durability = "process",
    create: bool = True,
    worker: int = 0,
) -> Database | None:
    """The database, with its tables up to date. None: there is none in the folder, and `create` is False. `worker`: see
    `Seat`; where there are several, the file in the folder is shared as a server is.

    Raises StoreUnavailable, and ConfigError for an address that is none, a server that is not safe, or tables of a
    newer version.
    """
    address = address_from(environ)
    if address is None:
        if not create and not (data / FILE_NAME).exists():
            return None
        database = _prepared(open_sqlite(data, durability=durability))
        database.node = Seat(data, worker).node(node_of(data)) if worker else ""
        return database
    from waypost.stores.sql.postgres import check_server, open_postgres
    from waypost.stores.sql.postgres_link import PATIENT_S

    secret, node = secret_from(environ), node_of(data)
    patient = open_postgres(address, secret, statement_s=PATIENT_S)
    try:
        if environ.get(UNSAFE) != "1":
            check_server(patient)
        prepare(patient)
    finally:
        patient.close()
    database = open_postgres(address, secret)
    database.node, database.home = Seat(data, worker).node(node), node
    return database


def _prepared(database: Database) -> Database:
    try:
        prepare(database)
    except BaseException:
        database.close()
        raise
    return database
