from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.markup import charged, marked
from waypost.dialects.costs import Count, cost_raw, put_cost

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


@given(st.integers(0, 10**15), st.integers(1, 10**7))
def test_a_marked_up_cost_tells_what_is_the_providers(nano: int, markup: int) -> None:
    fields: dict[str, object] = {}
    put_cost(fields, marked(nano, markup))
    shown = msgspec.json.decode(msgspec.json.encode(fields), type=dict[str, object], strict=False)
    assert bytes(cost_raw(charged(nano, markup))) in msgspec.json.encode(fields)
    details = msgspec.json.encode(fields["cost_details"])
    assert msgspec.json.decode(details, type=dict[str, Decimal]) == {
        "upstream_inference_cost": Decimal(nano) / 10**9
    }
    assert list(shown) == ["cost", "cost_details"]


@pytest.mark.parametrize("cost", [None, 0, 5])
def test_a_cost_without_a_markup_has_no_details(cost: int | None) -> None:
    fields: dict[str, object] = {}
    put_cost(fields, cost)
    assert list(fields) == ["cost"]
