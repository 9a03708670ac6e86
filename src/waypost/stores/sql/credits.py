"""Prepaid credit in SQL. Rows are added, and never changed or deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from waypost.core.changed import shown
from waypost.core.credit import Credit, CreditKind, Given, account_of, used_of
from waypost.core.deed import Deed, Done
from waypost.errors import Conflict, NotFound
from waypost.stores.sql.engine import Database
from waypost.stores.sql.objects import lock
from waypost.stores.sql.references import require_organization
from waypost.stores.sql.tables import ACCOUNTS, CREDITS, LINES, VERSIONS
from waypost.stores.sql.trail import append

_VERSION: Final = "credits"
#: Since when new organizations are given credit, in Unix milliseconds.
_SINCE: Final = "credits_since"
_SHARES: Final = 100
_DAY_US: Final = 86_400_000_000
_VERSION_NOW: Final = select(VERSIONS.c.value).where(VERSIONS.c.name == _VERSION)


class CreditRows:
    """The journal of organizations' balances. Blocking. Raises StoreUnavailable, Conflict and NotFound."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by(self, deed: Deed) -> CreditRows:
        """The same, for somebody whom the audit log tells of."""
        return CreditRows(self._database.by(deed))

    def add(self, entry: Credit) -> Credit:
        """Add an entry. The same one again changes nothing, whenever it was made: what was kept first is returned.

        Raises Conflict when its id has another content, when its organization is not there, and when more would be
        taken back of an entry than it is of; NotFound when that entry is not there.
        """
        with self._database.write() as connection:
            lock(connection)  # one after the other, and the organization stays
            kept = _of(connection, entry.entry_id)
            if kept is not None:
                if msgspec.structs.replace(entry, at=kept.at) != kept:
                    raise Conflict(
                        f"The entry {entry.entry_id[:64]!r} is there with another content. Entries never change: "
                        "add another one under an id of its own.",
                        param="entry_id",
                    )
                return kept
            require_organization(connection, entry.organization_id)
            if entry.of_entry is not None:
                _require_rest(connection, entry, entry.of_entry)
            connection.execute(insert(CREDITS).values(msgspec.structs.asdict(entry)))
            _raise(connection)
            append(connection, _told(entry))
        return entry

    def given(self, since: int) -> Given | None:
        """What every organization was given, with the version of that; None while it is still `since`."""
        mine = "organization:" + CREDITS.c.organization_id
        query = select(CREDITS.c.organization_id, func.sum(_signed(mine))).group_by(CREDITS.c.organization_id)
        ends = _open(CREDITS.c.expires_at.is_not(None)).with_only_columns(func.min(CREDITS.c.expires_at))
        with self._database.read() as connection:
            version = connection.scalar(_VERSION_NOW) or 0
            if version == since:
                return None
            totals = {home: int(total) for home, total in connection.execute(query)}
            return Given(int(version), totals, connection.scalar(ends))

    def starting(self, at: float | None) -> float | None:
        """Since when new organizations are given credit: since Unix time `at`, if they were not before. None: they are
        not, and when they are again it begins anew."""
        mine = VERSIONS.c.name == _SINCE
        with self._database.read() as connection:
            known = connection.scalar(select(VERSIONS.c.value).where(mine))
        if (known is None) != (at is None):
            with self._database.write() as connection:
                lock(connection)
                connection.execute(delete(VERSIONS).where(mine))
                if at is not None:
                    known = int(at * 1000)
                    connection.execute(insert(VERSIONS).values(name=_SINCE, value=known))
        return None if at is None or known is None else known / 1000

    def all(self, organization_id: str) -> Sequence[Credit]:
        """All entries of an organization, oldest first."""
        query = select(CREDITS).where(CREDITS.c.organization_id == organization_id)
        return self._all(query.order_by(CREDITS.c.at, CREDITS.c.entry_id))

    def under(self, prefix: str) -> frozenset[str]:
        """The ids of all entries that begin so."""
        query = select(CREDITS.c.entry_id).where(CREDITS.c.entry_id.startswith(prefix, autoescape=True))
        with self._database.read() as connection:
            return frozenset(connection.scalars(query))

    def get(self, entry_id: str) -> Credit:
        """One entry. Raises NotFound."""
        with self._database.read() as connection:
            found = _of(connection, entry_id)
        if found is None:
            raise _missing(entry_id)
        return found

    def page(self, organization_id: str, after: str, limit: int) -> Sequence[Credit]:
        """The statement: an organization's entries, newest first, from behind the entry `after` (empty: from the
        first)."""
        own = CREDITS.c.organization_id == organization_id
        query = select(CREDITS).where(own)
        if after:
            mark = select(CREDITS.c.at).where(own, CREDITS.c.entry_id == after).scalar_subquery()
            same = and_(CREDITS.c.at == mark, CREDITS.c.entry_id < after)
            query = query.where(or_(CREDITS.c.at < mark, same))
        return self._all(query.order_by(CREDITS.c.at.desc(), CREDITS.c.entry_id.desc()).limit(limit))

    def balance(self, organization_id: str) -> int:
        """Nano-dollars that all entries together add up to, without what was used."""
        mine = account_of(organization_id)
        query = select(func.sum(_signed(mine))).where(CREDITS.c.organization_id == organization_id)
        with self._database.read() as connection:
            return int(connection.scalar(query) or 0)

    def balances(self) -> dict[str, int]:
        """`balance` of every organization that has entries."""
        found = self.given(-1)
        return {} if found is None else dict(found.totals)

    def living(self, organization_id: str, at: float) -> Sequence[Credit]:
        """Entries that add to the balance and have not ended at Unix time `at`: those that end first come first, those
        without an end last."""
        query = _adding(CREDITS.c.organization_id == organization_id).where(
            or_(CREDITS.c.expires_at.is_(None), CREDITS.c.expires_at > at)
        )
        forever = case((CREDITS.c.expires_at.is_(None), 1), else_=0)
        return self._all(query.order_by(forever, CREDITS.c.expires_at, CREDITS.c.at, CREDITS.c.entry_id))

    def due(self, at: float, limit: int) -> Sequence[Credit]:
        """Entries that have ended at Unix time `at` and for which that was not entered yet, oldest end first."""
        query = _open(CREDITS.c.expires_at <= at)
        return self._all(query.order_by(CREDITS.c.expires_at, CREDITS.c.entry_id).limit(limit))

    def used(self, organization_id: str) -> int:
        """Nano-dollars that an organization has used of its credit, of everything that is posted."""
        query = select(ACCOUNTS.c.posted_nusd).where(ACCOUNTS.c.account_id == used_of(organization_id))
        with self._database.read() as connection:
            return int(connection.scalar(query) or 0)

    def used_by_day(self, organization_id: str, before: int) -> dict[int, int]:
        """The same for each UTC day, as its number since 1970, that comes before another one. Looks at every line of
        the ledger."""
        account = LINES.c.accounts.contains(f'"{used_of(organization_id)}"', autoescape=True)
        rest: ColumnElement[int] = LINES.c.at_us % literal_column(str(_DAY_US))
        start = LINES.c.at_us - rest
        query = select(start, func.sum(LINES.c.cost_nusd)).where(account, LINES.c.at_us < before * _DAY_US)
        with self._database.read() as connection:
            rows = connection.execute(query.group_by(start))
            return {int(at_us) // _DAY_US: int(total) for at_us, total in rows if total}

    def used_free(self, scope: str, organization_id: str, window: str) -> dict[str, int]:
        """See `ports.Credits`."""
        of = ACCOUNTS.c
        mine = or_(
            of.scope_id == f"organization/{organization_id}",
            of.scope_id.startswith(f"user/{organization_id}/", autoescape=True),
            of.scope_id.startswith(f"key/{organization_id}/", autoescape=True),
        )
        query = select(of.scope_id, of.posted_nusd).where(of.scope == scope, of.window_start == window, mine)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(of.posted_nusd.desc(), of.scope_id).limit(_SHARES))
            return {name: int(used) for name, used in rows if used}

    def _all(self, query: Select[Any]) -> list[Credit]:
        with self._database.read() as connection:
            return [_credit(row) for row in connection.execute(query)]


