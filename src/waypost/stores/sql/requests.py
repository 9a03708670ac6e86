"""Reads the request log. Blocking; raises StoreUnavailable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Select, func, select

from waypost.core.record import Attempt, Exchange
from waypost.stores.sql.engine import Database
from waypost.stores.sql.rows import attempt_from, exchange_from
from waypost.stores.sql.tables import ATTEMPTS, CONTENTS, EXCHANGES, LINES

LIMIT_MAX: Final = 500


class Logged(msgspec.Struct, frozen=True):
    """An exchange in the log. `seq` counts settlements: it is what `since` goes on from."""

    seq: int
    exchange: Exchange


class RequestLog:
    """The request log, newest or oldest first. At most 500 exchanges per call; bodies only by `get`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recent(self, limit: int = 20, *, key_id: str | None = None) -> Sequence[Logged]:
        """The last `limit` exchanges, newest first."""
        query = select(EXCHANGES).order_by(EXCHANGES.c.seq.desc()).limit(min(limit, LIMIT_MAX))
        if key_id is not None:
            query = query.where(EXCHANGES.c.key_id == key_id)
        with self._database.read() as connection:
            return _logged(connection, query)

    def since(self, seq: int, limit: int = 100) -> Sequence[Logged]:
        """Exchanges settled after the one with `seq`, oldest first: ask again with the last one's `seq` to follow
        the log. Ordered by settlement, so a long stream that ends late is not missed."""
        query = select(EXCHANGES).where(EXCHANGES.c.seq > seq).order_by(EXCHANGES.c.seq)
        with self._database.read() as connection:
            return _logged(connection, query.limit(min(limit, LIMIT_MAX)))

    def last(self) -> int:
        """The newest `seq`; 0 when the log is empty."""
        with self._database.read() as connection:
            return int(connection.scalar(select(func.max(EXCHANGES.c.seq))) or 0)

    def get(self, exchange_id: str) -> Exchange | None:
        """One exchange with its attempts and, where they were stored, its bodies."""
        query = (
            select(EXCHANGES, CONTENTS.c.request_body, CONTENTS.c.response_body)
            .outerjoin(CONTENTS, CONTENTS.c.exchange_id == EXCHANGES.c.exchange_id)
            .where(EXCHANGES.c.exchange_id == exchange_id)
        )
        with self._database.read() as connection:
            found = _logged(connection, query)
        return found[0].exchange if found else None


def _logged(connection: Connection, query: Select[Any]) -> Sequence[Logged]:
    rows = connection.execute(query).mappings().all()
    attempts = _attempts(connection, [row["exchange_id"] for row in rows])
    return [Logged(row["seq"], exchange_from(row, attempts.get(row["exchange_id"], ()))) for row in rows]


def _attempts(connection: Connection, exchange_ids: Sequence[str]) -> dict[str, list[Attempt]]:
    lines = [column for column in LINES.columns if column.name.endswith("_tokens")]
    query = (
        select(
            ATTEMPTS,
            *lines,
            LINES.c.usage_source,
            LINES.c.charged_nusd,
            LINES.c.units,
            LINES.c.cost_nusd,
            LINES.c.price_version,
            LINES.c.markup_nusd,
        )
        .outerjoin(LINES, LINES.c.attempt_id == ATTEMPTS.c.attempt_id)
        .where(ATTEMPTS.c.exchange_id.in_(exchange_ids))
        .order_by(ATTEMPTS.c.exchange_id, ATTEMPTS.c.place)
    )
    found: dict[str, list[Attempt]] = {}
    for row in connection.execute(query).mappings():
        found.setdefault(row["exchange_id"], []).append(attempt_from(row))
    return found
