"""The headroom of every open account, in memory. Reserve and close are synchronous, so each is atomic by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush

import msgspec

from waypost.core.budget import Budget
from waypost.core.free_tier import FreeTier
from waypost.core.money import render_usd
from waypost.core.record import Attempt
from waypost.core.scope import EXCHANGE, NARROW, counts_exchanges, counts_to, is_given
from waypost.errors import BudgetExceeded, Bug, CreditsExhausted, FreeTierExhausted
from waypost.ledger.accounts import AccountSpec
from waypost.ledger.windows import render_time

#: How long a sweep leaves alone an ended account that still has holds, in seconds.
_LINGER_S = 60.0


class Reached(msgspec.Struct, frozen=True):
    """A budget came to one of its thresholds."""

    budget: Budget
    spec: AccountSpec
    per_cent: int | None
    """None: it had no room for a request."""
    posted_nusd: int


class Account:
    """What one account has spent and has set aside, in nano-dollars. The limit is not here: it is the budget's."""

    __slots__ = (
        "account_id",
        "ahead_nusd",
        "counts",
        "free_nusd",
        "given",
        "held_nusd",
        "holds",
        "limit_nusd",
        "narrow",
        "posted_nusd",
        "told",
        "used_nusd",
    )

    def __init__(self, account_id: str, posted_nusd: int) -> None:
        self.account_id = account_id
        self.posted_nusd = posted_nusd
        #: Of what is leased to this node: what nothing is held on. Below 0: more was spent. None: nothing was leased.
        self.free_nusd: int | None = None
        #: Held on it since somebody last looked.
        self.used_nusd = 0
        #: What holds on it may be extended by at any time; and its limit, as it was last met.
        self.ahead_nusd = 0
        self.limit_nusd = 0
        self.held_nusd = 0
        self.holds = 0
        #: It counts only what went to its provider or model.
        self.narrow = account_id.partition(":")[0] in NARROW
        #: It counts exchanges: each takes `EXCHANGE` of it, whatever it costs.
        self.counts = counts_exchanges(account_id)
        #: It counts what the operator gives.
        self.given = is_given(account_id)
        #: By id of a budget, the thresholds that were told of; None among them: that it had no room.
        self.told: set[tuple[str, int | None]] = set()


class PurseHold:
    """Money set aside on zero or more accounts. Made by `Purse.reserve`, ended by `Purse.close`."""

    __slots__ = ("_ahead_nusd", "_free", "_held_on", "_specs", "accounts", "amount_nusd", "closed")

    def __init__(
        self,
        amount_nusd: int,
        accounts: tuple[str, ...],
        held_on: tuple[Account, ...],
        specs: tuple[AccountSpec, ...] = (),
        *,
        free: bool = False,
    ) -> None:
        self.amount_nusd = amount_nusd
        self._free = free
        self._ahead_nusd = 0
        self.accounts = accounts
        self.closed = False
        self._held_on = held_on
        self._specs = specs


