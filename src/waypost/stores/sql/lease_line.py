"""Leases of a node on PostgreSQL, moved by one statement each: one round trip, and a transaction by itself.

A statement locks the accounts in the order of their ids, as whoever else changes them does, and sees them as they are
once it has the locks: `FOR UPDATE` waits, and then reads the row that it got (READ COMMITTED). What it changes are
those very rows. So it is as exact as a transaction of several statements.

Of the node's last move the database keeps what it was, so that it can be asked for when the answer was lost. Whoever
asks shuts the door behind it: a statement that is still on its way then does nothing, whenever it arrives; nor does one
of a process that has ended, once the next one has begun.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from waypost.core.lease import Granted, Move, Want
from waypost.errors import Bug
from waypost.stores.sql.postgres_line import Line

#: Who has begun last as this node, up to which number the door is shut, and the last move.
BEGIN: Final = (
    "INSERT INTO meta (name, value) VALUES (:last, :value) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_LOCKED: Final = (
    "mine AS (SELECT value::jsonb->>'by' = $4::text AS ours, (value::jsonb->>'shut')::bigint < $5::bigint AS due "
    "FROM meta WHERE name = $3::text FOR UPDATE), "
    "found AS (SELECT account_id, posted_nusd, leased_nusd FROM accounts "
    "WHERE account_id = ANY($1::text[]) AND coalesce((SELECT ours FROM mine), true) "
    'ORDER BY account_id COLLATE "C" FOR UPDATE)'
)
#: Of `granted (id, amount)`. It is written down what it comes to: whoever does not hear the answer can read it.
_MOVED: Final = (
    "moved AS (SELECT id, amount FROM granted WHERE amount <> 0), "
    "summed AS (UPDATE accounts SET leased_nusd = leased_nusd + moved.amount FROM moved WHERE account_id = moved.id), "
    "numbered AS (UPDATE meta SET value = CASE name WHEN $2::text THEN ($5::bigint)::text ELSE jsonb_build_object("
    "'by', $4::text, 'shut', $5::bigint, 'number', $5::bigint, "
    "'amounts', (SELECT jsonb_object_agg(id, amount) FROM moved))::text END "
    "WHERE name IN ($2::text, $3::text) AND EXISTS (SELECT FROM moved)), "
    "leased AS (INSERT INTO leases (account_id, node, amount_nusd) SELECT id, $6::text, amount FROM moved "
    "ON CONFLICT (account_id, node) DO UPDATE SET amount_nusd = leases.amount_nusd + excluded.amount_nusd) "
)
#: All accounts get what they need, or none gets anything. A need of nothing stands in nobody's way.
_GRANT: Final = (
    f"WITH {_LOCKED}, "  # noqa: S608 - no values
    "room AS (SELECT id, need, wish, posted_nusd, leased_nusd, most - posted_nusd - leased_nusd AS room "
    "FROM unnest($1::text[], $7::bigint[], $8::bigint[], $9::bigint[]) AS wanted (id, most, need, wish) "
    "JOIN found ON account_id = id), "
    "judged AS (SELECT count(*) = cardinality($1::text[]) AND bool_and(need = 0 OR need <= room) "
    "AND coalesce((SELECT due FROM mine), true) AS good FROM room), "
    "granted AS (SELECT id, posted_nusd, leased_nusd, CASE WHEN good "
    "THEN greatest(need, least(wish, greatest(room, 0) / (2 * $10::bigint))) ELSE 0 END AS amount FROM room, judged), "
    f"{_MOVED} "
    "SELECT id, amount, posted_nusd, leased_nusd FROM granted"
)
_CHANGE: Final = (
    f"WITH {_LOCKED}, "  # noqa: S608 - no values
    "judged AS (SELECT count(*) = cardinality($1::text[]) AND coalesce((SELECT due FROM mine), true) AS good "
    "FROM found), "
    "granted AS (SELECT id, CASE WHEN good THEN change ELSE 0 END AS amount FROM judged, "
    "unnest($1::text[], $7::bigint[]) AS wanted (id, change) JOIN found ON account_id = id), "
    f"{_MOVED} "
    "SELECT id FROM granted"
)
#: An account that nothing was posted to has no row yet.
_MAKE: Final = (
    "INSERT INTO accounts (account_id, scope, scope_id, window_start, posted_nusd, lines, leased_nusd) "
    "SELECT id, split_part(id, ':', 1), split_part(id, ':', 2), "
    "substr(id, length(split_part(id, ':', 1)) + length(split_part(id, ':', 2)) + 3), 0, 0, 0 "
    'FROM unnest($1::text[]) AS id ORDER BY id COLLATE "C" ON CONFLICT (account_id) DO NOTHING'
)
_REACHED: Final = (
    "UPDATE meta SET value = jsonb_set(value::jsonb, '{shut}', "
    "to_jsonb(greatest((value::jsonb->>'shut')::bigint, $2::bigint)))::text WHERE name = $1::text RETURNING value"
)
#: Once they are made they are found.
_TRIES: Final = 3


class _Last(msgspec.Struct):
    by: str
    number: int = 0
    amounts: dict[str, int] = {}
    shut: int = 0


def begun(by: str, number: int) -> str:
    """What is kept of a node that begins after the move of this number."""
    return msgspec.json.encode(_Last(by, number, {}, number)).decode()


class LeaseLine:
    """Moves of one node, by one process. Blocking; raises StoreUnavailable and Bug."""

    def __init__(self, line: Line, node: str, counter: str, last: str, by: str) -> None:
        """`counter` names the row with the number of the last move, `last` the row with all of it; `by` is another text
        for each process."""
        self._line = line
        self._last = last
        self._of = (counter, last, by)
        self._node = node
        #: One of which it is not known what it came to.
        self._open: Move | None = None

    def grant(self, wants: Sequence[Want], nodes: int, move: Move) -> Sequence[Granted]:
        """See `ports.Leases`; `wants` in the order of their accounts."""
        self._open = move
        rows = self._moved(
            _GRANT,
            [want.account_id for want in wants],
            move,
            [want.limit_nusd for want in wants],
            [want.need_nusd for want in wants],
            [want.wish_nusd for want in wants],
            max(1, nodes),
        )
        told = {row[0]: Granted(row[0], int(row[1]), int(row[2]), int(row[3] + row[1])) for row in rows}
        self._known(move, {each.account_id: each.amount_nusd for each in told.values() if each.amount_nusd})
        return [told[want.account_id] for want in wants]

    def change(self, move: Move) -> None:
        """See `ports.Leases`."""
        move.amounts = {account_id: amount for account_id, amount in move.amounts.items() if amount}
        ids = sorted(move.amounts)
        if ids:
            self._moved(_CHANGE, ids, move, [move.amounts[each] for each in ids])

    def reached(self, number: int) -> bool:
        """See `ports.Leases`. What a move came to whose answer was lost is known from now on; one that was not in force
        never will be."""
        rows = self._line.ask(_REACHED, self._last, number)
        last = msgspec.json.decode(rows[0][0], type=_Last) if rows else _Last("")
        move = self._open
        if move is not None and move.number == last.number == number:
            self._known(move, last.amounts)
        return last.number >= number

    def _moved(self, statement: str, ids: list[str], move: Move, *values: object) -> Sequence[Sequence[Any]]:
        told = (ids, *self._of, move.number, self._node, *values)
        for _ in range(_TRIES):
            rows = self._line.ask(statement, *told)
            if len(rows) == len(ids):
                return rows
            self._line.ask(_MAKE, ids)
        raise Bug("Accounts that were made are not there, or another process works as this node.")

    def _known(self, move: Move, amounts: Mapping[str, int]) -> None:
        move.amounts = dict(amounts)
        self._open = None
