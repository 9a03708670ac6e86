"""The statements by which leases are moved, for each of the two databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from sqlalchemy import BigInteger, Connection, String, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

_TEXTS: Final = ARRAY(String)
_NUMBERS: Final = ARRAY(BigInteger)

#: Makes accounts that are missing, and locks all of them in the order of their ids: byte by byte, as the journal does
#: whatever the database's collation, so that no two transactions wait for each other.
LOCK: Final = text(
    "INSERT INTO accounts (account_id, scope, scope_id, window_start, posted_nusd, lines, leased_nusd) "
    "SELECT id, split_part(id, ':', 1), split_part(id, ':', 2), "
    "substr(id, length(split_part(id, ':', 1)) + length(split_part(id, ':', 2)) + 3), 0, 0, 0 "
    'FROM unnest(:ids) AS id ORDER BY id COLLATE "C" '
    "ON CONFLICT (account_id) DO UPDATE SET lines = accounts.lines "
    "RETURNING account_id, posted_nusd, leased_nusd"
).bindparams(bindparam("ids", type_=_TEXTS))
#: Adds to leases, or takes from them, and keeps the number of the move.
_MOVE: Final = text(
    "WITH numbered AS (UPDATE meta SET value = :number WHERE name = :counter), "
    "moved AS (SELECT * FROM unnest(:ids, :amounts) AS moved (id, amount)), "
    "summed AS (UPDATE accounts SET leased_nusd = leased_nusd + moved.amount FROM moved WHERE account_id = moved.id) "
    "INSERT INTO leases (account_id, node, amount_nusd) SELECT id, :node, amount FROM moved "
    "ON CONFLICT (account_id, node) DO UPDATE SET amount_nusd = leases.amount_nusd + excluded.amount_nusd"
).bindparams(bindparam("ids", type_=_TEXTS), bindparam("amounts", type_=_NUMBERS))
_REACHED: Final = text("SELECT value FROM meta WHERE name = :counter FOR UPDATE")

_MAKE: Final = text(
    "INSERT INTO accounts (account_id, scope, scope_id, window_start, posted_nusd, lines, leased_nusd) "
    "VALUES (:id, :scope, :scope_id, :start, 0, 0, 0) ON CONFLICT (account_id) DO NOTHING"
)
_SUMS: Final = text(
    "SELECT account_id, posted_nusd, leased_nusd FROM accounts "
    "WHERE account_id IN (SELECT value FROM json_each(:ids))"
)
_NUMBER: Final = text("UPDATE meta SET value = :number WHERE name = :counter")
_SUM: Final = text("UPDATE accounts SET leased_nusd = leased_nusd + :amount WHERE account_id = :id")
_LEASE: Final = text(
    "INSERT INTO leases (account_id, node, amount_nusd) VALUES (:id, :node, :amount) "
    "ON CONFLICT (account_id, node) DO UPDATE SET amount_nusd = leases.amount_nusd + excluded.amount_nusd"
)
_REACHED_ALONE: Final = text("SELECT value FROM meta WHERE name = :counter")


class Statements(Protocol):
    """What differs between the databases."""

    def lock(self, connection: Connection, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Make accounts that are missing, and keep others off all of them until the transaction ends. What is posted,
        and what is leased."""
        ...

    def move(
        self, connection: Connection, amounts: Mapping[str, int], node: str, counter: str, number: int
    ) -> None:
        """Add to leases of locked accounts, and keep the number of the move."""
        ...

    def reached(self, connection: Connection, counter: str) -> int:
        """The number of the last move; waits for one that is under way."""
        ...


class PostgresStatements:
    """Few statements, and no lock but those of the accounts' rows."""

    def lock(self, connection: Connection, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        """See `Statements`."""
        rows: Any = connection.execute(LOCK, {"ids": list(ids)})
        return {row[0]: (int(row[1]), int(row[2])) for row in rows}

    def move(
        self, connection: Connection, amounts: Mapping[str, int], node: str, counter: str, number: int
    ) -> None:
        """See `Statements`."""
        told = {"ids": list(amounts), "amounts": list(amounts.values()), "node": node}
        connection.execute(_MOVE, {**told, "number": str(number), "counter": counter})

    def reached(self, connection: Connection, counter: str) -> int:
        """See `Statements`."""
        return int(connection.scalar(_REACHED, {"counter": counter}) or 0)


class SqliteStatements:
    """A transaction that may write has the whole file from its first moment, so nothing more has to be locked."""

    def lock(self, connection: Connection, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        """See `Statements`."""
        if not ids:
            return {}
        parts = [(account_id, *account_id.split(":", 2)) for account_id in ids]
        names = ("id", "scope", "scope_id", "start")
        connection.execute(_MAKE, [dict(zip(names, part, strict=True)) for part in parts])
        rows: Any = connection.execute(_SUMS, {"ids": msgspec.json.encode(list(ids)).decode()})
        return {row[0]: (int(row[1]), int(row[2])) for row in rows}

    def move(
        self, connection: Connection, amounts: Mapping[str, int], node: str, counter: str, number: int
    ) -> None:
        """See `Statements`."""
        connection.execute(_NUMBER, {"number": str(number), "counter": counter})
        told = [{"id": account_id, "amount": amount, "node": node} for account_id, amount in amounts.items()]
        connection.execute(_SUM, told)
        connection.execute(_LEASE, told)

    def reached(self, connection: Connection, counter: str) -> int:
        """See `Statements`."""
        return int(connection.scalar(_REACHED_ALONE, {"counter": counter}) or 0)


def statements_of(dialect: str) -> Statements:
    """Those of a database, by the name of its SQLAlchemy dialect."""
    return SqliteStatements() if dialect == "sqlite" else PostgresStatements()