def _signed(mine: str | ColumnElement[str]) -> ColumnElement[int]:
    return case((CREDITS.c.credit == mine, CREDITS.c.amount_nusd), else_=-CREDITS.c.amount_nusd)


def _adding(where: ColumnElement[bool]) -> Select[Any]:
    return select(CREDITS).where(where, CREDITS.c.credit == "organization:" + CREDITS.c.organization_id)


def _open(where: ColumnElement[bool]) -> Select[Any]:
    """Entries that add, and for which it was not entered that they have ended."""
    ends = CREDITS.alias("ends")
    entered = select(ends.c.entry_id).where(ends.c.kind == "expire", ends.c.of_entry == CREDITS.c.entry_id)
    return _adding(where).where(~entered.exists())


def _told(entry: Credit) -> Done:
    changes = {
        "kind": [None, entry.kind],
        "amount_nusd": [None, entry.signed_nusd],
        "expires_at": [None, entry.expires_at],
        "of_entry": [None, entry.of_entry],
        "reason": [None, shown(entry.reason)],
    }
    return Done("credit", entry.entry_id, entry.entry_id, changes, entry.organization_id)


def _raise(connection: Connection) -> None:
    """Have every node look at the entries again. Under the lock of the directory."""
    raised = update(VERSIONS).where(VERSIONS.c.name == _VERSION).values(value=VERSIONS.c.value + 1)
    if not connection.execute(raised).rowcount:
        connection.execute(insert(VERSIONS).values(name=_VERSION, value=1))


def _of(connection: Connection, entry_id: str) -> Credit | None:
    row = connection.execute(select(CREDITS).where(CREDITS.c.entry_id == entry_id)).one_or_none()
    return None if row is None else _credit(row)


def _require_rest(connection: Connection, entry: Credit, of_entry: str) -> None:
    """What is taken back of an entry is never more than it."""
    found = _of(connection, of_entry)
    if found is None or found.organization_id != entry.organization_id:
        raise _missing(of_entry)
    query = select(CREDITS).where(CREDITS.c.of_entry == of_entry)
    rest = found.signed_nusd + sum(_credit(row).signed_nusd for row in connection.execute(query))
    if entry.signed_nusd < 0 and rest + entry.signed_nusd < 0:
        raise Conflict(
            f"Of the entry {of_entry[:64]!r} only {rest} nano-dollars are left to be taken back.",
            param="amount_nusd",
        )


def _missing(entry_id: str) -> NotFound:
    return NotFound(
        f"There is no entry {entry_id[:64]!r} in the statement of this organization. Take the id of one that is there.",
        param="entry_id",
    )


def _credit(row: Row[Any]) -> Credit:
    return Credit(
        entry_id=row.entry_id,
        organization_id=row.organization_id,
        at=row.at,
        kind=cast(CreditKind, row.kind),
        amount_nusd=row.amount_nusd,
        debit=row.debit,
        credit=row.credit,
        expires_at=row.expires_at,
        of_entry=row.of_entry,
        reason=row.reason,
        made_by=row.made_by,
    )
