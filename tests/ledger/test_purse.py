"""The purse against a model that is too simple to be wrong."""

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from effort import examples
from ledger.books import AT, CENT, DOLLAR, attempt, rules
from waypost.core.budget import Budget
from waypost.core.rules import Bound, Rules
from waypost.errors import BudgetExceeded, Bug
from waypost.ledger.accounts import Accounts, AccountSpec, specs_of
from waypost.ledger.purse import Purse, PurseHold, Reached


def spec(name: str, limit: int, ends_at: float | None = None) -> AccountSpec:
    return AccountSpec(name, "key", name, name, limit, "total" if ends_at is None else "day", ends_at)


def opened(*specs: AccountSpec, posted: int = 0) -> Purse:
    purse = Purse()
    for each in specs:
        purse.open(each, posted, AT)
    return purse


def test_500_reservations_of_a_cent_on_a_dollar_admit_100():
    one = (spec("a", DOLLAR),)
    purse = opened(*one)
    refused = 0
    for _ in range(500):
        try:
            assert purse.reserve(one, CENT, AT)
        except BudgetExceeded:
            refused += 1

    assert refused == 400
    assert purse.account("a").held_nusd == DOLLAR


def test_a_hold_grows_on_all_its_accounts_or_on_none():
    both = (spec("a", DOLLAR), spec("b", 2 * CENT))
    purse = opened(*both)
    hold = purse.reserve(both, CENT, AT)
    purse.extend(hold, both, CENT, AT)
    assert (hold.amount_nusd, purse.account("a").held_nusd) == (2 * CENT, 2 * CENT)
    with pytest.raises(BudgetExceeded, match="'b'"):
        purse.extend(hold, both, 1, AT)
    assert (hold.amount_nusd, purse.account("a").held_nusd) == (2 * CENT, 2 * CENT)
    purse.close(hold, CENT)
    assert (purse.account("a").held_nusd, purse.account("b").posted_nusd) == (0, CENT)
    with pytest.raises(Bug):
        purse.extend(hold, both, 1, AT)


def test_one_scope_without_room_holds_nothing_on_the_others():
    specs = (spec("a", 100), spec("b", 10))
    purse = opened(*specs)

    with pytest.raises(BudgetExceeded, match="'b'"):
        purse.reserve(specs, 11, AT)
    assert (purse.account("a").held_nusd, purse.account("b").held_nusd) == (0, 0)
    hold = purse.reserve(specs, 10, AT)
    assert hold.accounts == ("a", "b")
    purse.close(hold, 4)
    assert [(purse.account(name).held_nusd, purse.account(name).posted_nusd) for name in "ab"] == [
        (0, 4),
        (0, 4),
    ]


def test_an_account_that_is_not_in_memory_is_asked_for():
    specs = (spec("a", 100), spec("b", 100))
    purse = opened(specs[0])

    assert purse.reserve(specs[1:], 1, AT) is None
    assert purse.reserve(specs, 1, AT) is None
    assert purse.account("a").held_nusd == 0
    assert purse.missing(specs) == (specs[1],)


def test_no_budget_is_a_hold_on_nothing():
    hold = Purse().reserve((), 5, AT)

    assert (hold.accounts, hold.amount_nusd, hold.closed) == ((), 5, False)


def test_more_than_was_held_is_posted_and_blocks_the_account():
    one = (spec("a", 100),)
    purse = opened(*one)
    purse.close(purse.reserve(one, 50, AT), 140)

    assert purse.account("a").posted_nusd == 140
    with pytest.raises(BudgetExceeded):
        purse.reserve(one, 0, AT)


def test_a_hold_is_closed_once():
    one = (spec("a", 100),)
    purse = opened(*one)
    hold = purse.reserve(one, 50, AT)
    purse.close(hold, 20)

    with pytest.raises(Bug):
        purse.close(hold, 20)
    assert (purse.account("a").posted_nusd, purse.account("a").held_nusd) == (20, 0)


