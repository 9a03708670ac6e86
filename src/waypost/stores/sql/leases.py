"""Leases, and the nodes that have them, on PostgreSQL: few statements, and no lock but those of the accounts' rows.

Of an account, what is posted and what is leased never exceeds its limit by a grant. Posting a cost takes it from the
lease of the node that posts (`PostgresJournal`), so the sum of the two stays what it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, String, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from waypost.core.lease import Granted, Want
from waypost.stores.sql.engine import Database

_TEXTS: Final = ARRAY(String)
_NUMBERS: Final = ARRAY(BigInteger)

#: Makes accounts that are missing, and locks all of them in the order of their ids, so that no two nodes wait for each
#: other.
_LOCK: Final = text(
    "INSERT INTO accounts (account_id, scope, scope_id, window_start, posted_nusd, lines, leased_nusd) "
    "SELECT id, split_part(id, ':', 1), split_part(id, ':', 2), "
    "substr(id, length(split_part(id, ':', 1)) + length(split_part(id, ':', 2)) + 3), 0, 0, 0 "
    "FROM unnest(:ids) AS id ORDER BY id "
    "ON CONFLICT (account_id) DO UPDATE SET lines = accounts.lines "
    "RETURNING account_id, posted_nusd, leased_nusd"
).bindparams(bindparam("ids", type_=_TEXTS))
#: Adds to leases, or takes from them.
_MOVE: Final = text(
    "WITH moved AS (SELECT * FROM unnest(:ids, :amounts) AS moved (id, amount)), "
    "summed AS (UPDATE accounts SET leased_nusd = leased_nusd + moved.amount FROM moved WHERE account_id = moved.id) "
    "INSERT INTO leases (account_id, node, amount_nusd) SELECT id, :node, amount FROM moved "
    "ON CONFLICT (account_id, node) DO UPDATE SET amount_nusd = leases.amount_nusd + excluded.amount_nusd"
).bindparams(bindparam("ids", type_=_TEXTS), bindparam("amounts", type_=_NUMBERS))
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

    def grant(self, wants: Sequence[Want], nodes: int) -> Sequence[Granted]:
        """Lease what is needed of all of the accounts, or of none: then each has the amount 0, and the figures say why.

        Beyond the need, a node gets at most its wish, and that only of an even share of half of what is left: so leases
        shrink as a limit nears, down to what one request needs.
        """
        ordered = sorted(wants, key=_account)
        with self._database.write(shared=True) as connection:
            found = _locked(connection, [want.account_id for want in ordered])
            amounts = []
            for want in ordered:
                left = want.limit_nusd - sum(found[want.account_id])
                share = max(0, left) // (2 * max(1, nodes))
                amounts.append(
                    max(want.need_nusd, min(want.wish_nusd, share)) if left >= want.need_nusd else -1
                )
            granted = min(amounts, default=0) >= 0
            if granted:
                self._move(connection, [want.account_id for want in ordered], amounts)
        return [
            _granted(want.account_id, amount if granted else 0, *found[want.account_id])
            for want, amount in zip(ordered, amounts, strict=True)
        ]

    def take(self, debts: Mapping[str, int]) -> None:
        """Lease more, whatever the limits say: money that was spent beyond what had been set aside."""
        self._change(debts)

    def give_back(self, amounts: Mapping[str, int]) -> None:
        """Let others have it."""
        self._change({account_id: -amount for account_id, amount in amounts.items()})

    def clear(self, account_ids: Sequence[str]) -> None:
        """See `ports.Leases`."""
        with self._database.write(shared=True) as connection:
            _locked(connection, sorted(account_ids))
            mine = self._mine(connection)
            ids = [each for each in sorted(account_ids) if mine.get(each)]
            self._move(connection, ids, [-mine[each] for each in ids])
            connection.execute(_EMPTY, {"node": self._node})

    def end(self) -> Mapping[str, int]:
        """Give back whatever this node still has. Only when it holds nothing, and everything that it settled is posted:
        at its start, after recovery, and at its end. Returns what it was."""
        with self._database.write(shared=True) as connection:
            # Accounts are locked before their leases, as everywhere.
            _locked(connection, sorted(self._mine(connection)))
            mine = self._mine(connection)
            if mine:
                self._move(connection, list(mine), [-amount for amount in mine.values()])
                connection.execute(_EMPTY, {"node": self._node})
        return mine

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

    def _change(self, amounts: Mapping[str, int]) -> None:
        ids = sorted(amounts)
        if not ids:
            return
        with self._database.write(shared=True) as connection:
            _locked(connection, ids)
            self._move(connection, ids, [amounts[each] for each in ids])

    def _move(self, connection: Connection, ids: list[str], amounts: list[int]) -> None:
        connection.execute(_MOVE, {"ids": ids, "amounts": amounts, "node": self._node})


def _account(want: Want) -> str:
    return want.account_id


def _locked(connection: Connection, ids: list[str]) -> dict[str, tuple[int, int]]:
    """Posted and leased."""
    rows: Any = connection.execute(_LOCK, {"ids": ids})
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def _granted(account_id: str, amount: int, posted: int, leased: int) -> Granted:
    return Granted(account_id, amount, posted, leased + amount)
