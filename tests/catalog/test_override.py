"""Prices from the configuration."""

from __future__ import annotations

from decimal import Decimal

import pytest

from waypost.catalog.override import override
from waypost.core.usage import Usage
from waypost.errors import ConfigError

AT = 0.0


def test_dollars_per_million_tokens_are_exact() -> None:
    for value in (0.1, "0.1", Decimal("0.1")):
        tariff = override({"input": value, "output": 2}, "models.fast.prices")
        assert tariff.cost(Usage(10, 0), AT) == 1000
        assert tariff.cost(Usage(0, 1), AT) == 2000


def test_special_kinds_and_the_fee_per_request() -> None:
    tariff = override({"input": 1, "output": 1, "cache_read": "0.1", "request": "0.005"}, "x")
    assert tariff.cost(Usage(10, 0, cache_read=10), AT) == 1000 + 5_000_000


def test_the_version_names_the_place_and_the_prices() -> None:
    one = override({"input": 1, "output": 2}, "models.fast.prices")
    assert one.version.startswith("config:models.fast.prices#")
    assert one.version == override({"output": 2.0, "input": "1"}, "models.fast.prices").version
    assert one.version != override({"input": 1, "output": 3}, "models.fast.prices").version


@pytest.mark.parametrize(
    ("prices", "field"),
    [
        ({"input": 1}, "output"),
        ({"output": 1}, "input"),
        ({"input": 1, "output": 1, "imput": 1}, "imput"),
        ({"input": -1, "output": 1}, "input"),
        ({"input": 1, "output": "free"}, "output"),
        ({"input": 1, "output": float("nan")}, "output"),
        ({"input": 1, "output": float("inf")}, "output"),
        ({"input": True, "output": 1}, "input"),
    ],
)
def test_a_wrong_price_names_its_field(prices: dict[str, float | str], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        override(prices, "x")
    assert caught.value.param == field