def test_a_refusal_says_what_why_and_until_when():
    (one,) = Accounts().of(rules(5 * DOLLAR, "day"), AT)
    purse = opened(one, posted=5 * DOLLAR - CENT)
    purse.reserve((one,), CENT // 2, AT)

    with pytest.raises(BudgetExceeded) as refusal:
        purse.reserve((one,), CENT, AT)
    error = refusal.value
    assert error.status == 402
    assert error.retry_after_s == one.ends_at - AT
    for part in (
        "key 'app'",
        "$5 per day",
        "spent $4.99",
        "held by running requests $0.005",
        "2026-09-22T00:00:00Z",
    ):
        assert part in error.message


def test_a_total_budget_names_no_time():
    one = (spec("a", 1),)

    with pytest.raises(BudgetExceeded) as refusal:
        opened(*one).reserve(one, 2, AT)
    assert refusal.value.retry_after_s is None


def test_ended_windows_leave_memory_unless_they_have_holds():
    old = [spec(f"old{n}", 100, AT + 10) for n in range(50)]
    purse = opened(*old)
    hold = purse.reserve((old[0],), 0, AT)

    purse.open(spec("new", 100, AT + 100), 0, AT + 10)
    assert len(purse) == 2
    purse.close(hold, 7)
    assert purse.account("old0").posted_nusd == 7
    purse.open(spec("newer", 100), 0, AT + 1000)
    assert len(purse) == 1


def test_opening_again_does_not_forget_what_was_posted():
    one = spec("a", 100)
    purse = opened(one)
    purse.close(purse.reserve((one,), 5, AT), 5)
    purse.open(one, 0, AT)

    assert purse.account("a").posted_nusd == 5


def budget(name: str, limit: int, **changes: object) -> Budget:
    return Budget(f"bud_{name}", "org", name, "team", "t1", limit, **changes)


def team(*budgets: Budget, at: float = AT) -> tuple[AccountSpec, ...]:
    return specs_of(Bound("team", "t1", "web", budgets), at)[1]


def test_soft_budgets_are_counted_and_refuse_nothing():
    specs = team(budget("soft", 10, mode="soft"))
    purse = opened(*specs)
    for _ in range(3):
        purse.close(purse.reserve(specs, 100, AT), 100)

    assert purse.account("team:t1:month:2026-09-01").posted_nusd == 300
    assert purse.left(specs) is None


def test_a_scope_with_two_budgets_is_posted_once_and_each_refuses_for_itself():
    specs = team(budget("day", 50, period="day"), budget("month", 100), budget("tight", 80))
    purse = opened(*specs)
    assert purse.left(specs) == 50
    purse.close(purse.reserve(specs, 50, AT), 50)
    tomorrow = team(
        *(mark.budget for spec in specs for mark in spec.marks[:1]), budget("tight", 80), at=AT + 86_400
    )
    for each in purse.missing(tomorrow):
        purse.open(each, 0, AT + 86_400)
    with pytest.raises(BudgetExceeded, match="'tight' of team 'web'"):
        purse.reserve(tomorrow, 31, AT + 86_400)
    assert purse.reserve(tomorrow, 30, AT + 86_400)


def test_what_costs_nothing_has_room_on_an_overdrawn_account():
    one = (spec("a", 100),)
    purse = opened(*one, posted=150)
    with pytest.raises(BudgetExceeded):
        purse.reserve(one, 0, AT)
    purse.close(purse.reserve(one, 0, AT, free=True), 0)
    assert purse.account("a").posted_nusd == 150


def test_a_provider_is_posted_what_went_there():
    specs = (spec("provider:org/openai:total", 100), spec("model:org/gpt-5-mini:total", 100), spec("a", 100))
    purse = opened(*specs)
    other = msgspec.structs.replace(attempt(1, 30), provider="azure")
    purse.close(purse.reserve(specs, 60, AT), 50, (attempt(2, 20), other))

    posted = [purse.account(each.account_id).posted_nusd for each in specs]
    assert posted == [20, 50, 50]
    assert {purse.account(each.account_id).held_nusd for each in specs} == {0}


def test_each_threshold_is_told_once_for_each_window():
    told: list[Reached] = []
    specs = team(budget("hard", 100, thresholds=(50, 80, 100)), budget("soft", 60, mode="soft"))
    purse = Purse(told.append)
    purse.open(specs[0], 0, AT)

    def spend(amount: int) -> list[tuple[str, int | None]]:
        told.clear()
        purse.close(purse.reserve(specs, amount, AT), amount)
        return [(each.budget.name, each.per_cent) for each in told]

    assert spend(47) == []
    assert spend(1) == [("soft", 80)]
    assert spend(0) == []
    assert spend(40) == [("hard", 50), ("soft", 100), ("hard", 80)]
    assert spend(10) == []
    for _ in range(3):
        with pytest.raises(BudgetExceeded):
            purse.reserve(specs, 3, AT)
    assert [(each.budget.name, each.per_cent) for each in told] == [("hard", None)]
    assert spend(2) == [("hard", 100)]


def test_what_was_reached_before_a_restart_is_not_told_again():
    told: list[Reached] = []
    specs = team(budget("hard", 100))
    purse = Purse(told.append)
    purse.open(specs[0], 85, AT)
    purse.close(purse.reserve(specs, 5, AT), 5)
    assert told == []
    purse.close(purse.reserve(specs, 10, AT), 10)
    assert [each.per_cent for each in told] == [100]


def test_a_threshold_that_the_end_of_a_raise_brings_is_told_with_the_next_cost():
    told: list[Reached] = []
    raised = budget("hard", 100, raise_nusd=100, raise_until=AT + 60)
    purse = Purse(told.append)
    purse.open(team(raised)[0], 0, AT)
    purse.close(purse.reserve(team(raised), 90, AT), 90)
    assert told == []
    purse.close(purse.reserve(team(raised, at=AT + 60), 1, AT + 60), 1)
    assert [(each.per_cent, each.posted_nusd) for each in told] == [(80, 91)]


def test_a_refusal_says_that_waiting_for_a_window_can_not_help_what_is_larger():
    specs = team(budget("hard", 100))
    with pytest.raises(BudgetExceeded, match="more than the whole budget") as refusal:
        opened(*specs).reserve(specs, 101, AT)
    assert (refusal.value.retry_after_s, refusal.value.budget) == (None, "team/hard")


class PurseMachine(RuleBasedStateMachine):
    """One key with an hourly budget; time moves, holds open and close in any order, overage included."""

    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.at = AT
        self.key: Rules = rules(1000, "hour")
        self.accounts = Accounts()
        self.purse = Purse()
        self.spent: dict[str, int] = {}
        self.open: list[tuple[PurseHold, str, int]] = []

    @rule(seconds=st.sampled_from([1.0, 600.0, 3600.0, 7200.0, -600.0]))
    def time_moves(self, seconds: float) -> None:
        self.at += seconds

    @rule(target=holds, amount=st.integers(0, 400))
    def reserve(self, amount: int) -> PurseHold | None:
        specs = self.accounts.of(self.key, self.at)
        for missing in self.purse.missing(specs):
            self.purse.open(missing, self.spent.get(missing.account_id, 0), self.at)
        name = specs[0].account_id
        used = self.spent.get(name, 0) + sum(held for _, on, held in self.open if on == name)
        try:
            hold = self.purse.reserve(specs, amount, self.at)
        except BudgetExceeded:
            assert used + amount > 1000
            return None
        assert hold is not None
        assert used + amount <= 1000
        self.open.append((hold, name, amount))
        return hold

    @rule(hold=consumes(holds), actual=st.integers(0, 600))
    def close(self, hold: PurseHold | None, actual: int) -> None:
        if hold is None:
            return
        name = next(on for held, on, _ in self.open if held is hold)
        self.open = [entry for entry in self.open if entry[0] is not hold]
        self.spent[name] = self.spent.get(name, 0) + actual
        self.purse.close(hold, actual)
        with pytest.raises(Bug):
            self.purse.close(hold, actual)

    @invariant()
    def sums_agree(self) -> None:
        for name in {*self.spent, *(on for _, on, _ in self.open)}:
            account = self.purse.account(name)
            held = [amount for _, on, amount in self.open if on == name]
            if account is None:
                assert not held
            else:
                assert account.posted_nusd == self.spent.get(name, 0)
                assert (account.held_nusd, account.holds) == (sum(held), len(held))


PurseMachine.TestCase.settings = settings(max_examples=examples(60), stateful_step_count=40, deadline=None)
TestPurseMachine = PurseMachine.TestCase
