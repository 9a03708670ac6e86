from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.usage import Usage
from waypost.dialects.fields import render_fields
from waypost.dialects.gemini.usage import parse_tier, parse_usage, read_tier, render_counts, splice_cost


def usage(**counts: Any) -> Usage | None:
    return parse_usage(msgspec.Raw(msgspec.json.encode(counts)))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6}, Usage(input=4, output=2)),
        (
            {
                "promptTokenCount": 100,
                "cachedContentTokenCount": 60,
                "candidatesTokenCount": 5,
                "thoughtsTokenCount": 7,
                "toolUsePromptTokenCount": 20,
                "totalTokenCount": 132,
            },
            Usage(input=120, output=12, cache_read=60, reasoning=7),
        ),
        # Nothing but thoughts before the limit was met.
        (
            {"promptTokenCount": 4, "thoughtsTokenCount": 9, "totalTokenCount": 13},
            Usage(input=4, output=9, reasoning=9),
        ),
        ({"promptTokenCount": 4, "totalTokenCount": 4}, Usage(input=4)),
        ({"promptTokenCount": 4, "responseTokenCount": 3}, Usage(input=4, output=3)),
        (
            {
                "promptTokenCount": 40,
                "candidatesTokenCount": 30,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 8},
                    {"modality": "AUDIO", "tokenCount": 32},
                ],
                "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 30}],
            },
            Usage(input=40, output=30, audio_input=32, audio_output=30),
        ),
        ({"candidatesTokenCount": 4}, None),
        ({"promptTokenCount": -1}, None),
        ({"promptTokenCount": 10**10}, None),
        ({"promptTokenCount": "4"}, None),
    ],
)
def test_counts(counts: Any, expected: Usage | None) -> None:
    assert usage(**counts) == expected


def test_no_object() -> None:
    assert parse_usage(None) is parse_usage(msgspec.Raw(b"7")) is parse_usage(msgspec.Raw()) is None


@pytest.mark.parametrize(
    ("word", "tier"),
    [
        ("standard", "default"),
        ("SERVICE_TIER_PRIORITY", "priority"),
        ("flex", "flex"),
        ("unspecified", None),
        ("ON_DEMAND_FLEX", "flex"),
        ("PROVISIONED_THROUGHPUT", "provisioned_throughput"),
    ],
)
def test_tiers(word: str, tier: str | None) -> None:
    assert read_tier(word) == tier
    assert parse_tier(msgspec.Raw(msgspec.json.encode({"serviceTier": word}))) == tier
    assert parse_tier(msgspec.Raw(msgspec.json.encode({"trafficType": word}))) == tier


def test_no_tier() -> None:
    assert parse_tier(None) is parse_tier(msgspec.Raw(b"{}")) is None


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_rendered_counts_are_read_again(more: int, cached: int, made: int, thoughts: int, audio: int) -> None:
    counts = Usage(
        input=cached + audio + more,
        output=made + thoughts,
        cache_read=cached,
        reasoning=thoughts,
        audio_input=audio,
        audio_output=audio,
    )
    assert parse_usage(msgspec.Raw(render_fields(render_counts(counts)))) == counts


def test_the_cost_is_written_in() -> None:
    raw = msgspec.Raw(b'{"promptTokenCount":4,"new":1.50}')
    assert (
        bytes(splice_cost(raw, Usage(input=4), 5)) == b'{"promptTokenCount":4,"new":1.50,"cost":0.000000005}'
    )
    assert bytes(splice_cost(None, None, None)) == b'{"cost":null}'
    assert bytes(splice_cost(msgspec.Raw(b"7"), Usage(), 0)) == b'{"cost":0}'


def test_counts_of_our_own_are_marked() -> None:
    counted = Usage(input=4, output=2, source="estimated")
    assert msgspec.json.decode(splice_cost(msgspec.Raw(b"{}"), counted, None)) == {
        "promptTokenCount": 4,
        "candidatesTokenCount": 2,
        "totalTokenCount": 6,
        "estimated": True,
        "cost": None,
    }
