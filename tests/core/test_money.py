from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.money import ceil_div, parse_usd, render_usd


@given(st.integers(-(10**18), 10**18))
def test_rendering_is_exact_and_reads_back(nano: int) -> None:
    text = render_usd(nano)
    assert Decimal(text) * 10**9 == nano
    assert parse_usd(text) == nano
    assert "e" not in text.lower()


@pytest.mark.parametrize(
    ("text", "nano"),
    [("5", 5 * 10**9), ("0.25", 250_000_000), ("0.0000000001", 1), ("0", 0), ("-1", -(10**9))],
)
def test_dollars_are_read_exactly_and_a_finer_fraction_rounds_up(text: str, nano: int) -> None:
    assert parse_usd(text) == nano


@pytest.mark.parametrize("text", ["", "five", "NaN", "Infinity", "1,5"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="dollars"):
        parse_usd(text)


@given(st.integers(0, 10**15), st.integers(1, 10**9))
def test_ceil_div_is_the_least_integer_not_below(amount: int, by: int) -> None:
    result = ceil_div(amount, by)
    assert result * by >= amount > (result - 1) * by