class Purse:
    """All open accounts. Not thread-safe on purpose: it lives on the event loop's thread."""

    __slots__ = ("_accounts", "_ends", "dropped", "leased", "reached", "shared")

    def __init__(self, reached: Callable[[Reached], None] = lambda _: None, *, shared: bool = False) -> None:
        """`reached`: hears of each threshold once for each window that is in memory. `shared`: with other nodes, so
        limits hold by what is leased to this one (`ledger.leasing`)."""
        self.reached = reached
        self.shared = shared
        #: Accounts whose lease is looked after; and what is left of those that are not in memory any more.
        self.leased: dict[str, Account] = {}
        self.dropped: dict[str, int] = {}
        self._accounts: dict[str, Account] = {}
        self._ends: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._accounts)

    def missing(self, specs: Sequence[AccountSpec]) -> tuple[AccountSpec, ...]:
        """Those that are not in memory."""
        return tuple(spec for spec in specs if spec.account_id not in self._accounts)

    def open(self, spec: AccountSpec, posted_nusd: int, at: float) -> None:
        """Bring an account in with what the journal has posted to it; no effect if it is in. Thresholds below that
        were told of when they were reached.

        Also drops accounts whose windows ended before `at` and that have no holds: each is looked at a bounded
        number of times, so the cost per new account is constant on average.
        """
        self._sweep(at)
        if spec.account_id in self._accounts:
            return
        account = self._accounts[spec.account_id] = Account(spec.account_id, posted_nusd)
        for mark in spec.marks:
            if mark.at_nusd <= posted_nusd:
                account.told.add((mark.budget.id, mark.per_cent))
        if spec.ends_at is not None:
            heappush(self._ends, (spec.ends_at, spec.account_id))

    def account(self, account_id: str) -> Account | None:
        """One account, for reports and tests."""
        return self._accounts.get(account_id)

    def reserve(
        self, specs: tuple[AccountSpec, ...], amount_nusd: int, at: float, *, free: bool = False
    ) -> PurseHold | None:
        """Hold `amount_nusd` on every account or on none; None when one of them is not in memory, or too little of it
        is leased. What is `free` is known to cost nothing, and is held whatever is left.

        Raises BudgetExceeded for the first account without room.
        """
        if not specs:
            return PurseHold(amount_nusd, (), ())
        accounts: list[Account] = []
        ids: list[str] = []
        full: tuple[AccountSpec, Account] | None = None
        known = self._accounts
        for spec in specs:
            account_id, limit = spec.account_id, spec.limit_nusd
            account = known.get(account_id)
            if account is None:
                return None
            accounts.append(account)
            ids.append(account_id)
            if limit is not None and full is None:
                need = EXCHANGE if account.counts else amount_nusd
                if account.posted_nusd + account.held_nusd + need > limit:
                    full = spec, account
        if not free:
            if self.shared:
                if not _take(specs, accounts, amount_nusd):
                    return None
            elif full is not None:
                raise self.exceeded(*full, amount_nusd, at)
        for account in accounts:
            account.held_nusd += EXCHANGE if account.counts else amount_nusd
            account.holds += 1
        return PurseHold(amount_nusd, tuple(ids), tuple(accounts), specs, free=free)

    def extend(self, hold: PurseHold, specs: tuple[AccountSpec, ...], more_nusd: int, at: float) -> None:
        """Hold `more_nusd` on top, on every account of `hold` or on none.

        `specs` say what the limits are. Raises BudgetExceeded for the first account without room, Bug for a hold that
        is closed.
        """
        if hold.closed:
            raise Bug("A hold that was settled can not be extended.")
        if hold._free and not more_nusd:
            return  # what costs nothing has room on a budget that is overdrawn, too
        limits = {spec.account_id: spec for spec in specs}
        for account in hold._held_on:
            spec = limits.get(account.account_id)
            if spec is None or spec.limit_nusd is None or account.counts:
                continue
            if self.shared:
                if (account.free_nusd or 0) < more_nusd:
                    # There may be room that is not leased to this node: nobody is told that the budget is used up.
                    raise _exceeded(spec, account, more_nusd, at)
            elif account.posted_nusd + account.held_nusd + more_nusd > spec.limit_nusd:
                raise self.exceeded(spec, account, more_nusd, at)
        for account, spec in zip(hold._held_on, hold._specs, strict=True):
            if account.counts:
                continue
            account.held_nusd += more_nusd
            if account.free_nusd is not None and spec.limit_nusd is not None and not hold._free:
                account.free_nusd -= more_nusd
        hold.amount_nusd += more_nusd

    def keep_ahead(self, hold: PurseHold) -> None:
        """This hold will be extended by about as much at a time: where headroom is leased, so much is kept at hand."""
        if not self.shared or hold.closed or hold._ahead_nusd:
            return
        hold._ahead_nusd = hold.amount_nusd
        for account, spec in zip(hold._held_on, hold._specs, strict=True):
            if spec.limit_nusd is not None and not account.counts:
                account.ahead_nusd += hold._ahead_nusd
                self.leased[account.account_id] = account

    def left(self, specs: tuple[AccountSpec, ...]) -> int | None:
        """What could be held now on all of these at most, not below 0; None where nothing may refuse, or when an
        account is not in memory."""
        found = []
        for spec in specs:
            account = self._accounts.get(spec.account_id)
            if account is None:
                return None
            if spec.limit_nusd is not None and not account.counts:
                found.append(spec.limit_nusd - account.posted_nusd - account.held_nusd)
        return max(0, min(found)) if found else None

    def left_of(self, spec: AccountSpec) -> int | None:
        """What is left of one account that has a limit, in whatever it counts, not below 0; None when it is not in
        memory."""
        account = self._accounts.get(spec.account_id)
        if account is None or spec.limit_nusd is None:
            return None
        return max(0, spec.limit_nusd - account.posted_nusd - account.held_nusd)

    def close(self, hold: PurseHold, amount_nusd: int, attempts: Sequence[Attempt] = ()) -> None:
        """Post what was really spent, over the hold or under it, and free the rest. `attempts`: what it was spent on,
        for accounts of providers and models, and for prepaid credit.

        Raises Bug when the hold is closed already: then nothing changes.
        """
        if hold.closed:
            raise Bug("A hold was settled twice. Its first settlement stands.")
        hold.closed = True
        for account, spec in zip(hold._held_on, hold._specs, strict=True):
            held, cost = hold.amount_nusd, amount_nusd
            if account.narrow:
                cost = _part(account.account_id, attempts)
            elif account.counts:
                held, cost = EXCHANGE, EXCHANGE if any(each.counts for each in attempts) else 0
            elif account.given:
                cost -= _own(attempts)
            account.held_nusd -= held
            account.posted_nusd += cost
            account.holds -= 1
            if hold._ahead_nusd and spec.limit_nusd is not None and not account.counts:
                account.ahead_nusd -= hold._ahead_nusd
            if account.free_nusd is not None:
                # What is posted leaves the lease, whether it had been set aside from it or not.
                covered = spec.limit_nusd is not None and not hold._free
                account.free_nusd += (held if covered else 0) - cost
                if account.free_nusd < 0:
                    self.leased[account.account_id] = account
            if spec.marks and account.posted_nusd >= spec.marks[0].at_nusd:
                self._look(spec, account)

    def lease(self, account_id: str, amount_nusd: int) -> None:
        """Something was leased to this node, or, below 0, is not any more."""
        account = self._accounts.get(account_id)
        if account is None:
            self.dropped[account_id] = self.dropped.get(account_id, 0) + amount_nusd
            return
        account.free_nusd = (account.free_nusd or 0) + amount_nusd
        self.leased[account_id] = account

    def see(self, account_id: str, posted_nusd: int) -> None:
        """What all nodes together have posted to it."""
        account = self._accounts.get(account_id)
        if account is not None:
            account.posted_nusd = max(account.posted_nusd, posted_nusd)

    def _look(self, spec: AccountSpec, account: Account) -> None:
        """Tell of the thresholds that were reached."""
        for mark in spec.marks:
            if mark.at_nusd > account.posted_nusd:
                return
            if (mark.budget.id, mark.per_cent) not in account.told:
                account.told.add((mark.budget.id, mark.per_cent))
                self.reached(Reached(mark.budget, spec, mark.per_cent, account.posted_nusd))

    def exceeded(self, spec: AccountSpec, account: Account, amount_nusd: int, at: float) -> BudgetExceeded:
        """That there is no room, said once."""
        budget = spec.budget
        if budget is not None and (budget.id, None) not in account.told:
            account.told.add((budget.id, None))
            self.reached(Reached(budget, spec, None, account.posted_nusd))
        return _exceeded(spec, account, amount_nusd, at)

    def _sweep(self, at: float) -> None:
        ends = self._ends
        while ends and ends[0][0] <= at:
            _, account_id = heappop(ends)
            account = self._accounts.get(account_id)
            if account is None:
                continue
            if account.holds:
                heappush(ends, (at + _LINGER_S, account_id))
            else:
                del self._accounts[account_id]
                self.leased.pop(account_id, None)
                if account.free_nusd:
                    self.dropped[account_id] = self.dropped.get(account_id, 0) + account.free_nusd


