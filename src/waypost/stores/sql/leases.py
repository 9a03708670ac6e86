"""Leases, and the nodes that have them, on PostgreSQL: few statements, and no lock but those of the accounts' rows.

Of an account, what is posted and what is leased never exceeds its limit by a grant. Posting a cost takes it from the
lease of the node that posts (`PostgresJournal`), so the sum of the two stays what it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, String, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from waypost.core.lease import Granted, Move, Want
from waypost.stores.sql.engine import Database

_TEXTS: Final = ARRAY(String)
_NUMBERS: Final = ARRAY(BigInteger)

#: Makes accounts that are missing, and locks all of them in the order of their ids: byte by byte, as the journal does
#: whatever the database's collation, so that no two transactions wait for each other.
_LOCK: Final = text(
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
_COUNTER: Final = text("INSERT INTO meta (name, value) VALUES (:counter, '0') ON CONFLICT (name) DO NOTHING")
_REACHED: Final = text("SELECT value FROM meta WHERE name = :counter FOR UPDATE")
_EMPTY: Final = text("DELETE FROM leases WHERE node = :node AND amount_nusd = 0")
_OF_NODE: Final = text("SELECT account_id, amount_nusd FROM leases WHERE node = :node ORDER BY account_id")
_SEEN: Final = text(
    "INSERT INTO nodes (node, name, version, started_at, seen_at) VALUES (:node, :name, :version, :at, :at) "
    "ON CONFLICT (node) DO UPDATE SET name = excluded.name, version = excluded.version, seen_at = excluded.seen_at"
)
_LIVE: Final = text("SELECT count(*) FROM nodes WHERE seen_at > :since")


class LeaseRows:
    """The leases of one node. Blocking; raises StoreUnavailable."""

    def __init__(self, database: Database, node: str = "") -> None:
        """`node`: whose; left out, of the node that opened the database."""
        self._database = database
        self._node = node or database.node
        self._counter = f"lease moves of {self._node}"

    def begin(self) -> int:
        """See `ports.Leases`."""
        with self._database.write(shared=True) as connection:
            connection.execute(_COUNTER, {"counter": self._counter})
            last = int(connection.scalar(_REACHED, {"counter": self._counter}) or 0)
            self._give_all_back(connection)
        return last

    def grant(self, wants: Sequence[Want], nodes: int, move: Move) -> Sequence[Granted]:
        """Lease what is needed of all of the accounts, or of none: then each has the amount 0, and the figures say why.

        Beyond the need, a node gets at most its wish, and that only of an even share of half of what is left: so leases
        shrink as a limit nears, down to what one request needs.
        """
        ordered = sorted(wants, key=_account)
        with self._database.write(shared=True) as connection:
            found = _locked(connection, [want.account_id for want in ordered])
            amounts: dict[str, int] = {}
            for want in ordered:
                left = want.limit_nusd - sum(found[want.account_id])
                if left < want.need_nusd:
                    amounts = dict.fromkeys(found, 0)
                    break
                share = max(0, left) // (2 * max(1, nodes))
                amounts[want.account_id] = max(want.need_nusd, min(want.wish_nusd, share))
            self._move(connection, move, amounts)
        return [
            _granted(want.account_id, amounts[want.account_id], *found[want.account_id]) for want in ordered
        ]

    def change(self, move: Move) -> None:
        """See `ports.Leases`."""
        with self._database.write(shared=True) as connection:
            _locked(connection, sorted(move.amounts))
            self._move(connection, move, move.amounts)

    def reached(self, number: int) -> bool:
        """See `ports.Leases`."""
        with self._database.write(shared=True) as connection:
            return int(connection.scalar(_REACHED, {"counter": self._counter}) or 0) >= number

    def end(self) -> Mapping[str, int]:
        """Give back whatever this node still has. Only when it holds nothing, and everything that it settled is posted.
        Returns what it was."""
        with self._database.write(shared=True) as connection:
            return self._give_all_back(connection)

    def seen(self, name: str, version: str, at: float) -> None:
        """This node is alive at Unix time `at`."""
        told = {"node": self._node, "name": name, "version": version, "at": at}
        with self._database.write(shared=True) as connection:
            connection.execute(_SEEN, told)

    def live(self, since: float) -> int:
        """How many nodes were seen after Unix time `since`."""
        with self._database.read() as connection:
            return int(connection.scalar(_LIVE, {"since": since}) or 0)

    def _mine(self, connection: Connection) -> dict[str, int]:
        rows: Any = connection.execute(_OF_NODE, {"node": self._node})
        return {row[0]: int(row[1]) for row in rows}

    def _give_all_back(self, connection: Connection) -> dict[str, int]:
        # Accounts are locked before their leases, as everywhere.
        _locked(connection, sorted(self._mine(connection)))
        mine = self._mine(connection)
        if mine:
            last = int(connection.scalar(_REACHED, {"counter": self._counter}) or 0)
            back = {account_id: -amount for account_id, amount in mine.items()}
            self._move(connection, Move(last, back), back)
            connection.execute(_EMPTY, {"node": self._node})
        return mine

    def _move(self, connection: Connection, move: Move, amounts: dict[str, int]) -> None:
        """Before it is in force it is known what it is."""
        move.amounts = {account_id: amount for account_id, amount in amounts.items() if amount}
        if move.amounts:
            told = {"ids": list(move.amounts), "amounts": list(move.amounts.values()), "node": self._node}
            connection.execute(_MOVE, {**told, "number": str(move.number), "counter": self._counter})


def _account(want: Want) -> str:
    return want.account_id


def _locked(connection: Connection, ids: list[str]) -> dict[str, tuple[int, int]]:
    """Posted and leased."""
    rows: Any = connection.execute(_LOCK, {"ids": ids})
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def _granted(account_id: str, amount: int, posted: int, leased: int) -> Granted:
    return Granted(account_id, amount, posted, leased + amount)
