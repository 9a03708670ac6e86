"""Fresh SQLite databases for a thousand tests: migrated once, then written from what that made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from unittest.mock import patch

from sqlalchemy import Connection

from waypost.stores.sql import schema

_NOT_OURS: Final = ("BEGIN TRANSACTION;", "COMMIT;")


@contextmanager
def migrated_once() -> Iterator[None]:
    """Migrations of an empty SQLite database run once in this process; all others as ever."""
    with patch.object(schema, "_migrate", _once(schema._migrate)):
        yield


def _once(migrate: Callable[[Connection], None]) -> Callable[[Connection], None]:
    made: list[str] = []

    def once(connection: Connection) -> None:
        if connection.dialect.name != "sqlite" or schema.revision_of(connection) is not None:
            migrate(connection)
        elif made:
            for statement in made:
                connection.exec_driver_sql(statement)
        else:
            migrate(connection)
            driver = connection.connection.driver_connection
            assert driver is not None
            made.extend(each for each in driver.iterdump() if each not in _NOT_OURS)

    return once
