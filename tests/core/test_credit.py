from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from effort import examples
from waypost.core.credit import (
    Credit,
    account_of,
    ended_id,
    ending,
    entry,
    position,
    sums,
    used_of,
)
from waypost.errors import InvalidRequest


def test_what_is_added_comes_from_its_source_and_what_is_taken_goes_there() -> None:
    grant = entry("e1", "org_a", 5.0, "grant", 7, expires_at=9.0, made_by="operator")
    assert grant == Credit(
        "e1", "org_a", 5.0, "grant", 7, "gateway:granted", "organization:org_a", 9.0, None, "", "operator"
    )
    taken = entry("e2", "org_a", 6.0, "expire", -3, of_entry="e1")
    assert (taken.amount_nusd, taken.debit, taken.credit) == (3, account_of("org_a"), "gateway:expired")
    assert (grant.signed_nusd, taken.signed_nusd) == (7, -3)
    assert entry("e3", "org_a", 6.0, "adjust", -1, reason="typo").signed_nusd == -1


@pytest.mark.parametrize(
    ("param", "change"),
    [
        ("entry_id", {"entry_id": ""}),
        ("entry_id", {"entry_id": "x" * 65}),
        ("kind", {"kind": "gift"}),
        ("amount_nusd", {"signed_nusd": 0}),
        ("amount_nusd", {"signed_nusd": 10**18 + 1}),
        ("amount_nusd", {"signed_nusd": -5}),
        ("amount_nusd", {"kind": "expire", "of_entry": "e0"}),
        ("of_entry", {"kind": "expire", "signed_nusd": -5}),
        ("expires_at", {"kind": "adjust", "signed_nusd": -5, "expires_at": 9.0, "reason": "x"}),
        ("reason", {"kind": "adjust", "reason": " "}),
        ("reason", {"reason": "x" * 1001}),
    ],
)
def test_entries_that_make_no_sense_are_refused_by_field(param: str, change: dict[str, Any]) -> None:
    good: dict[str, Any] = {
        "entry_id": "e1",
        "organization_id": "o",
        "at": 1.0,
        "kind": "topup",
        "signed_nusd": 5,
    }
    assert entry(**good).signed_nusd == 5
    with pytest.raises(InvalidRequest) as refused:
        entry(**{**good, **change})
    assert refused.value.param == param


def rests(entries: list[Credit], used: int, at: float) -> dict[str, int]:
    return {each.entry.entry_id: each.left_nusd for each in position(entries, used, at).rests}


def test_what_ends_first_is_used_first_and_then_what_is_oldest() -> None:
    entries = [
        entry("old", "o", 1.0, "topup", 10),
        entry("late", "o", 2.0, "grant", 10, expires_at=90.0),
        entry("soon", "o", 3.0, "grant", 10, expires_at=50.0),
        entry("new", "o", 4.0, "topup", 10),
    ]
    assert list(rests(entries, 0, 5.0)) == ["soon", "late", "old", "new"]
    assert rests(entries, 25, 5.0) == {"soon": 0, "late": 0, "old": 5, "new": 10}
    stands = position(entries, 45, 5.0)
    assert (stands.balance_nusd, stands.given_nusd, stands.lapsed_nusd) == (-5, 40, 0)


def test_what_is_left_of_an_entry_is_gone_at_its_end_and_once_it_is_entered_for_good() -> None:
    entries = [entry("a", "o", 1.0, "grant", 10, expires_at=50.0), entry("b", "o", 1.0, "topup", 7)]
    before, after = position(entries, 4, 49.9), position(entries, 4, 50.0)
    assert (before.balance_nusd, after.balance_nusd, after.lapsed_nusd) == (13, 7, 6)
    (rest,) = after.ended
    entered = ending(rest, 51.0)
    assert (entered.entry_id, entered.signed_nusd, entered.of_entry) == ("end:a", -6, "a")
    entries.append(entered)
    stands = position(entries, 4, 60.0)
    assert (stands.balance_nusd, stands.lapsed_nusd, stands.ended) == (7, 0, ())
    assert rests(entries, 5, 60.0) == {"b": 6}


