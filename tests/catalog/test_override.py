"""Prices from the configuration."""

from __future__ import annotations

from decimal import Decimal

import pytest

from waypost.catalog.override import override
from waypost.core.usage import Units, Usage
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
        ({"per_search": 1, "output": 1}, "input"),
        ({"per_search": -1}, "per_search"),
        ({"images": {"large": -1}}, "images.large"),
        ({"images": {"hd/large/1024x1024": 1}}, "images"),
        ({"images": {"auto": 1}}, "images"),
        ({"request": 1}, "input"),
    ],
)
def test_a_wrong_price_names_its_field(prices: dict[str, float | str], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        override(prices, "x")
    assert caught.value.param == field


def test_what_is_not_priced_by_tokens() -> None:
    tariff = override(
        {
            "audio_per_minute": "0.006",
            "per_million_characters": 15,
            "per_image": 0.04,
            "images": {"hd/1024X1792": "0.12", "standard/1024x1792": 0.08, "low": 0.01},
            "per_search": "0.002",
        },
        "x",
    )
    for units, cost in (
        (Units(audio_ms=90_000), 9_000_000),
        (Units(characters=4096), 61_440_000),
        (Units(images=2), 80_000_000),
        (Units(images=1, image="1024x1792"), 80_000_000),
        (Units(images=1, image="hd/1024x1792"), 120_000_000),
        (Units(images=1, image="low"), 10_000_000),
        (Units(images=1, image="hd"), None),
        (Units(searches=3), 6_000_000),
    ):
        assert tariff.cost(Usage(5, 5, units=units), AT) == cost
    assert tariff.cost(Usage(5, 5), AT) is None


def test_prices_of_tokens_alone_keep_their_version() -> None:
    """It stands on the lines that were written before anything else could be priced."""
    assert override({"input": "2.5", "output": 10}, "models.fast").version == "config:models.fast#265ee20d"
