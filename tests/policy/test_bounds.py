from __future__ import annotations

from waypost.core.budget import Budget
from waypost.core.free_tier import FreeTier
from waypost.core.key import Key
from waypost.core.rules import Bound, Named, Pace, Rules
from waypost.policy.bounds import add_own, merged, pairs_of, with_free, without_given

KEY = Key("k1", "app", b"", "", 0.0, rpm=7, budget_nusd=500, budget_per="day")
ONE = Budget("bud_1", "org_a", "one", "key", "k1", 5)


def test_what_is_written_on_a_key_is_a_budget_and_a_limit() -> None:
    bounds: list[Bound] = []
    paces: list[Pace] = []
    add_own(KEY, bounds, paces)
    assert [(each.scope, each.budgets[0].limit_nusd, each.budgets[0].period) for each in bounds] == [
        ("key", 500, "day")
    ]
    assert [(each.counter, each.limit.amount) for each in paces] == [("k1", 7)]


def test_there_is_one_bound_for_each_scope() -> None:
    other = Bound("team", "t", "web", (ONE,))
    bounds = [Bound("key", "k1", "app", (ONE,)), other, Bound("key", "k1", "app", (), 9)]
    assert merged(bounds) == [Bound("key", "k1", "app", (ONE,), 9), other]


def test_only_scopes_that_have_rules_are_named() -> None:
    named = Named("ann", ("b", "a"), "route/fast", ("m",), ("p",))
    assert list(pairs_of(frozenset(("tag", "provider")), named, ("a",))) == [
        ("tag", "a"), ("tag", "b"), ("provider", "p"),
    ]  # fmt: skip


def test_for_whom_the_operator_pays_nobody_what_it_gives_is_no_bound() -> None:
    team, both = Bound("team", "t", "web", (ONE,)), Bound("organization", "org_a", "acme", (ONE,), 9)
    paces: list[Pace] = []
    add_own(KEY, [], paces)
    rules = Rules((team, both, Bound("organization", "org_b", "b", (), 5)), tuple(paces))
    left = Rules((team, Bound("organization", "org_a", "acme", (ONE,))), tuple(paces))
    assert without_given(rules) == left
    free = with_free(rules, KEY, FreeTier(5, requests=True, period="day"))
    assert free.free is not None
    assert without_given(free) == without_given(free.free.rules) == left