def _take(specs: tuple[AccountSpec, ...], accounts: Sequence[Account], amount_nusd: int) -> bool:
    """Take it from what is leased, of every account that has a limit or of none."""
    for spec, account in zip(specs, accounts, strict=True):
        need = EXCHANGE if account.counts else amount_nusd
        if spec.limit_nusd is not None and (account.free_nusd or 0) < need:
            return False
    for spec, account in zip(specs, accounts, strict=True):
        if spec.limit_nusd is not None and account.free_nusd is not None:
            need = EXCHANGE if account.counts else amount_nusd
            account.free_nusd -= need
            account.used_nusd += need
            account.limit_nusd = spec.limit_nusd
    return True


def _part(account_id: str, attempts: Sequence[Attempt]) -> int:
    """What of an exchange's cost went to one provider or model."""
    return sum(
        attempt.cost_nusd or 0
        for attempt in attempts
        if counts_to(account_id, attempt.provider, attempt.model)
    )


def _own(attempts: Sequence[Attempt]) -> int:
    """What of an exchange's cost an organization pays to its provider itself: `counts_to` says the same of lines."""
    return sum(attempt.cost_nusd or 0 for attempt in attempts if attempt.own)


def _exhausted(spec: AccountSpec, account: Account, amount_nusd: int) -> CreditsExhausted:
    balance = (spec.limit_nusd or 0) - account.posted_nusd
    return CreditsExhausted(
        f"The prepaid credit of the organization {spec.label!r} has no room for this request: "
        f"balance ${render_usd(balance)}, held by running requests ${render_usd(account.held_nusd)}, "
        f"needed at most ${render_usd(amount_nusd)}. Ask who pays for it to add credit, or set a smaller output "
        "limit.",
        budget=f"{spec.scope}/credit",
    )