def test_that_nothing_was_left_is_entered_too() -> None:
    entries = [entry("a", "o", 1.0, "grant", 10, expires_at=50.0)]
    (rest,) = position(entries, 12, 50.0).ended
    entries.append(ending(rest, 50.0))
    assert entries[1].amount_nusd == 0
    assert position(entries, 12, 50.0).balance_nusd == -2


def test_what_is_taken_back_of_an_entry_is_taken_from_it_and_the_rest_is_used_up() -> None:
    entries = [
        entry("soon", "o", 1.0, "grant", 10, expires_at=50.0),
        entry("paid", "o", 1.0, "topup", 10),
        entry("x", "o", 2.0, "adjust", -4, of_entry="paid", reason="x"),
    ]
    assert rests(entries, 0, 5.0) == {"soon": 10, "paid": 6}
    entries.append(entry("y", "o", 3.0, "adjust", -3, reason="y"))
    assert rests(entries, 0, 5.0) == {"soon": 7, "paid": 6}


def test_ids_of_ends_have_a_bound_and_are_the_same_each_time() -> None:
    assert ended_id("x" * 60) == "end:" + "x" * 60
    assert ended_id("x" * 64) == ended_id("x" * 64) != ended_id("y" * 64)
    assert len(ended_id("x" * 64)) <= 64
    assert used_of("org_a") == "organization:org_a:credit"


Coin = tuple[float, float, str]


class CreditMachine(RuleBasedStateMachine):
    """Credit as a row of single coins, those that vanish first in front: who has paid so many has taken the first of
    them."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 0.0
        self.used = 0
        self.paid = 0
        self.entries: list[Credit] = []
        #: Of each coin that did not vanish: when it does, when it came, and of which entry.
        self.coins: list[Coin] = []

    def left(self) -> list[Coin]:
        return sorted(self.coins)[self.paid :]

    @rule(amount=st.integers(1, 20), lasts=st.one_of(st.none(), st.integers(1, 30)))
    def give(self, amount: int, lasts: int | None) -> None:
        ends = None if lasts is None else self.at + lasts
        made = entry(f"e{len(self.entries):03}", "o", self.at, "grant", amount, expires_at=ends)
        self.entries.append(made)
        self.coins += [(float("inf") if ends is None else ends, self.at, made.entry_id)] * amount

    @rule(amount=st.integers(1, 25))
    def use(self, amount: int) -> None:
        self.used += amount
        self.paid += amount

    @rule(amount=st.integers(1, 10))
    def take(self, amount: int) -> None:
        self.entries.append(entry(f"e{len(self.entries):03}", "o", self.at, "adjust", -amount, reason="x"))
        self.paid += amount

    @rule(later=st.integers(1, 40), entered=st.booleans())
    def wait(self, later: int, entered: bool) -> None:
        """Time passes. What ends meanwhile may be entered only with the next that ends."""
        self.at += later
        for coin in self.left():
            if coin[0] <= self.at:
                self.coins.remove(coin)
        ended = position(self.entries, self.used, self.at).ended
        if entered or any(each.left_nusd for each in ended):
            self.entries += [ending(each, self.at) for each in ended]

    @invariant()
    def agrees(self) -> None:
        stands = position(self.entries, self.used, self.at)
        assert stands.balance_nusd == len(self.coins) - self.paid
        assert stands.given_nusd - stands.used_nusd - stands.lapsed_nusd == stands.balance_nusd
        left = {each.entry.entry_id: each.left_nusd for each in stands.rests if each.left_nusd}
        assert left == Counter(name for _, _, name in self.left())
        accounts = sums(self.entries)
        assert sum(accounts.values()) == 0
        assert accounts.get(account_of("o"), 0) == stands.given_nusd


CreditMachine.TestCase.settings = settings(max_examples=examples(150), stateful_step_count=30, deadline=None)
TestCreditMachine = CreditMachine.TestCase
