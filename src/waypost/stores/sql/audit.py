"""Audits the books: whether what the accounts say is what the lines add up to, to the nano-dollar.

A pass is a row of short reads, so that nobody waits for it however large the books are. It needs no lock and no picture
that is held for long: at its start it notes how far the request log is, and the accounts as they are at that moment.
Lines are never changed and never deleted, and those that come later belong to exchanges that come later in the request
log, so they are told apart whenever they are met. Later passes read only what the log has grown by.

What is kept are sums for each of a thousand groups of accounts, weighted by a hash of the account, and not a sum for
each account: however many there are, this has the same size. Where a group differs, a second pass names its accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, and_, func, select, tuple_

from waypost.core.scope import counts_exchanges, posted_to
from waypost.stores.sql.engine import Database
from waypost.stores.sql.tables import ACCOUNTS, ATTEMPTS, EXCHANGES, LEASES, LINES

_GROUPS: Final = 1024
#: Differences that are named; more are counted.
_NAMED: Final = 100
#: As many exchanges as the retention deletes at once. An attempt begins within a day of its exchange.
_OLDEST: Final = 500
_DAY_US: Final = 86_400 * 1_000_000
_NEVER: Final = 1 << 62
_ACCOUNTS: Final = msgspec.json.Decoder(tuple[str, ...])

Kind = Literal[
    "posted", "lines", "leased", "lost_lease", "negative", "negative_cost", "no_line", "no_exchange"
]
"""`posted` and `lines`: an account against its lines. `leased`: an account against its leases; `lost_lease`: a lease of
an account that is not there. `negative`, `negative_cost`: a sum of an account, or the cost of a line, below zero.
`no_line`: an attempt without a line that may have been billed; `no_exchange`: a line whose exchange the request log
should have."""


class Difference(msgspec.Struct, frozen=True):
    """Where the books are wrong: `kept` is what stands there, `counted` what it should be."""

    kind: Kind
    subject: str
    """The account, or the attempt."""
    kept: int | None = None
    counted: int | None = None


class Audited(msgspec.Struct, frozen=True):
    """What a pass found. With no difference, the books are right."""

    accounts: int
    lines: int
    cost_nusd: int
    unpriced: int
    leased_nusd: int
    differences: tuple[Difference, ...]
    """Of `wrong` ones, the first hundred."""
    wrong: int
    whole: bool
    """Every line was read, and not only those since the pass before."""

    @property
    def wrong_accounts(self) -> int:
        """How many of the accounts that are named differ."""
        about = ("posted", "lines", "leased", "lost_lease", "negative")
        return len({each.subject for each in self.differences if each.kind in about})


class _Sums:
    """Per group of accounts, money and lines, each weighted by the account: two different books have the same sums once
    in 2⁵⁴."""

    __slots__ = ("_places", "lines", "money")

    def __init__(self) -> None:
        self.money = [0] * _GROUPS
        self.lines = [0] * _GROUPS
        self._places: dict[str, tuple[int, int]] = {}

    def add(self, account: str, money: int, lines: int) -> int:
        """Returns the group."""
        place = self._places.get(account)
        if place is None:
            if len(self._places) > 4096:
                self._places.clear()
            number = int.from_bytes(
                blake2b(account.encode("utf-8", "replace"), digest_size=8).digest(), "big"
            )
            place = self._places[account] = (number % _GROUPS, number // _GROUPS | 1)
        group, weight = place
        self.money[group] += weight * money
        self.lines[group] += weight * lines
        return group

    def differing(self, other: _Sums) -> frozenset[int]:
        mine, others = zip(self.money, self.lines, strict=True), zip(other.money, other.lines, strict=True)
        return frozenset(group for group, (a, b) in enumerate(zip(mine, others, strict=True)) if a != b)


class _Totals:
    """What the lines that were read add up to."""

    __slots__ = ("cost_nusd", "lines", "sums", "unpriced")

    def __init__(self) -> None:
        self.sums = _Sums()
        self.lines = 0
        self.cost_nusd = 0
        self.unpriced = 0


class _Pass:
    """One pass. What a step reads is taken in after all of it was read, so a step that failed is simply done again."""

    __slots__ = (
        "accounts",
        "after",
        "counted",
        "differences",
        "in_log",
        "kept",
        "leased_nusd",
        "named",
        "read",
        "suspects",
        "totals",
        "upto",
        "whole",
        "wrong",
    )

    def __init__(self, totals: _Totals | None, suspects: frozenset[int], since: int) -> None:
        self.whole = totals is None
        self.totals = totals or _Totals()
        self.suspects = suspects
        self.after: Any = "" if self.whole else since
        """How far it is: an attempt, or a number of the request log."""
        self.in_log = False
        """All lines are read; what follows are the attempts of the request log."""
        self.upto = 0
        self.read = 0
        self.accounts = 0
        self.leased_nusd = 0
        self.kept = _Sums()
        self.named: dict[str, tuple[int, int]] = {}
        """Of the groups that differed before: what is kept of each account, and what was counted."""
        self.counted: dict[str, tuple[int, int]] = {}
        self.differences: list[Difference] = []
        self.wrong = 0

    def tell(self, difference: Difference) -> None:
        self.wrong += 1
        if len(self.differences) < _NAMED:
            self.differences.append(difference)

    def take_line(self, attempt_id: str, accounts: str, cost: int | None) -> None:
        totals, money = self.totals, cost or 0
        totals.lines += 1
        totals.cost_nusd += money
        totals.unpriced += cost is None
        if money < 0:
            self.tell(Difference("negative_cost", attempt_id, money))
        for account in _ACCOUNTS.decode(accounts):
            amount = posted_to(account, money)
            if totals.sums.add(account, amount, 1) in self.suspects:
                before = self.counted.get(account, (0, 0))
                self.counted[account] = (before[0] + amount, before[1] + 1)

    def compare(self) -> None:
        """Name the accounts that differ from their lines."""
        for account in sorted(self.named.keys() | self.counted.keys()):
            kept, counted = self.named.get(account, (0, 0)), self.counted.get(account, (0, 0))
            if kept[0] != counted[0]:
                self.tell(Difference("posted", account, kept[0], counted[0]))
            if kept[1] != counted[1]:
                self.tell(Difference("lines", account, kept[1], counted[1]))


class Audit:
    """One auditor, for one thread at a time. Blocking. A call may raise StoreUnavailable; the next one goes on where it
    was."""

    def __init__(
        self, database: Database, *, slice_rows: int = 1000, pause: Callable[[], object] = lambda: None
    ) -> None:
        """`pause` is called between two slices that have to be of one picture: the accounts at a pass's start."""
        self._database = database
        self._rows = slice_rows
        self._pause = pause
        #: Of the last whole pass and what came after it; None: the next pass is a whole one.
        self._totals: _Totals | None = None
        self._upto = 0
        self._pass: _Pass | None = None

    def run(self, progress: Callable[[int], object] = lambda _: None) -> Audited:
        """A pass without pauses. `progress` is told how many rows were read so far."""
        while (found := self.step()) is None:
            progress(self._pass.read if self._pass is not None else 0)
        return found

    def step(self) -> Audited | None:
        """A short part of a pass; None while there is more of it to do."""
        current = self._pass
        if current is None:
            self._pass = self._begin(frozenset())
            return None
        if not current.whole:
            more = self._read_news(current)
        elif current.in_log:
            more = self._read_attempts(current)
        else:
            more = self._read_lines(current)
        if more:
            return None
        if current.whole and not current.in_log:
            current.in_log, current.after = True, ("", "")
            return None
        return self._end(current)

    def _begin(self, suspects: frozenset[int]) -> _Pass:
        made = _Pass(None if suspects else self._totals, suspects, self._upto)
        with self._database.read() as connection:
            made.upto = connection.scalar(select(func.max(EXCHANGES.c.seq))) or 0
            if not made.whole:
                made.upto = max(made.upto, self._upto)  # the log may be empty by now
            leases = _leases(connection)
            for row in self._accounts(connection):
                account, posted, lines, leased = row
                made.accounts += 1
                made.leased_nusd += 0 if counts_exchanges(account) else leased
                if made.kept.add(account, posted, lines) in suspects:
                    made.named[account] = (posted, lines)
                if posted < 0 or lines < 0:
                    made.tell(Difference("negative", account, min(posted, lines)))
                if leased != (lent := leases.pop(account, 0)):
                    made.tell(Difference("leased", account, leased, lent))
        for account, lent in sorted(leases.items()):
            made.tell(Difference("lost_lease", account, None, lent))
        return made

    def _accounts(self, connection: Connection) -> Iterator[tuple[str, int, int, int]]:
        of, after = ACCOUNTS.c, ""
        query = select(of.account_id, of.posted_nusd, of.lines, of.leased_nusd).order_by(of.account_id)
        while True:
            rows = connection.execute(query.where(of.account_id > after).limit(self._rows)).all()
            for account, posted, lines, leased in rows:
                yield account, int(posted), int(lines), int(leased)
            if len(rows) < self._rows:
                return
            after = rows[-1][0]
            self._pause()

    def _read_lines(self, current: _Pass) -> bool:
        of = LINES.c
        query = (
            select(of.attempt_id, of.accounts, of.cost_nusd, of.at_us, EXCHANGES.c.seq)
            .select_from(LINES.outerjoin(EXCHANGES, EXCHANGES.c.exchange_id == of.exchange_id))
            .where(of.attempt_id > current.after)
            .order_by(of.attempt_id)
            .limit(self._rows)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            since = _log_since(connection)
        for attempt_id, accounts, cost, at_us, seq in rows:
            if seq is not None and seq > current.upto:
                continue  # it came after the pass began
            current.take_line(attempt_id, accounts, cost)
            if seq is None and at_us >= since:
                current.tell(Difference("no_exchange", attempt_id))
        return self._went(current, rows, lambda row: row[0])

    def _read_attempts(self, current: _Pass) -> bool:
        """That each attempt which may have been billed has a line."""
        of = ATTEMPTS.c
        query = (
            select(of.exchange_id, of.attempt_id, of.state, LINES.c.attempt_id)
            .select_from(ATTEMPTS.outerjoin(LINES, LINES.c.attempt_id == of.attempt_id))
            .where(tuple_(of.exchange_id, of.attempt_id) > tuple_(*current.after))
            .order_by(of.exchange_id, of.attempt_id)
            .limit(self._rows)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        for _, attempt_id, state, line in rows:
            if line is None and state != "voided":
                current.tell(Difference("no_line", attempt_id))
        return self._went(current, rows, lambda row: (row[0], row[1]))

    def _read_news(self, current: _Pass) -> bool:
        """What the request log has grown by."""
        of, upto = LINES.c, min(current.after + self._rows, current.upto)
        query = (
            select(ATTEMPTS.c.attempt_id, ATTEMPTS.c.state, of.attempt_id, of.accounts, of.cost_nusd)
            .select_from(
                EXCHANGES.join(ATTEMPTS, ATTEMPTS.c.exchange_id == EXCHANGES.c.exchange_id).outerjoin(
                    LINES, of.attempt_id == ATTEMPTS.c.attempt_id
                )
            )
            .where(and_(EXCHANGES.c.seq > current.after, EXCHANGES.c.seq <= upto))
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        for attempt_id, state, line, accounts, cost in rows:
            if line is not None:
                current.take_line(attempt_id, accounts, cost)
            elif state != "voided":
                current.tell(Difference("no_line", attempt_id))
        current.read += len(rows)
        current.after = upto
        return bool(upto < current.upto)

    def _went(self, current: _Pass, rows: Sequence[Any], place: Callable[[Any], Any]) -> bool:
        current.read += len(rows)
        if rows:
            current.after = place(rows[-1])
        return len(rows) == self._rows

    def _end(self, current: _Pass) -> Audited | None:
        differing = current.kept.differing(current.totals.sums)
        if differing and not current.suspects:
            # Read again, all of it: then the accounts have names, and what has only crossed the first pass is gone.
            self._totals, self._pass = None, self._begin(differing)
            return None
        current.compare()
        # As long as something is wrong, the next pass is a whole one and says so again.
        self._totals = None if current.wrong else current.totals
        self._upto, self._pass = current.upto, None
        return Audited(
            accounts=current.accounts,
            lines=current.totals.lines,
            cost_nusd=current.totals.cost_nusd,
            unpriced=current.totals.unpriced,
            leased_nusd=current.leased_nusd,
            differences=tuple(current.differences),
            wrong=current.wrong,
            whole=current.whole,
        )


def _leases(connection: Connection) -> dict[str, int]:
    asked = select(LEASES.c.account_id, func.sum(LEASES.c.amount_nusd)).group_by(LEASES.c.account_id)
    return {account: int(lent) for account, lent in connection.execute(asked).all()}


def _log_since(connection: Connection) -> int:
    """From when on, in Unix microseconds, the request log has all exchanges: 0 when nothing was deleted from it yet."""
    oldest = (
        select(EXCHANGES.c.seq, EXCHANGES.c.started_us).order_by(EXCHANGES.c.seq).limit(_OLDEST).subquery()
    )
    first, latest = connection.execute(select(func.min(oldest.c.seq), func.max(oldest.c.started_us))).one()
    if first is None:
        return _NEVER  # all of it may have been deleted
    return 0 if first == 1 else int(latest) + _DAY_US
