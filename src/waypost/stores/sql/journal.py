"""The durable side of the ledger: `ports.Journal` on SQLite, without anything between.

The ledger's writer process runs on this alone: plain `sqlite3` and msgspec, a third of the memory of SQLAlchemy and a
start of a twentieth of a second. The tables are made by `schema.prepare` before this opens them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from waypost.core.record import Exchange
from waypost.core.scope import EXCHANGE, counts_exchanges
from waypost.errors import Bug, GatewayError, StoreUnavailable
from waypost.stores.sql.rollup import COLUMNS as USAGE
from waypost.stores.sql.rollup import OF, SUMS
from waypost.stores.sql.rows import COLUMNS, Batch
from waypost.stores.sql.sqlite_file import FILE_NAME, Durability, pragmas


def insert_into(table: str, *, ignore: bool = False) -> str:
    """The INSERT of one row. With `ignore`, a row that is there already is left alone."""
    names = ", ".join(f'"{column}"' for column in COLUMNS[table])
    marks = ", ".join("?" * len(COLUMNS[table]))
    tail = " ON CONFLICT DO NOTHING" if ignore else ""
    return f'INSERT INTO "{table}" ({names}) VALUES ({marks}){tail}'  # noqa: S608  # names from rows.py only


#: Rows, or exchanges made into rows, between two pauses: some tens of microseconds.
_TURN: Final = 16
_INSERT: Final = {table: insert_into(table) for table in COLUMNS}
#: For recovery: rows of the request log that are there already are left alone. Lines never are: a second line for an
#: attempt is an error.
_INSERT_MISSING: Final = {table: insert_into(table, ignore=table != "lines") for table in COLUMNS}
#: A list of ids is one bound value: JSON, taken apart by SQLite.
_IN: Final = "IN (SELECT value FROM json_each(?))"
_POSTED: Final = f"SELECT account_id, posted_nusd FROM accounts WHERE account_id {_IN}"  # noqa: S608
_KNOWN: Final = (
    f"SELECT attempt_id FROM attempts WHERE exchange_id {_IN} "  # noqa: S608
    f"UNION SELECT attempt_id FROM lines WHERE attempt_id {_IN}"
)
_POST: Final = (
    "INSERT INTO accounts (account_id, scope, scope_id, window_start, posted_nusd, lines) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (account_id) DO UPDATE SET posted_nusd = posted_nusd + excluded.posted_nusd, "
    "lines = lines + excluded.lines"
)
#: What was leased to this node and is spent now; accounts without a lease of it are not touched.
_SPEND: Final = (
    "UPDATE accounts SET leased_nusd = leased_nusd - ?1 WHERE account_id = ?2 "
    "AND EXISTS (SELECT 1 FROM leases WHERE account_id = ?2 AND node = ?3)",
    "UPDATE leases SET amount_nusd = amount_nusd - ?1 WHERE account_id = ?2 AND node = ?3",
)
_KNOWN_EXCHANGES: Final = f"SELECT exchange_id FROM exchanges WHERE exchange_id {_IN}"  # noqa: S608
_USAGE: Final = (
    f"INSERT INTO usage ({', '.join(USAGE)}) VALUES ({', '.join('?' * len(USAGE))}) "  # noqa: S608
    f"ON CONFLICT ({', '.join(OF)}) DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in SUMS)}"
)
_REMEMBER: Final = (
    "INSERT INTO intents_applied (segment, upto) VALUES (?, ?) "
    "ON CONFLICT (segment) DO UPDATE SET upto = excluded.upto"
)


class SqliteJournal:
    """Lines, accounts and the request log, written together. Blocking; raises StoreUnavailable and Bug only.

    One connection, for one thread at a time. `busy_s` is how long a write waits for another process. `pause` is called
    every few rows, for a process that others on its processor should not have to wait for.
    """

    def __init__(
        self,
        data: Path,
        *,
        durability: Durability = "process",
        busy_s: float = 5.0,
        pause: Callable[[], object] | None = None,
        node: str = "",
        prefix: str = "",
    ) -> None:
        """`node`: whose leases pay for what is posted, where several processes share the file; `prefix`: before the
        names of its segments. Raises StoreUnavailable when the file is not there or can not be opened."""
        self._pause = pause
        self._node = node
        self._prefix = prefix
        address = f"{(data / FILE_NAME).absolute().as_uri()}?mode=rw"
        with _rebuilt():
            self._connection = sqlite3.connect(
                address, uri=True, timeout=busy_s, isolation_level=None, check_same_thread=False
            )
            for pragma in pragmas(durability):
                self._connection.execute(f"PRAGMA {pragma}")

    def close(self) -> None:
        """Give the connection back to the system."""
        self._connection.close()

    def posted(self, account_ids: Sequence[str]) -> dict[str, int]:
        """See `ports.Journal`."""
        with _rebuilt():
            return dict(self._connection.execute(_POSTED, (_ids(account_ids),)))

    def post(self, segment: str, upto: int, exchanges: Sequence[Exchange]) -> None:
        """See `ports.Journal`. Raises Bug, and writes nothing, when one of them is there already."""
        batch = Batch()
        for place, exchange in enumerate(exchanges, 1):
            batch.add(exchange)
            if self._pause is not None and place % _TURN == 0:
                self._pause()
        with self._transaction() as connection:
            self._write(connection, batch, _INSERT)
            connection.execute(_REMEMBER, (self._prefix + segment, upto))

    def applied(self) -> dict[str, int]:
        """See `ports.Journal`."""
        with _rebuilt():
            rows = self._connection.execute("SELECT segment, upto FROM intents_applied").fetchall()
        whose = len(self._prefix)
        return {
            segment[whose:]: upto
            for segment, upto in rows
            if segment.startswith(self._prefix) and "/" not in segment[whose:]
        }

    def repost(self, exchanges: Sequence[Exchange]) -> int:
        """See `ports.Journal`. An attempt is skipped when it has a line, and also when the request log knows it as
        one that was not billed."""
        attempt_ids = [attempt.attempt_id for exchange in exchanges for attempt in exchange.attempts]
        exchange_ids = [exchange.exchange_id for exchange in exchanges]
        batch = Batch()
        with self._transaction() as connection:
            found = connection.execute(_KNOWN, (_ids(exchange_ids), _ids(attempt_ids)))
            having = {attempt_id for (attempt_id,) in found}
            logged = {row[0] for row in connection.execute(_KNOWN_EXCHANGES, (_ids(exchange_ids),))}
            for exchange in exchanges:
                batch.add_missing(exchange, having, logged)
            self._write(connection, batch, _INSERT_MISSING)
        return len(batch.lines)

    def forget(self, segment: str) -> None:
        """See `ports.Journal`."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM intents_applied WHERE segment = ?", (self._prefix + segment,))

    def drift(self) -> dict[str, int]:
        """Accounts whose posted sum is not the sum of their lines, with the difference. Empty: the books are right.

        Reads every line; for checks and tests, not for the request path.
        """
        sums: dict[str, int] = {}
        with _rebuilt():
            query = "SELECT accounts, coalesce(sum(cost_nusd), 0), count(*) FROM lines GROUP BY accounts"
            for text, total, lines in self._connection.execute(query):
                for account in msgspec.json.decode(text, type=tuple[str, ...]):
                    amount = EXCHANGE * int(lines) if counts_exchanges(account) else int(total)
                    sums[account] = sums.get(account, 0) + amount
            posted = dict(self._connection.execute("SELECT account_id, posted_nusd FROM accounts"))
        return {
            account: posted.get(account, 0) - sums.get(account, 0)
            for account in sums.keys() | posted.keys()
            if posted.get(account, 0) != sums.get(account, 0)
        }

    def _write(self, connection: sqlite3.Connection, batch: Batch, insert: dict[str, str]) -> None:
        tables: list[tuple[str, Sequence[Sequence[object]]]] = [
            (insert["exchanges"], batch.exchanges),
            (insert["attempts"], batch.attempts),
            (insert["lines"], batch.lines),
            (insert["contents"], batch.contents),
            (_USAGE, batch.usage.rows()),
            (_POST, [(account, *account.split(":", 2), *sums) for account, sums in batch.posted.items()]),
        ]
        if self._node:
            spent = [(sums[0], account, self._node) for account, sums in batch.posted.items()]
            tables += [(statement, spent) for statement in _SPEND]
        for statement, rows in tables:
            if self._pause is None or self._node:
                # Where other processes lease from the same file, they would wait for a writer that waits.
                connection.executemany(statement, rows)
                continue
            for start in range(0, len(rows), _TURN):
                connection.executemany(statement, rows[start : start + _TURN])
                self._pause()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing. It has the write lock from its first moment, so it never fails half-way for having
        read before another one wrote."""
        connection = self._connection
        with _rebuilt():
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk may have ended it already
                    connection.execute("ROLLBACK")
                raise


def _ids(ids: Sequence[str]) -> str:
    return msgspec.json.encode(list(ids)).decode()


@contextmanager
def _rebuilt() -> Iterator[None]:
    # Never quoted: driver texts carry statements and values. The class names say enough for the log.
    try:
        yield
    except GatewayError:
        raise
    except sqlite3.IntegrityError:
        raise Bug("The database refused a row that is there already.") from None
    except sqlite3.OperationalError:
        raise StoreUnavailable(
            "The database does not answer: it is locked, full or unreachable. Check its disk and load; "
            "the gateway tries again by itself.",
            retry_after_s=1.0,
        ) from None
    except sqlite3.DatabaseError as error:
        if type(error) is sqlite3.DatabaseError:
            raise StoreUnavailable(
                "The database file is damaged or is not a database. Restore it from a backup; the intents folder "
                "keeps what it lacks."
            ) from None
        raise Bug(f"The database refused a statement ({type(error).__name__}).") from None
    except (sqlite3.Error, OverflowError) as error:
        raise Bug(f"A value does not fit the database ({type(error).__name__}).") from None
