from __future__ import annotations

import msgspec
import pytest

from routing.boards import ASKED, AT, PerToken, named, view
from waypost.catalog.override import override
from waypost.catalog.rows import PriceRow
from waypost.catalog.tariff import build_sheet
from waypost.config.nodes import MaxPrice
from waypost.core.facts import ModelFacts
from waypost.core.usage import Units, Usage
from waypost.routing.expected import Expected, ListPrices, slot_of, tokens_of

TARGET = named("p", tariff=PerToken(2))
SMALL = named("s", tariff=PerToken(2), facts=ModelFacts(max_output=40))


@pytest.mark.parametrize(
    ("asked", "large", "small"),
    [
        ({}, 100, 40),  # the reserve, or the model's own maximum
        ({"max_output": 300}, 300, 300),
        ({"max_output": 300, "choices": 3}, 900, 900),
        ({"choices": 2}, 200, 80),
        ({"choices": 0, "max_output": 300}, 0, 0),
    ],
)
def test_expected_output_and_cost(asked: dict[str, object], large: int, small: int) -> None:
    seen = view(**asked)
    for target, output in ((TARGET, large), (SMALL, small)):
        assert seen.asked.expected_output(target.facts.max_output, seen.reserve_output) == output
        assert Expected(seen).cost(target) == 2 * (1000 + 10 * output)


def test_costs_of_several_and_none_where_nothing_is_known() -> None:
    unpriced = named("u", tariff=None)
    assert Expected(view()).costs([TARGET, None, unpriced, SMALL]) == [4000, None, None, 2800]


def test_the_tier_that_was_asked_for_counts() -> None:
    assert Expected(view(tier="priority")).cost(TARGET) == 12_000


def test_what_is_counted_beside_tokens_is_expected_as_it_is_asked_for() -> None:
    heard = named("h", tariff=override({"audio_per_minute": 60}, "x"))
    both = named("b", tariff=override({"input": 1, "output": 0, "audio_per_minute": 60}, "x"))
    seen = view(units=Units(audio_ms=2500))
    assert Expected(seen).costs([heard, both, TARGET]) == [2_500_000_000, 2_501_000_000, 4000]
    assert Expected(view()).costs([heard, both]) == [None, 1_000_000], "a chat is nothing it is priced by"


def test_a_request_counts_with_its_estimate() -> None:
    assert tokens_of(ASKED) == 1000


@pytest.mark.parametrize(
    ("most", "told"),
    [
        (MaxPrice(), None),
        (MaxPrice(input=2_000_000), None),
        (MaxPrice(input=1_999_900), "its input costs 0.002 US dollars per million tokens"),
        (MaxPrice(output=20_000_000), None),
        (MaxPrice(output=19_999_900), "its output costs 0.02 US dollars per million tokens"),
        (MaxPrice(audio=12), None),
        (MaxPrice(audio=11), "its audio costs 0.012 US dollars per million tokens"),
        (MaxPrice(request=0, image=0), None),
    ],
)
def test_a_list_price_above_the_most(most: MaxPrice, told: str | None) -> None:
    assert ListPrices().above(most, TARGET, AT, None) == told


def test_a_price_that_is_not_known_is_above() -> None:
    assert ListPrices().above(MaxPrice(input=10**12), named("u", tariff=None), AT, None)


def test_with_a_tier_both_prices_have_to_hold() -> None:
    prices = ListPrices()
    assert prices.above(MaxPrice(input=2_000_000), TARGET, AT, "flex") is None
    assert prices.above(MaxPrice(input=2_000_000), TARGET, AT, "priority") is not None


def test_of_a_real_price_sheet_the_lowest_band_and_the_fee() -> None:
    small = (150_000_000, 600_000_000, None, None, None, None, None, None, 5_000_000_000_000)
    large = (300_000_000, 900_000_000)
    rows = [PriceRow(0, "", None, None, above, rates) for above, rates in ((0, small), (200_000, large))]
    sheet = build_sheet("1", rows)
    target = named("p", tariff=sheet)
    prices = ListPrices()
    assert (
        prices.above(MaxPrice(input=150_000_000, output=600_000_000, request=5_000_000), target, AT, None)
        is None
    )
    assert prices.above(MaxPrice(input=149_999_900), target, AT, None) is not None
    assert prices.above(MaxPrice(request=4_999_999), target, AT, None) == "a request costs 0.005 US dollars"


def test_a_list_price_is_asked_once_in_a_quarter_of_an_hour_and_few_are_kept() -> None:
    tariff, prices = PerToken(1), ListPrices()
    assert prices.of(tariff, AT, None) is prices.of(tariff, slot_of(AT) * 900 + 899.0, None)
    first = prices.of(tariff, AT, None)
    for slot in range(1, 4097):
        prices.of(tariff, AT + 900 * slot, None)
    assert prices.of(tariff, AT, None) is not first


@pytest.mark.parametrize("tier", [None, "flex"])
@pytest.mark.parametrize("above", [0, 500])
def test_the_short_way_costs_what_the_tariff_says(tier: str | None, above: int) -> None:
    rows = [
        PriceRow(0, "", None, None, each, (150 + each, 601, None, None, None, None, None, None, 7))
        for each in {0, above}
    ]
    tariff = build_sheet("v", [*rows, PriceRow(0, "flex", None, None, 0, (75, 300))])
    seen, target = view(tier=tier), named("t", tariff=tariff)
    output = seen.asked.expected_output(None, seen.reserve_output)
    assert Expected(seen).cost(target) == tariff.cost(Usage(1000, output), AT, tier)


def test_a_markup_is_in_what_is_expected_and_in_the_list_price() -> None:
    dear = msgspec.structs.replace(TARGET, own_markup=500_000)
    assert Expected(view()).costs([TARGET, dear]) == [4000, 6000]
    most = MaxPrice(input=2_500_000)
    assert ListPrices().above(most, TARGET, AT, None) is None
    assert ListPrices().above(most, dear, AT, None) == "its input costs 0.003 US dollars per million tokens"
