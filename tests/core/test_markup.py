from __future__ import annotations

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.markup import (
    PER_CENT,
    Marked,
    both,
    charged,
    marked,
    render_percent,
    told,
    upstream_of,
)

COSTS = st.integers(0, 10**18)
MARKUPS = st.integers(0, 9_999 * PER_CENT)


@given(COSTS, MARKUPS)
def test_the_charge_is_the_cost_with_the_markup_rounded_up_once(cost: int, markup: int) -> None:
    assert charged(cost, markup) == ceil(cost * (1 + Fraction(markup, 10**6)))


@given(st.lists(COSTS), MARKUPS)
def test_charges_and_markups_of_lines_add_up_exactly(costs: list[int], markup: int) -> None:
    charges = [charged(cost, markup) for cost in costs]
    markups = [charge - cost for charge, cost in zip(charges, costs, strict=True)]
    assert all(each >= 0 for each in markups)
    assert sum(charges) - sum(markups) == sum(costs)
    exact = sum(costs) * (1 + Fraction(markup, 10**6))
    assert exact <= sum(charges) < exact + max(1, len(costs)), "less than a nano-dollar more for each line"


@given(COSTS)
def test_without_a_markup_nothing_is_added(cost: int) -> None:
    assert charged(cost, 0) == cost
    assert told(cost, 0) is cost


@given(COSTS, st.integers(1, 9_999 * PER_CENT))
def test_a_marked_amount_knows_what_is_the_providers(cost: int, markup: int) -> None:
    amount = marked(cost, markup)
    assert amount == charged(cost, markup)
    assert upstream_of(amount or 0) == cost
    again = told(int(amount or 0), int(amount or 0) - cost)
    assert again == amount
    assert upstream_of(again or 0) == cost


@given(COSTS, COSTS, MARKUPS)
def test_a_sum_keeps_both_apart(one: int, other: int, markup: int) -> None:
    for left, right in ((marked(one, markup), other), (one, marked(other, markup))):
        amount = both(left, right)
        assert isinstance(amount, Marked)
        assert amount == (left or 0) + (right or 0)
        assert amount.upstream_nusd == one + other
    assert both(one, other) == one + other
    assert not isinstance(both(one, other), Marked)


def test_what_is_not_known_stays_so_and_what_is_free_stays_free() -> None:
    assert marked(None, PER_CENT) is None
    assert told(None, 5) is None
    assert both(None, 1) is both(marked(1, 1), None) is None
    assert charged(0, 500 * PER_CENT) == 0


@pytest.mark.parametrize(
    ("markup", "text"),
    [(0, "0%"), (PER_CENT, "1%"), (25_000, "2.5%"), (1, "0.0001%"), (100 * PER_CENT, "100%")],
)
def test_percentages_are_told_as_they_are_written(markup: int, text: str) -> None:
    assert render_percent(markup) == text
