"""Moves everything from the SQLite database of a data folder to a PostgreSQL server: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

import msgspec
from pg8000.exceptions import DatabaseError, InterfaceError
from sqlalchemy import Connection, Integer, Table, func, select, text

from waypost.errors import Bug, ConfigError
from waypost.stores.sql.copying import render_rows
from waypost.stores.sql.engine import Database
from waypost.stores.sql.postgres import WRITERS
from waypost.stores.sql.postgres_journal import POSTING
from waypost.stores.sql.postgres_link import Connector, rebuilt
from waypost.stores.sql.tables import INTENTS_APPLIED, METADATA, VERSIONS

Progress = Callable[[str, int, int], object]
"""Told the table, how many of its rows are copied, and of how many."""

#: A server counts millions of rows in one statement.
STATEMENT_S: Final = 600.0
_ROWS: Final = 5_000
#: Sums of whole numbers are taken of what is left after this prime, so that none is too large for SQLite.
_PRIME: Final = 1_000_003
#: Keeps out who posts, and who writes anything else.
_LOCKS: Final = f"SELECT pg_advisory_xact_lock({POSTING}), pg_advisory_xact_lock({WRITERS})"


class Moved(msgspec.Struct, frozen=True):
    """One table, found to be the same on both sides."""

    table: str
    rows: int


def copy_rows(
    source: Database, connector: Connector, node: str, progress: Progress = lambda *_: None
) -> tuple[Moved, ...]:
    """Copy every row of an SQLite database to a PostgreSQL database whose tables are made and empty. `node` names the
    data folder: what belonged to its gateway alone belongs to this node there.

    Nobody writes to either meanwhile. Raises ConfigError when there are rows already, Bug when the copy is not the
    same, StoreUnavailable; then the target is as it was.
    """
    with source.write() as reading, _transaction(connector) as cursor:
        cursor.execute(_LOCKS)
        _check_empty(cursor)
        moved = []
        for table in METADATA.sorted_tables:
            total = int(reading.scalar(select(func.count()).select_from(table)) or 0)
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            done = 0
            progress(table.name, 0, total)
            for rows in _slices(reading, table, node):
                copy = f'COPY "{table.name}" ({names}) FROM STDIN'
                cursor.execute(copy, stream=(render_rows(rows),))
                progress(table.name, done := done + len(rows), total)
            _go_on(reading, cursor, table)
            _compare(reading, cursor, table)
            moved.append(Moved(table.name, total))
    return tuple(moved)


@contextmanager
def _transaction(connector: Connector) -> Iterator[Any]:
    try:
        with closing(connector.connect()) as wire:
            cursor = wire.cursor()
            yield cursor
            wire.commit()
    except (InterfaceError, DatabaseError, OSError) as error:
        said = rebuilt(error)
        assert said is not None  # noqa: S101 - it knows all three
        raise said from None


def _check_empty(cursor: Any) -> None:
    for table in METADATA.sorted_tables:
        there = f'SELECT EXISTS (SELECT 1 FROM "{table.name}"'  # noqa: S608 - a name of tables.py
        # The migrations begin to count, at 0.
        if _one(cursor, f"{there} WHERE value > 0)" if table is VERSIONS else f"{there})")[0]:
            raise ConfigError(
                f"The target has rows already, in the table {table.name}. Copy into a new database, which no gateway "
                "has used."
            )
    cursor.execute('DELETE FROM "versions"')


def _slices(reading: Connection, table: Table, node: str) -> Iterator[list[tuple[object, ...]]]:
    names = [column.name for column in table.columns]
    # A lone gateway and a first worker have no name, and their segments no prefix.
    changed = names.index("node") if "node" in names else None
    found = reading.execution_options(yield_per=_ROWS).execute(select(table).order_by(*table.primary_key))
    for part in found.partitions(_ROWS):
        if table is INTENTS_APPLIED:
            yield [(segment if "/" in segment else f"{node}/{segment}", upto) for segment, upto in part]
        elif changed is None:
            yield [tuple(row) for row in part]
        else:
            yield [(*row[:changed], row[changed] or node, *row[changed + 1 :]) for row in part]


def _go_on(reading: Connection, cursor: Any, table: Table) -> None:
    """Numbers go on where they were, even if the newest rows are deleted by now."""
    counted = table.autoincrement_column
    if counted is None:
        return
    asked = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    last = max(
        int(reading.scalar(select(func.max(counted))) or 0),
        int(reading.scalar(asked, {"name": table.name}) or 0) if _has_sequences(reading) else 0,
    )
    if last:
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence(%s::text, %s::text), %s::bigint)",
            (table.name, counted.name, last),
        )


def _has_sequences(reading: Connection) -> bool:
    asked = text("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'")
    return bool(reading.scalar(asked))


def _compare(reading: Connection, cursor: Any, table: Table) -> None:
    """Rows, and the sums of all whole numbers."""
    numbers = [column.name for column in table.columns if isinstance(column.type, Integer)]
    sums = "".join(f', coalesce(sum("{name}" % {_PRIME}), 0)' for name in numbers)
    asked = f'SELECT count(*){sums} FROM "{table.name}"'  # noqa: S608 - names of tables.py
    here = reading.exec_driver_sql(asked).one()
    there = _one(cursor, asked)
    if list(map(int, here)) != list(map(int, there)):
        raise Bug(f"The copy of the table {table.name} is not the same. Nothing was kept of it.")


def _one(cursor: Any, asked: str) -> Sequence[Any]:
    cursor.execute(asked)
    return cursor.fetchone()  # type: ignore[no-any-return] # the driver has no types
