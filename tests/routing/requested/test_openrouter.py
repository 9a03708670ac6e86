from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcript import provider
from waypost.config.nodes import NO_PREFERENCES, MaxPrice, Need, Preferences
from waypost.core.origin import Origin
from waypost.errors import InvalidRequest
from waypost.routing.requested.openrouter import Requested, is_openrouter, parse_provider


def parse(written: object) -> Requested:
    return parse_provider(msgspec.Raw(msgspec.json.encode(written)))


@pytest.mark.parametrize(
    ("written", "preferences"),
    [
        ({"order": ["azure", "openai/eu"]}, Preferences(order=("azure", "openai/eu"))),
        ({"allow_fallbacks": False}, Preferences(fallbacks=False)),
        ({"allow_fallbacks": True}, NO_PREFERENCES),
        ({"require_parameters": True}, Preferences(require_parameters=True)),
        ({"data_collection": "deny"}, Preferences(need=Need(no_training=True))),
        ({"data_collection": "allow"}, NO_PREFERENCES),
        ({"zdr": True}, Preferences(need=Need(zero_retention=True))),
        ({"zdr": False}, NO_PREFERENCES),
        ({"enforce_distillable_text": False}, NO_PREFERENCES),
        ({"only": ["azure", "azure"]}, Preferences(need=Need(only=("azure",)))),
        ({"only": []}, NO_PREFERENCES),
        ({"ignore": ["open*"]}, Preferences(need=Need(ignore=("open*",)))),
        ({"quantizations": ["int8"]}, Preferences(need=Need(quantizations=frozenset(("int8",))))),
        (
            {"quantizations": ["fp8", "fp4"]},
            Preferences(need=Need(quantizations=frozenset(("fp8", "fp4")))),
        ),
        ({"sort": "price"}, Preferences(sort="price")),
        ({"sort": "throughput"}, Preferences(sort="throughput")),
        ({"sort": {"by": "latency", "partition": "model"}}, Preferences(sort="latency")),
        ({"sort": {"by": None}}, NO_PREFERENCES),
        ({"preferred_min_throughput": 50}, Preferences(min_throughput={"p50": 50.0})),
        ({"preferred_min_throughput": {"p90": 9.5, "p50": None}}, Preferences(min_throughput={"p90": 9.5})),
        ({"preferred_max_latency": 1.5}, Preferences(max_latency_s={"p50": 1.5})),
        (
            {"preferred_max_latency": {"p50": 1, "p75": 2, "p99": 3}},
            Preferences(max_latency_s={"p50": 1.0, "p75": 2.0, "p99": 3.0}),
        ),
        (
            {"max_price": {"prompt": 1, "completion": "2.5", "request": 0.01, "image": "0", "audio": 1}},
            Preferences(
                need=Need(max_price=MaxPrice(10**9, 2_500_000_000, 10_000_000, 0, 10**9)),
            ),
        ),
        ({"max_price": {"prompt": None}}, NO_PREFERENCES),
        ({"max_price": {}}, NO_PREFERENCES),
        ({"options": {}}, NO_PREFERENCES),
        ({}, NO_PREFERENCES),
        (None, NO_PREFERENCES),
        (dict.fromkeys(("order", "sort", "zdr", "max_price", "options", "only")), NO_PREFERENCES),
    ],
)
def test_every_field(written: object, preferences: Preferences) -> None:
    assert parse(written).preferences == preferences


@pytest.mark.parametrize(
    ("sort", "across"),
    [("price", False), ({"by": "price", "partition": "none"}, True), ({"partition": "none"}, True)],
)
def test_partition(sort: object, across: bool) -> None:
    assert parse({"sort": sort}).across is across


@pytest.mark.parametrize("sort", ["exacto", {"by": "exacto"}])
def test_exacto_keeps_the_order_and_says_so(sort: object) -> None:
    made = parse({"sort": sort})
    assert made.preferences is NO_PREFERENCES
    assert "exacto" in made.notes[0]


