"""The purse against a model that is too simple to be wrong."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from ledger.books import AT, CENT, DOLLAR, key
from waypost.core.key import Key
from waypost.errors import BudgetExceeded, Bug
from waypost.ledger.accounts import Accounts, AccountSpec
from waypost.ledger.purse import Purse, PurseHold


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
    (one,) = Accounts().of(key(5 * DOLLAR, "day"), AT)
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


class PurseMachine(RuleBasedStateMachine):
    """One key with an hourly budget; time moves, holds open and close in any order, overage included."""

    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.at = AT
        self.key: Key = key(1000, "hour")
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


PurseMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestPurseMachine = PurseMachine.TestCase
