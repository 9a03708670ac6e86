"""Leases, and the nodes that have them.

Of an account, what is posted and what is leased never exceeds its limit by a grant. Posting a cost takes it from the
lease of the node that posts (`PostgresJournal`, `SqliteJournal`), so the sum of the two stays what it was.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, text

from waypost.core.keytext import Randomness
from waypost.core.lease import Granted, Move, Want
from waypost.stores.sql.engine import Database
from waypost.stores.sql.lease_rows import statements_of

if TYPE_CHECKING:  # only where there is a server
    from waypost.stores.sql.lease_line import LeaseLine

_COUNTER: Final = text("INSERT INTO meta (name, value) VALUES (:counter, '0') ON CONFLICT (name) DO NOTHING")
_EMPTY: Final = text("DELETE FROM leases WHERE node = :node AND amount_nusd = 0")
_OF_NODE: Final = text("SELECT account_id, amount_nusd FROM leases WHERE node = :node ORDER BY account_id")
_SEEN: Final = text(
    "INSERT INTO nodes (node, name, version, started_at, seen_at) VALUES (:node, :name, :version, :at, :at) "
    "ON CONFLICT (node) DO UPDATE SET name = excluded.name, version = excluded.version, seen_at = excluded.seen_at"
)
_LIVE: Final = text("SELECT count(*) FROM nodes WHERE seen_at > :since")


class LeaseRows:
    """The leases of one node. Blocking; raises StoreUnavailable."""

    def __init__(self, database: Database, node: str = "", randomness: Randomness = os.urandom) -> None:
        """`node`: whose; left out, of the node that opened the database. `randomness`: tells processes apart."""
        self._database = database
        self._node = node or database.node
        self._counter = f"lease moves of {self._node}"
        self._last = f"lease move of {self._node}"
        self._of = statements_of(database.engine.dialect.name)
        self._by = randomness(8).hex()
        self._line: LeaseLine | None = None
        if database.line is not None:
            from waypost.stores.sql.lease_line import LeaseLine

            self._line = LeaseLine(database.line, self._node, self._counter, self._last, self._by)

    def begin(self) -> int:
        """See `ports.Leases`."""
        with self._database.write(shared=True) as connection:
            connection.execute(_COUNTER, {"counter": self._counter})
            if self._line is not None:
                self._shut_out(connection)
            last = self._of.reached(connection, self._counter)
            self._give_all_back(connection)
        return last

    def grant(self, wants: Sequence[Want], nodes: int, move: Move) -> Sequence[Granted]:
        """Lease what is needed of all of the accounts, or of none: then each has the amount 0, and the figures say why.

        Beyond the need, a node gets at most its wish, and that only of an even share of half of what is left: so leases
        shrink as a limit nears, down to what one request needs.
        """
        ordered = sorted(wants, key=_account)
        if self._line is not None:
            return self._line.grant(ordered, nodes, move)
        with self._database.write(shared=True) as connection:
            found = self._of.lock(connection, [want.account_id for want in ordered])
            amounts: dict[str, int] = {}
            for want in ordered:
                left = want.limit_nusd - sum(found[want.account_id])
                if want.need_nusd > max(0, left):
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
        if self._line is not None:
            self._line.change(move)
            return
        with self._database.write(shared=True) as connection:
            self._of.lock(connection, sorted(move.amounts))
            self._move(connection, move, move.amounts)

    def reached(self, number: int) -> bool:
        """See `ports.Leases`."""
        if self._line is not None:
            return self._line.reached(number)
        with self._database.write(shared=True) as connection:
            return self._of.reached(connection, self._counter) >= number

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

    def _shut_out(self, connection: Connection) -> None:
        """From now on statements of earlier processes of this node do nothing; one that is under way is waited for."""
        from waypost.stores.sql.lease_line import BEGIN, begun

        connection.execute(text(BEGIN), {"last": self._last, "value": begun(self._by, 0)})
        reached = self._of.reached(connection, self._counter)
        connection.execute(text(BEGIN), {"last": self._last, "value": begun(self._by, reached)})

    def _mine(self, connection: Connection) -> dict[str, int]:
        rows: Any = connection.execute(_OF_NODE, {"node": self._node})
        return {row[0]: int(row[1]) for row in rows}

    def _give_all_back(self, connection: Connection) -> dict[str, int]:
        # Accounts are locked before their leases, as everywhere.
        self._of.lock(connection, sorted(self._mine(connection)))
        mine = self._mine(connection)
        if mine:
            last = self._of.reached(connection, self._counter)
            back = {account_id: -amount for account_id, amount in mine.items()}
            self._move(connection, Move(last, back), back)
            connection.execute(_EMPTY, {"node": self._node})
        return mine

    def _move(self, connection: Connection, move: Move, amounts: dict[str, int]) -> None:
        """Before it is in force it is known what it is."""
        move.amounts = {account_id: amount for account_id, amount in amounts.items() if amount}
        if move.amounts:
            self._of.move(connection, move.amounts, self._node, self._counter, move.number)


def _account(want: Want) -> str:
    return want.account_id


def _granted(account_id: str, amount: int, posted: int, leased: int) -> Granted:
    return Granted(account_id, amount, posted, leased + amount)
