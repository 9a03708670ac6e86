"""Every model of genai-prices that is priced by tokens costs here what it costs there, to the nano-dollar."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal

import pytest
from genai_prices import types as gp
from genai_prices.data import providers

from waypost.catalog.catalog import PriceCatalog, load
from waypost.core.usage import Usage

TIMES = (
    datetime(2023, 5, 1, 12, 0, tzinfo=UTC),
    datetime(2025, 3, 3, 18, 30, tzinfo=UTC),
    datetime(2026, 10, 14, 0, 0, tzinfo=UTC),
    datetime(2026, 11, 21, 3, 59, 59, tzinfo=UTC),
    datetime(2027, 1, 2, 9, 0, tzinfo=UTC),
)
USAGES = (
    Usage(1, 1),
    Usage(1_234, 567),
    Usage(90_001, 801, cache_read=70_003, cache_write=1_504, cache_write_1h=503, reasoning=77),
    Usage(4_321, 987, audio_input=1_111, audio_output=333),
    Usage(200_000, 11),
    Usage(300_007, 4_099, cache_read=199_999),
)


@pytest.fixture(scope="module")
def catalog() -> PriceCatalog:
    return load()


def theirs(usage: Usage) -> gp.Usage:
    return gp.Usage(
        input_tokens=usage.input,
        output_tokens=usage.output,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        cache_write_1h_tokens=usage.cache_write_1h,
        input_audio_tokens=usage.audio_input,
        output_audio_tokens=usage.audio_output,
        output_reasoning_tokens=usage.reasoning,
        cache_audio_read_tokens=0,
    )


def is_fine_grained(prices: gp.ModelPrice) -> bool:
    """Whether a price has more than nine digits after the point: rounded when compiled, so one nano off at most."""
    values = [value for value in prices.__dict__.values() if value is not None]
    flat = [
        price
        for value in values
        for price in (
            [value.base, *(t.price for t in value.tiers)] if isinstance(value, gp.TieredPrices) else [value]
        )
    ]
    return any(-int(price.normalize().as_tuple().exponent) > 9 for price in flat)


def comparable() -> Iterator[tuple[gp.Provider, gp.ModelInfo]]:
    for provider in providers:
        for model in provider.models:
            if provider.find_model(model.id) is not model or model.get_prices(TIMES[0]).input_mtok is None:
                continue
            yield provider, model


def check(
    catalog: PriceCatalog,
    provider: gp.Provider,
    model: gp.ModelInfo,
    tier: str | None,
    context: dict[str, str],
) -> list[str]:
    tariff, _ = catalog.find(provider.id, model.id)
    if tariff is None:
        return [f"{provider.id}/{model.id} is unpriced"]
    wrong = []
    for at in TIMES:
        slack = 1 if is_fine_grained(model.get_prices(at, context)) else 0
        for usage in USAGES:
            exact = model.calc_price(
                theirs(usage), provider, genai_request_timestamp=at, price_context=context or None
            ).total_price
            want = int((exact * Decimal(10**9)).to_integral_value(ROUND_CEILING))
            got = tariff.cost(usage, at.timestamp(), tier)
            if abs(got - want) > slack:
                wrong.append(f"{provider.id}/{model.id} {tier} {at:%Y-%m-%d} {usage}: {got} != {want}")
    return wrong


def test_default_prices_agree(catalog: PriceCatalog) -> None:
    models = list(comparable())
    wrong = [line for provider, model in models for line in check(catalog, provider, model, None, {})]
    assert wrong == []
    assert len(models) > 2000


@pytest.mark.parametrize(
    ("tier", "key", "value", "at_least"),
    [
        ("batch", "processing", "batch", 50),
        ("flex", "service_tier", "flex", 10),
        ("priority", "service_tier", "priority", 10),
        ("fast", "service_tier", "fast", 10),
    ],
)
def test_tiers_agree(catalog: PriceCatalog, tier: str, key: str, value: str, at_least: int) -> None:
    models = [
        (provider, model)
        for provider, model in comparable()
        if any(variant.when == {key: value} for variant in model.price_variants or ())
    ]
    wrong = [
        line for provider, model in models for line in check(catalog, provider, model, tier, {key: value})
    ]
    assert wrong == []
    assert len(models) >= at_least


def test_ids_that_need_match_rules_lead_to_the_same_prices(catalog: PriceCatalog) -> None:
    for name, ref in (
        ("openai", "gpt-4o-2024-11-20"),
        ("openai", "gpt-5.2-20251211"),
        ("anthropic", "claude-sonnet-4-5-20250929"),
        ("anthropic", "claude-3-7-sonnet-latest"),
        ("mistral", "mistral-large-2411"),
        ("azure", "gpt-4o-mini"),
        ("openrouter", "openai/gpt-4o"),
    ):
        provider = next(p for p in providers if p.id == name)
        model = provider.find_model(ref, all_providers=providers)
        assert model is not None, ref
        tariff, _ = catalog.find(name, ref)
        assert tariff is not None, ref
        exact = model.calc_price(theirs(USAGES[1]), provider, genai_request_timestamp=TIMES[3]).total_price
        want = int((exact * Decimal(10**9)).to_integral_value(ROUND_CEILING))
        assert tariff.cost(USAGES[1], TIMES[3].timestamp()) == want, ref
