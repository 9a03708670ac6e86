from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.usage import Usage
from waypost.dialects.anthropic_messages.usage import merge, parse_usage, splice_cost, tier_of, usage_object


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def test_the_cache_is_part_of_the_input() -> None:
    said = {
        "input_tokens": 3,
        "cache_creation_input_tokens": 300,
        "cache_read_input_tokens": 2000,
        "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 4},
    }
    assert parse_usage(raw(said)) == Usage(
        input=2303, output=9, cache_read=2000, cache_write=300, cache_write_1h=100, reasoning=4
    )


def test_the_split_alone_is_enough() -> None:
    said = {"input_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": 7}, "output_tokens": None}
    assert parse_usage(raw(said)) == Usage(input=8, cache_write=7, cache_write_1h=7)


def test_summaries_of_compaction_are_billed_as_well() -> None:
    said = {
        "input_tokens": 23_000,
        "output_tokens": 1000,
        "iterations": [
            {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3500},
            {"type": "message", "input_tokens": 23_000, "output_tokens": 1000},
        ],
    }
    assert parse_usage(raw(said)) == Usage(input=203_000, output=4500)


def test_what_the_provider_charges() -> None:
    usage = parse_usage(raw({"input_tokens": 1, "output_tokens": 1, "cost": 0.00125}))
    assert usage is not None
    assert usage.charged_nusd == 1_250_000
    for cost in ("0.1", -1, 10**9, None):
        usage = parse_usage(raw({"input_tokens": 1, "cost": cost}))
        assert usage is not None
        assert usage.charged_nusd is None or cost == "0.1"


@pytest.mark.parametrize(
    "said",
    [None, 7, {}, {"output_tokens": 1}, {"input_tokens": -1}, {"input_tokens": 1, "output_tokens": 2**40}],
)
def test_what_is_absurd_is_nothing(said: Any) -> None:
    assert parse_usage(raw(said)) is None
    assert parse_usage(None) is None


def test_later_counts_replace_earlier_ones() -> None:
    before = merge({}, raw({"input_tokens": 3, "output_tokens": 1, "service_tier": "standard"}))
    after = merge(before, raw({"output_tokens": 9, "input_tokens": None}))
    assert parse_usage(raw(after)) == Usage(input=3, output=9)
    assert tier_of(raw(after)) == "standard"
    assert merge(after, None) == after


def test_fast_mode_is_the_tier_of_the_price() -> None:
    assert tier_of(raw({"service_tier": "standard", "speed": "fast"})) == "fast"
    assert tier_of(raw({"speed": "standard"})) is None
    assert tier_of(None) is None


counts = st.integers(0, 10**6)
usages = st.builds(
    lambda plain, read, short, long, output, thinking: Usage(
        input=plain + read + short + long,
        output=output + thinking,
        cache_read=read,
        cache_write=short + long,
        cache_write_1h=long,
        reasoning=thinking,
    ),
    counts, counts, counts, counts, counts, counts,
)  # fmt: skip


@given(usages, st.sampled_from(["default", "priority", "batch"]))
def test_counts_there_and_back(usage: Usage, tier: str) -> None:
    said = usage_object(usage, tier)
    assert parse_usage(raw(said)) == usage
    assert said["service_tier"] == {"default": "standard"}.get(tier, tier)


def test_a_tier_that_anthropic_does_not_know_is_not_said() -> None:
    assert "service_tier" not in usage_object(Usage(), "flex")


def test_the_cost_stands_beside_the_counts() -> None:
    fields = {"input_tokens": raw(1), "new": msgspec.Raw(b"1.50")}
    assert (
        bytes(splice_cost(fields, Usage(input=1), 7)) == b'{"input_tokens":1,"new":1.50,"cost":0.000000007}'
    )
    ours = msgspec.json.decode(splice_cost(fields, Usage(input=1, source="estimated"), None))
    assert (ours["input_tokens"], ours["estimated"], ours["cost"]) == (1, True, None)
