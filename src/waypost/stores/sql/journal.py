"""The durable side of the ledger: `ports.Journal` in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from time import sleep
from typing import Final

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from waypost.core.record import Exchange
from waypost.stores.sql.engine import Database
from waypost.stores.sql.rows import Batch, Inserts
from waypost.stores.sql.tables import ACCOUNTS, ATTEMPTS, INTENTS_APPLIED, LINES

#: Ids per IN list: far below every engine's limit of bound values.
_SLICE: Final = 500
#: Exchanges after which the writer's thread lets go of the interpreter. It would be made to after 5 ms, and for so long
#: a request on the event loop's thread would stand still, several times over.
_TURN: Final = 8


class SqlJournal:
    """Lines, accounts and the request log, written together. Blocking; raises StoreUnavailable and Bug only."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = Inserts()
        self._insert_missing = Inserts(ignore=True)

    def posted(self, account_ids: Sequence[str]) -> dict[str, int]:
        """See `ports.Journal`."""
        query = select(ACCOUNTS.c.account_id, ACCOUNTS.c.posted_nusd)
        found: dict[str, int] = {}
        with self._database.read() as connection:
            for start in range(0, len(account_ids), _SLICE):
                wanted = ACCOUNTS.c.account_id.in_(account_ids[start : start + _SLICE])
                for account_id, posted in connection.execute(query.where(wanted)):
                    found[account_id] = posted
        return found

    def post(self, segment: str, upto: int, exchanges: Sequence[Exchange]) -> None:
        """See `ports.Journal`. Raises Bug, and writes nothing, when one of them is there already."""
        batch = Batch()
        for place, exchange in enumerate(exchanges):
            if place % _TURN == 0:
                sleep(0)
            batch.add(exchange)
        with self._database.write() as connection:
            self._insert.run(connection, batch)
            _add_posted(connection, batch)
            connection.execute(_REMEMBER, {"segment": segment, "upto": upto})

    def applied(self) -> dict[str, int]:
        """See `ports.Journal`."""
        with self._database.read() as connection:
            rows = connection.execute(select(INTENTS_APPLIED.c.segment, INTENTS_APPLIED.c.upto))
            return {row.segment: row.upto for row in rows}

    def repost(self, exchanges: Sequence[Exchange]) -> int:
        """See `ports.Journal`. An attempt is skipped when it has a line, and also when the request log knows it as
        one that was not billed."""
        with self._database.write() as connection:
            having: set[str] = set()
            for start in range(0, len(exchanges), _SLICE):
                having |= _known(connection, exchanges[start : start + _SLICE])
            batch = Batch()
            for exchange in exchanges:
                batch.add(exchange, having)
            self._insert_missing.run(connection, batch)
            _add_posted(connection, batch)
        return len(batch.lines)

    def forget(self, segment: str) -> None:
        """See `ports.Journal`."""
        with self._database.write() as connection:
            connection.execute(delete(INTENTS_APPLIED).where(INTENTS_APPLIED.c.segment == segment))

    def drift(self) -> dict[str, int]:
        """Accounts whose posted sum is not the sum of their lines, with the difference. Empty: the books are right.

        Reads every line; for checks and tests, not for the request path.
        """
        sums: dict[str, int] = {}
        with self._database.read() as connection:
            query = select(LINES.c.accounts, func.coalesce(func.sum(LINES.c.cost_nusd), 0))
            for text, total in connection.execute(query.group_by(LINES.c.accounts)):
                for account in _account_ids(text):
                    sums[account] = sums.get(account, 0) + int(total)
            rows = connection.execute(select(ACCOUNTS.c.account_id, ACCOUNTS.c.posted_nusd))
            posted = {row.account_id: row.posted_nusd for row in rows}
        return {
            account: posted.get(account, 0) - sums.get(account, 0)
            for account in sums.keys() | posted.keys()
            if posted.get(account, 0) != sums.get(account, 0)
        }


def _known(connection: Connection, exchanges: Sequence[Exchange]) -> set[str]:
    attempt_ids = [attempt.attempt_id for exchange in exchanges for attempt in exchange.attempts]
    exchange_ids = [exchange.exchange_id for exchange in exchanges]
    known = set(
        connection.scalars(select(ATTEMPTS.c.attempt_id).where(ATTEMPTS.c.exchange_id.in_(exchange_ids)))
    )
    for start in range(0, len(attempt_ids), _SLICE):
        wanted = LINES.c.attempt_id.in_(attempt_ids[start : start + _SLICE])
        known.update(connection.scalars(select(LINES.c.attempt_id).where(wanted)))
    return known


def _add_posted(connection: Connection, batch: Batch) -> None:
    if not batch.posted:
        return
    rows = []
    for account_id, (amount, lines) in batch.posted.items():
        scope, scope_id, window = account_id.split(":", 2)
        rows.append(
            {
                "account_id": account_id,
                "scope": scope,
                "scope_id": scope_id,
                "window_start": window,
                "posted_nusd": amount,
                "lines": lines,
            }
        )
    connection.execute(_POST, rows)


def _account_ids(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])


_NEW_ACCOUNT = insert(ACCOUNTS)
_POST: Final = _NEW_ACCOUNT.on_conflict_do_update(
    index_elements=[ACCOUNTS.c.account_id],
    set_={
        "posted_nusd": ACCOUNTS.c.posted_nusd + _NEW_ACCOUNT.excluded.posted_nusd,
        "lines": ACCOUNTS.c.lines + _NEW_ACCOUNT.excluded.lines,
    },
)
_REMEMBER: Final = (
    insert(INTENTS_APPLIED)
    .values(segment=bindparam("segment"), upto=bindparam("upto"))
    .on_conflict_do_update(index_elements=[INTENTS_APPLIED.c.segment], set_={"upto": bindparam("upto")})
)
