"""Shares of limits. The rest is tested where it is used, in `test_limits.py`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.test_limits import pace
from waypost.core.limit import Need
from waypost.errors import Oversized
from waypost.policy.limit_terms import number_of, refused, share_of


@given(amount=st.integers(0, 10_000), nodes=st.integers(1, 100))
def test_all_shares_together_are_no_more_than_the_whole(amount: int, nodes: int) -> None:
    share = share_of(pace(amount), nodes).limit.amount
    assert share * nodes <= max(amount, nodes)
    assert (share == 0) == (amount == 0)


def test_a_share_is_told_as_the_whole() -> None:
    share = share_of(pace(60), 4)
    assert share.limit.amount == 15
    assert refused(share, 2.0).message == refused(pace(60), 2.0).message


def test_what_fits_the_whole_fits_a_share_and_takes_all_of_it() -> None:
    share = share_of(pace(100, "tokens"), 4)
    assert number_of(share, Need(10, 10, stated=True)) == 20
    assert number_of(share, Need(60, 30, stated=True)) == 25
    with pytest.raises(Oversized, match="is 100 tokens per minute, and this request may use 101"):
        number_of(share, Need(60, 41, stated=True))