def _used_up(
    spec: AccountSpec, tier: FreeTier, account: Account, amount_nusd: int, at: float
) -> FreeTierExhausted:
    renews = spec.ends_at or at
    return FreeTierExhausted(
        f"The free tier has no room for this request: {tier.tell(tier.amount)} per {tier.period} for each "
        f"{tier.each}, used {tier.show(account.posted_nusd)}, held by running requests "
        f"{tier.show(account.held_nusd)}, needed at most {tier.show(spec.need(amount_nusd))}. "
        f"It is renewed at {render_time(renews)}. Wait until then, or ask who pays for the organization to add credit.",
        retry_after_s=max(0.0, renews - at),
        budget=f"{spec.scope}/{tier.period}",
    )


def _exceeded(spec: AccountSpec, account: Account, amount_nusd: int, at: float) -> BudgetExceeded:
    if spec.prepaid:
        return _exhausted(spec, account, amount_nusd)
    if spec.free is not None:
        return _used_up(spec, spec.free, account, amount_nusd, at)
    limit, budget = spec.limit_nusd or 0, spec.budget
    named = "" if budget is None or budget.name == spec.label else f" {budget.name!r}"
    per = "in total" if spec.period == "total" else f"per {spec.period}"
    text = (
        f"The budget{named} of {spec.scope} {spec.label!r} has no room for this request: "
        f"limit ${render_usd(limit)} {per}, spent ${render_usd(account.posted_nusd)}, "
        f"held by running requests ${render_usd(account.held_nusd)}, "
        f"needed at most ${render_usd(amount_nusd)}. "
    )
    wait_s = None
    if amount_nusd > limit:
        text += "It is more than the whole budget: set a smaller output limit, or ask the key's owner to raise it."
    elif spec.ends_at is None:
        text += "Ask the key's owner to raise it, or set a smaller output limit."
    else:
        text += (
            f"The window ends at {render_time(spec.ends_at)}; wait until then, ask the key's owner to raise the "
            "budget, or set a smaller output limit."
        )
        wait_s = max(0.0, spec.ends_at - at)
    return BudgetExceeded(
        text,
        retry_after_s=wait_s,
        budget=f"{spec.scope}/{spec.label if budget is None else budget.name}",
        route=None if budget is None else budget.on_exhausted,
    )
