"""The durable side of the ledger on PostgreSQL: `ports.Journal` for one node among several.

Each node has intents files of its own, so their segments are kept under its name. Batches of all nodes are posted one
after the other: so the request log is in the order of its numbers, and no two of them wait for each other's accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import msgspec
from pg8000.exceptions import DatabaseError, InterfaceError

from waypost.core.record import Exchange
from waypost.core.scope import EXCHANGE, counts_exchanges
from waypost.errors import Bug, GatewayError, StoreUnavailable
from waypost.stores.sql.copying import render_rows
from waypost.stores.sql.postgres_link import Connector, Wire, rebuilt
from waypost.stores.sql.rollup import COLUMNS as USAGE
from waypost.stores.sql.rollup import OF, SUMS
from waypost.stores.sql.rows import COLUMNS, Batch, Row

#: Whoever posts holds it: one batch at a time.
POSTING: Final = 0x77617971
#: Exchanges made into rows between two pauses.
_TURN: Final = 16
_TABLES: Final = tuple(COLUMNS)
_NAMES: Final = {table: ", ".join(f'"{name}"' for name in COLUMNS[table]) for table in _TABLES}
_COPY: Final = {table: f'COPY "{table}" ({_NAMES[table]}) FROM STDIN' for table in _TABLES}
# names come from rows.py only
_STAGE: Final = {
    table: (
        f'CREATE TEMPORARY TABLE "incoming_{table}" ON COMMIT DROP AS SELECT {_NAMES[table]} FROM "{table}" '  # noqa: S608
        "WITH NO DATA",
        f'COPY "incoming_{table}" ({_NAMES[table]}) FROM STDIN',
        f'INSERT INTO "{table}" ({_NAMES[table]}) SELECT {_NAMES[table]} FROM "incoming_{table}"'  # noqa: S608
        + ("" if table == "lines" else " ON CONFLICT DO NOTHING"),
    )
    for table in _TABLES
}
_POST: Final = (
    "INSERT INTO accounts (account_id, scope, scope_id, window_start, posted_nusd, lines) "
    "SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[]) "
    "ON CONFLICT (account_id) DO UPDATE SET posted_nusd = accounts.posted_nusd + excluded.posted_nusd, "
    "lines = accounts.lines + excluded.lines"
)
_USAGE: Final = (
    f"INSERT INTO usage ({', '.join(USAGE)}) SELECT "  # noqa: S608
    + ", ".join(
        f"row->>{place}" if name in OF[1:] else f"(row->>{place})::bigint" for place, name in enumerate(USAGE)
    )
    + f" FROM json_array_elements(%s::json) AS row "
    f"ON CONFLICT ({', '.join(OF)}) DO UPDATE SET "
    f"{', '.join(f'{name} = usage.{name} + excluded.{name}' for name in SUMS)}"
)
#: What was leased to this node and is spent now; accounts without a lease of it are not touched.
_SPEND: Final = (
    "WITH spent AS (SELECT * FROM unnest(%s::text[], %s::bigint[]) AS spent (id, amount)), "
    "leased AS (UPDATE leases SET amount_nusd = amount_nusd - spent.amount FROM spent "
    "WHERE leases.account_id = spent.id AND node = %s RETURNING spent.id, spent.amount) "
    "UPDATE accounts SET leased_nusd = leased_nusd - leased.amount FROM leased WHERE account_id = leased.id"
)
_REMEMBER: Final = (
    "INSERT INTO intents_applied (segment, upto) VALUES (%s, %s) "
    "ON CONFLICT (segment) DO UPDATE SET upto = excluded.upto"
)
_KNOWN_EXCHANGES: Final = "SELECT exchange_id FROM exchanges WHERE exchange_id = ANY(%s::text[])"
_KNOWN: Final = (
    "SELECT attempt_id FROM attempts WHERE exchange_id = ANY(%s::text[]) "
    "UNION SELECT attempt_id FROM lines WHERE attempt_id = ANY(%s::text[])"
)


class PostgresJournal:
    """Lines, accounts and the request log, written together. Blocking; raises StoreUnavailable and Bug only.

    One connection, opened when it is needed and again after it broke; for one thread at a time. `node` names whose
    segments these are. `pause` is called every few exchanges.
    """

    def __init__(self, connector: Connector, node: str, *, pause: Callable[[], object] | None = None) -> None:
        self._connector = connector
        self._node = node
        self._of_node = f"{node}/"
        self._pause = pause
        self._wire: Wire | None = None

    def close(self) -> None:
        """Give the connection back. Idempotent."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def posted(self, account_ids: Sequence[str]) -> dict[str, int]:
        """See `ports.Journal`."""
        asked = "SELECT account_id, posted_nusd FROM accounts WHERE account_id = ANY(%s::text[])"
        with self._transaction() as cursor:
            return {row[0]: int(row[1]) for row in _rows(cursor, asked, (list(account_ids),))}

    def post(self, segment: str, upto: int, exchanges: Sequence[Exchange]) -> None:
        """See `ports.Journal`. Raises Bug, and writes nothing, when one of them is there already."""
        batch = self._batch(exchanges)
        with self._transaction(posting=True) as cursor:
            for table, rows in _filled(batch):
                cursor.execute(_COPY[table], stream=(render_rows(rows),))
            self._add_up(cursor, batch)
            cursor.execute(_REMEMBER, (self._of_node + segment, upto))

    def applied(self) -> dict[str, int]:
        """See `ports.Journal`."""
        start = len(self._of_node)
        asked = "SELECT segment, upto FROM intents_applied WHERE starts_with(segment, %s)"
        with self._transaction() as cursor:
            return {row[0][start:]: int(row[1]) for row in _rows(cursor, asked, (self._of_node,))}

    def repost(self, exchanges: Sequence[Exchange]) -> int:
        """See `ports.Journal`. An attempt is skipped when it has a line, and also when the request log knows it as
        one that was not billed."""
        attempt_ids = [attempt.attempt_id for exchange in exchanges for attempt in exchange.attempts]
        exchange_ids = [exchange.exchange_id for exchange in exchanges]
        with self._transaction(posting=True) as cursor:
            having = frozenset(row[0] for row in _rows(cursor, _KNOWN, (exchange_ids, attempt_ids)))
            logged = {row[0] for row in _rows(cursor, _KNOWN_EXCHANGES, (exchange_ids,))}
            batch = self._batch(exchanges, having, logged)
            for table, rows in _filled(batch):
                stage, copy, move = _STAGE[table]
                cursor.execute(stage)
                cursor.execute(copy, stream=(render_rows(rows),))
                cursor.execute(move)
            self._add_up(cursor, batch)
        return len(batch.lines)

    def forget(self, segment: str) -> None:
        """See `ports.Journal`."""
        with self._transaction() as cursor:
            cursor.execute("DELETE FROM intents_applied WHERE segment = %s", (self._of_node + segment,))

    def drift(self) -> dict[str, int]:
        """Accounts whose posted sum is not the sum of their lines, with the difference. Empty: the books are right.

        Reads every line; for checks and tests, not for the request path.
        """
        sums: dict[str, int] = {}
        with self._transaction() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            asked = "SELECT accounts, coalesce(sum(cost_nusd), 0), count(*) FROM lines GROUP BY accounts"
            for accounts, total, lines in _rows(cursor, asked, ()):
                for account in msgspec.json.decode(accounts, type=tuple[str, ...]):
                    amount = EXCHANGE * int(lines) if counts_exchanges(account) else int(total)
                    sums[account] = sums.get(account, 0) + amount
            found = _rows(cursor, "SELECT account_id, posted_nusd FROM accounts", ())
            posted = {account: int(total) for account, total in found}
        return {
            account: posted.get(account, 0) - sums.get(account, 0)
            for account in sums.keys() | posted.keys()
            if posted.get(account, 0) != sums.get(account, 0)
        }

    def _batch(
        self,
        exchanges: Sequence[Exchange],
        having: frozenset[str] = frozenset(),
        logged: set[str] | None = None,
    ) -> Batch:
        batch = Batch()
        for place, exchange in enumerate(exchanges, 1):
            if logged is None:
                batch.add(exchange)
            else:
                batch.add_missing(exchange, having, logged)
            if self._pause is not None and place % _TURN == 0:
                self._pause()
        return batch

    def _add_up(self, cursor: Any, batch: Batch) -> None:
        usage = batch.usage.rows()
        if usage:
            # One value: sixteen lists cost the driver 5 µs for each exchange.
            cursor.execute(_USAGE, (msgspec.json.encode(usage).decode(),))
        if not batch.posted:
            return
        parts = [(account, *account.split(":", 2), *sums) for account, sums in sorted(batch.posted.items())]
        columns = [list(column) for column in zip(*parts, strict=True)]
        cursor.execute(_POST, tuple(columns))
        cursor.execute(_SPEND, (columns[0], columns[4], self._node))

    @contextmanager
    def _transaction(self, *, posting: bool = False) -> Iterator[Any]:
        """A cursor; all that is done with it, or nothing."""
        wire = self._opened()
        try:
            cursor = wire.cursor()
            if posting:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", (POSTING,))
            yield cursor
            wire.commit()
        except GatewayError:
            self._undo(wire)
            raise
        except (InterfaceError, DatabaseError, OSError) as error:
            said = rebuilt(error)
            assert said is not None  # noqa: S101 - it knows all three
            if isinstance(said, StoreUnavailable):
                self.close()  # which ends the transaction
            else:
                self._undo(wire)
            raise said from None
        except OverflowError:
            self._undo(wire)
            raise Bug("A value does not fit the database.") from None

    def _opened(self) -> Wire:
        if self._wire is None:
            try:
                self._wire = self._connector.connect()
            except (InterfaceError, DatabaseError) as error:
                said = rebuilt(error)
                assert said is not None  # noqa: S101 - it knows both
                raise said from None
        return self._wire

    def _undo(self, wire: Wire) -> None:
        with suppress(InterfaceError, DatabaseError, OSError):
            wire.rollback()
            return
        self.close()


def _filled(batch: Batch) -> Iterator[tuple[str, list[Row]]]:
    for table, rows in (
        ("exchanges", batch.exchanges),
        ("attempts", batch.attempts),
        ("lines", batch.lines),
        ("contents", batch.contents),
    ):
        if rows:
            yield table, rows


def _rows(cursor: Any, asked: str, values: tuple[object, ...]) -> Sequence[Sequence[Any]]:
    cursor.execute(asked, values)
    return cursor.fetchall()  # type: ignore[no-any-return] # the driver has no types