@pytest.mark.parametrize(
    ("written", "param"),
    [
        ([], "provider"),
        ("openai", "provider"),
        (1, "provider"),
        ({"ordr": ["x"]}, "provider.ordr"),
        ({"order": "azure"}, "provider.order"),
        ({"order": [1]}, "provider.order"),
        ({"order": [""]}, "provider.order"),
        ({"order": [str(n) for n in range(65)]}, "provider.order"),
        ({"only": {"a": 1}}, "provider.only"),
        ({"ignore": True}, "provider.ignore"),
        ({"allow_fallbacks": "no"}, "provider.allow_fallbacks"),
        ({"require_parameters": 1}, "provider.require_parameters"),
        ({"data_collection": "maybe"}, "provider.data_collection"),
        ({"data_collection": True}, "provider.data_collection"),
        ({"zdr": "yes"}, "provider.zdr"),
        ({"enforce_distillable_text": True}, "provider.enforce_distillable_text"),
        ({"quantizations": ["fp12"]}, "provider.quantizations"),
        ({"quantizations": "fp8"}, "provider.quantizations"),
        ({"sort": "cheap"}, "provider.sort"),
        ({"sort": ["price"]}, "provider.sort"),
        ({"sort": {"by": "cheap"}}, "provider.sort.by"),
        ({"sort": {"by": "price", "partition": "all"}}, "provider.sort.partition"),
        ({"sort": {"by": "price", "partition": 1}}, "provider.sort.partition"),
        ({"sort": {"down": True}}, "provider.sort.down"),
        ({"preferred_min_throughput": "fast"}, "provider.preferred_min_throughput"),
        ({"preferred_min_throughput": 0}, "provider.preferred_min_throughput"),
        ({"preferred_max_latency": {"p95": 1}}, "provider.preferred_max_latency.p95"),
        ({"preferred_max_latency": {"p99": -1}}, "provider.preferred_max_latency.p99"),
        ({"max_price": 1}, "provider.max_price"),
        ({"max_price": {"input": 1}}, "provider.max_price.input"),
        ({"max_price": {"prompt": "much"}}, "provider.max_price.prompt"),
        ({"max_price": {"prompt": -1}}, "provider.max_price.prompt"),
        ({"max_price": {"prompt": "1e999999999"}}, "provider.max_price.prompt"),
        ({"max_price": {"prompt": "NaN"}}, "provider.max_price.prompt"),
        ({"max_price": {"prompt": True}}, "provider.max_price.prompt"),
        ({"max_price": {"prompt": "9" * 99}}, "provider.max_price.prompt"),
        ({"max_price": {"prompt": [1]}}, "provider.max_price.prompt"),
        ({"options": {"openai": {"quality": "high"}}}, "provider.options"),
        ({"options": 1}, "provider.options"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(written: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(written)
    assert caught.value.param == param
    assert param in caught.value.message


@given(st.decimals(0, 10**6, allow_nan=False, allow_infinity=False, places=12), st.booleans())
def test_prices_are_exact_and_round_down(price: Decimal, quoted: bool) -> None:
    text = str(price).encode()
    raw = b'{"max_price":{"prompt":%b}}' % (b'"%b"' % text if quoted else text)
    made = parse_provider(msgspec.Raw(raw)).preferences
    assert made.need is not None
    assert made.need.max_price is not None
    limit = made.need.max_price.input
    assert limit is not None
    assert limit <= price * 10**9 < limit + 1


def test_a_price_below_every_unit_is_free() -> None:
    made = parse_provider(msgspec.Raw(b'{"max_price":{"prompt":1e-999999}}')).preferences
    assert made.need == Need(max_price=MaxPrice(input=0))


@pytest.mark.parametrize(
    ("changes", "yes"),
    [
        ({"name": "openrouter"}, True),
        ({"name": "router", "prices": "openrouter"}, False),
        ({"name": "openrouter", "origin": Origin("https", "llm.example.com", 443, private=True)}, False),
        ({"name": "openrouter", "origin": Origin("https", "openrouter.ai", 443, private=True)}, True),
        ({"name": "router", "origin": Origin("https", "openrouter.ai", 443)}, True),
        ({"name": "router", "origin": Origin("https", "eu.openrouter.ai", 443)}, True),
        ({"name": "router", "origin": Origin("https", "notopenrouter.ai", 443)}, False),
        ({"name": "openai"}, False),
    ],
)
def test_who_is_openrouter(changes: dict[str, object], yes: bool) -> None:
    assert is_openrouter(provider(**changes)) is yes  # type: ignore[arg-type]
