from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.dialects.costs import Count, cost_raw

_COUNT: msgspec.json.Decoder[int] = msgspec.json.Decoder(Count)


@given(st.integers(0, 10**18))
def test_a_cost_is_exact(nano: int) -> None:
    assert msgspec.json.decode(cost_raw(nano), type=Decimal) * 10**9 == nano


def test_an_unknown_cost_is_null_and_not_nothing() -> None:
    assert bytes(cost_raw(None)) == b"null"
    assert bytes(cost_raw(0)) == b"0"


@pytest.mark.parametrize("absurd", [b"-1", b"1000000001", b"1.5", b'"1"'])
def test_absurd_counts_are_refused(absurd: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        _COUNT.decode(absurd)
