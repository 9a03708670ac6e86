"""The purse and the accounts over several scopes at once, against a model that is too simple to be wrong."""

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from effort import examples
from ledger.books import AT, attempt
from waypost.core.budget import Budget
from waypost.core.rules import Bound, Rules
from waypost.errors import BudgetExceeded, Bug
from waypost.ledger.accounts import Accounts, AccountSpec
from waypost.ledger.purse import Purse, PurseHold, Reached
from waypost.ledger.windows import window


def budget(name: str, limit: int, **changes: object) -> Budget:
    return Budget(f"bud_{name}", "org", name, "team", "t1", limit, **changes)


class ScopesMachine(RuleBasedStateMachine):
    """Five scopes with hard and soft budgets, of which each request has some; several windows and raises among them;
    two providers that count what went to them. Against sums in lists."""

    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.at = AT
        self.told: list[Reached] = []
        self.purse = Purse(self.told.append)
        self.accounts = Accounts()
        self.budgets = {
            "team": (budget("hour", 900, period="hour"), budget("all", 5_000, period="total")),
            "user": (budget("low", 700), budget("high", 1_500, raise_nusd=300, raise_until=AT + 4_000)),
            "organization": (budget("soft", 300, mode="soft", period="day"),),
            "p1": (budget("one", 1_000, anchor_at=AT - 1_000, period="hour"),),
            "p2": (budget("two", 400, period="day"),),
        }
        self.bounds = {
            name: Bound("provider", f"org/{name}", name, budgets)
            if name[0] == "p"
            else Bound(name, "x", name, budgets)
            for name, budgets in self.budgets.items()
        }
        self.kept: dict[frozenset[str], Rules] = {}
        self.posted: dict[str, int] = {}
        self.open: dict[int, tuple[PurseHold, tuple[AccountSpec, ...]]] = {}

    def specs(self, names: frozenset[str]) -> tuple[AccountSpec, ...]:
        made = self.kept.setdefault(names, Rules(tuple(self.bounds[name] for name in sorted(names))))
        return self.accounts.of(made, self.at)

    def used(self, account_id: str) -> int:
        held = sum(hold.amount_nusd for hold, _ in self.open.values() if account_id in hold.accounts)
        return self.posted.get(account_id, 0) + held

    def expected(self, names: frozenset[str]) -> dict[str, tuple[int | None, tuple[Budget, ...]]]:
        """By account, its hard limit now and its budgets: worked out from the budgets alone."""
        found: dict[str, list[Budget]] = {}
        for name in sorted(names):
            bound = self.bounds[name]
            for each in self.budgets[name]:
                place = f"{bound.scope}:{bound.scope_id}:{window(each.period, self.at, each.anchor_at).name}"
                found.setdefault(place, []).append(each)
        return {
            place: (
                min((each.limit_at(self.at) for each in some if each.mode == "hard"), default=None),
                tuple(some),
            )
            for place, some in found.items()
        }

    @rule(seconds=st.sampled_from([1.0, 1_800.0, 3_600.0, 90_000.0, -600.0]))
    def time_moves(self, seconds: float) -> None:
        self.at += seconds

    @rule(target=holds, names=st.frozensets(st.sampled_from(["team", "user", "organization", "p1", "p2"])),
          amount=st.integers(0, 300), free=st.booleans())  # fmt: skip
    def reserve(self, names: frozenset[str], amount: int, free: bool) -> PurseHold | None:
        specs, limits = self.specs(names), self.expected(names)
        assert {spec.account_id: spec.limit_nusd for spec in specs} == {
            place: limit for place, (limit, _) in limits.items()
        }
        amount, free = (0, True) if free and amount < 50 else (amount, False)
        missing = self.purse.missing(specs)
        if missing:
            assert self.purse.reserve(specs, amount, self.at) is None
        for each in missing:
            self.purse.open(each, self.posted.get(each.account_id, 0), self.at)
        fits = all(
            limit is None or self.used(place) + amount <= limit for place, (limit, _) in limits.items()
        )
        try:
            hold = self.purse.reserve(specs, amount, self.at, free=free)
        except BudgetExceeded:
            assert not fits
            assert not free
            return None
        assert hold is not None
        assert fits or free
        self.open[id(hold)] = (hold, specs)
        return hold

    @rule(hold=holds, more=st.integers(1, 200))
    def extend(self, hold: PurseHold | None, more: int) -> None:
        if hold is None or id(hold) not in self.open:
            return
        specs = self.open[id(hold)][1]
        fits = all(
            spec.limit_nusd is None or self.used(spec.account_id) + more <= spec.limit_nusd for spec in specs
        )
        try:
            self.purse.extend(hold, specs, more, self.at)
        except BudgetExceeded:
            assert not fits
        else:
            assert fits

    @rule(
        hold=consumes(holds),
        costs=st.lists(st.tuples(st.sampled_from("12"), st.integers(0, 400)), max_size=3),
    )
    def close(self, hold: PurseHold | None, costs: list[tuple[str, int]]) -> None:
        if hold is None or id(hold) not in self.open:
            return
        del self.open[id(hold)]
        tries = tuple(
            msgspec.structs.replace(attempt(number, cost), provider=f"p{which}")
            for number, (which, cost) in enumerate(costs)
        )
        for account_id in hold.accounts:
            which = account_id[len("provider:org/p")] if account_id.startswith("provider") else None
            spent = sum(cost for by, cost in costs if which in (None, by))
            self.posted[account_id] = self.posted.get(account_id, 0) + spent
        self.purse.close(hold, sum(cost for _, cost in costs), tries)
        with pytest.raises(Bug):
            self.purse.close(hold, 0, tries)

    @invariant()
    def sums_agree(self) -> None:
        for account_id in {*self.posted, *(each for hold, _ in self.open.values() for each in hold.accounts)}:
            account = self.purse.account(account_id)
            held = [hold.amount_nusd for hold, _ in self.open.values() if account_id in hold.accounts]
            if account is None:
                assert not held
            else:
                assert account.posted_nusd == self.posted.get(account_id, 0)
                assert (account.held_nusd, account.holds) == (sum(held), len(held))

    @invariant()
    def nothing_is_told_twice(self) -> None:
        # A window that left memory and came back may tell again that it had no room; thresholds never.
        seen = [
            (each.spec.account_id, each.budget.id, each.per_cent)
            for each in self.told
            if each.per_cent is not None
        ]
        assert len(seen) == len(set(seen))


ScopesMachine.TestCase.settings = settings(max_examples=examples(60), stateful_step_count=40, deadline=None)
TestScopesMachine = ScopesMachine.TestCase
