"""Gateways whose books are on a PostgreSQL server."""

from __future__ import annotations

from pathlib import Path

from postgres_server import PostgresServer
from process.forked import ForkedGateway, Nursery
from waypost.stores.sql.variables import URL


class Node(ForkedGateway):
    """One that is asked about its books as one on SQLite is."""

    def __init__(
        self, made_by: Nursery, folder: Path, config: str, server: PostgresServer, where: dict[str, str]
    ) -> None:
        folder.mkdir()
        super().__init__(made_by, folder, config, where)
        self._server = server
        self._name = where[URL].rpartition("/")[2]

    def query(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        named = {f"v{number}": value for number, value in enumerate(values)}
        for name in named:
            sql = sql.replace("?", f"CAST(:{name} AS text)", 1)
        with self._server.connection(self._name) as connection:
            return [tuple(row) for row in connection.run(sql, **named)]
