"""The headroom of every open account, in memory. Reserve and close are synchronous, so each is atomic by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from heapq import heappop, heappush

from waypost.core.money import render_usd
from waypost.errors import BudgetExceeded, Bug
from waypost.ledger.accounts import AccountSpec

#: How long a sweep leaves alone an ended account that still has holds, in seconds.
_LINGER_S = 60.0


class Account:
    """What one account has spent and has set aside, in nano-dollars. The limit is not here: it is the key's."""

    __slots__ = ("account_id", "held_nusd", "holds", "posted_nusd")

    def __init__(self, account_id: str, posted_nusd: int) -> None:
        self.account_id = account_id
        self.posted_nusd = posted_nusd
        self.held_nusd = 0
        self.holds = 0


class PurseHold:
    """Money set aside on zero or more accounts. Made by `Purse.reserve`, ended by `Purse.close`."""

    __slots__ = ("_held_on", "accounts", "amount_nusd", "closed")

    def __init__(self, amount_nusd: int, accounts: tuple[str, ...], held_on: tuple[Account, ...]) -> None:
        self.amount_nusd = amount_nusd
        self.accounts = accounts
        self.closed = False
        self._held_on = held_on


class Purse:
    """All open accounts. Not thread-safe on purpose: it lives on the event loop's thread."""

    __slots__ = ("_accounts", "_ends")

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._ends: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._accounts)

    def missing(self, specs: Sequence[AccountSpec]) -> tuple[AccountSpec, ...]:
        """Those accounts that are not in memory."""
        return tuple(spec for spec in specs if spec.account_id not in self._accounts)

    def open(self, spec: AccountSpec, posted_nusd: int, at: float) -> None:
        """Bring an account in with what the journal has posted to it; no effect if it is in.

        Also drops accounts whose windows ended before `at` and that have no holds: each is looked at a bounded
        number of times, so the cost per new account is constant on average.
        """
        self._sweep(at)
        if spec.account_id in self._accounts:
            return
        self._accounts[spec.account_id] = Account(spec.account_id, posted_nusd)
        if spec.ends_at is not None:
            heappush(self._ends, (spec.ends_at, spec.account_id))

    def account(self, account_id: str) -> Account | None:
        """One account, for reports and tests."""
        return self._accounts.get(account_id)

    def reserve(self, specs: tuple[AccountSpec, ...], amount_nusd: int, at: float) -> PurseHold | None:
        """Hold `amount_nusd` on every account or on none; None when one of them is not in memory.

        Raises BudgetExceeded for the first account without room.
        """
        if not specs:
            return PurseHold(amount_nusd, (), ())
        if len(specs) == 1:
            spec = specs[0]
            account = self._accounts.get(spec.account_id)
            if account is None:
                return None
            if account.posted_nusd + account.held_nusd + amount_nusd > spec.limit_nusd:
                raise _exceeded(spec, account, amount_nusd, at)
            account.held_nusd += amount_nusd
            account.holds += 1
            return PurseHold(amount_nusd, (account.account_id,), (account,))
        return self._reserve_all(specs, amount_nusd, at)

    def extend(self, hold: PurseHold, specs: tuple[AccountSpec, ...], more_nusd: int, at: float) -> None:
        """Hold `more_nusd` on top, on every account of `hold` or on none.

        `specs` say what the limits are. Raises BudgetExceeded for the first account without room, Bug for a hold that
        is closed.
        """
        if hold.closed:
            raise Bug("A hold that was settled can not be extended.")
        limits = {spec.account_id: spec for spec in specs}
        for account in hold._held_on:
            spec = limits.get(account.account_id)
            if spec is not None and account.posted_nusd + account.held_nusd + more_nusd > spec.limit_nusd:
                raise _exceeded(spec, account, more_nusd, at)
        for account in hold._held_on:
            account.held_nusd += more_nusd
        hold.amount_nusd += more_nusd

    def left(self, specs: tuple[AccountSpec, ...]) -> int | None:
        """What could be held now on all of these at most, not below 0; None without accounts, or when one is not in
        memory."""
        found = []
        for spec in specs:
            account = self._accounts.get(spec.account_id)
            if account is None:
                return None
            found.append(spec.limit_nusd - account.posted_nusd - account.held_nusd)
        return max(0, min(found)) if found else None

    def close(self, hold: PurseHold, amount_nusd: int) -> None:
        """Post what was really spent, over the hold or under it, and free the rest.

        Raises Bug when the hold is closed already: then nothing changes.
        """
        if hold.closed:
            raise Bug("A hold was settled twice. Its first settlement stands.")
        hold.closed = True
        for account in hold._held_on:
            account.held_nusd -= hold.amount_nusd
            account.posted_nusd += amount_nusd
            account.holds -= 1

    def _reserve_all(self, specs: tuple[AccountSpec, ...], amount_nusd: int, at: float) -> PurseHold | None:
        accounts: list[Account] = []
        for spec in specs:
            account = self._accounts.get(spec.account_id)
            if account is None:
                return None
            accounts.append(account)
        for spec, account in zip(specs, accounts, strict=True):
            if account.posted_nusd + account.held_nusd + amount_nusd > spec.limit_nusd:
                raise _exceeded(spec, account, amount_nusd, at)
        for account in accounts:
            account.held_nusd += amount_nusd
            account.holds += 1
        return PurseHold(amount_nusd, tuple(account.account_id for account in accounts), tuple(accounts))

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


def _exceeded(spec: AccountSpec, account: Account, amount_nusd: int, at: float) -> BudgetExceeded:
    per = "in total" if spec.period == "total" else f"per {spec.period}"
    text = (
        f"The budget of {spec.scope} {spec.label!r} has no room for this request: "
        f"limit ${render_usd(spec.limit_nusd)} {per}, spent ${render_usd(account.posted_nusd)}, "
        f"held by running requests ${render_usd(account.held_nusd)}, "
        f"needed at most ${render_usd(amount_nusd)}. "
    )
    if spec.ends_at is None:
        return BudgetExceeded(text + "Ask the key's owner to raise it, or set a smaller output limit.")
    ends = datetime.fromtimestamp(spec.ends_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return BudgetExceeded(
        text + f"The window ends at {ends}; wait until then, ask the key's owner to raise the budget, "
        "or set a smaller output limit.",
        retry_after_s=max(0.0, spec.ends_at - at),
    )
