from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.usage import Usage
from waypost.dialects.bedrock_converse.usage import parse_usage, splice_cost, usage_object

WRITTEN = [{"ttl": "1h", "inputTokens": 5}, {"ttl": "5m", "inputTokens": 2}]


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


@pytest.mark.parametrize(
    ("wire", "usage"),
    [
        ({"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}, Usage(input=3, output=2)),
        (
            {"inputTokens": 3, "outputTokens": 2, "cacheReadInputTokens": 10, "cacheWriteInputTokens": 7},
            Usage(input=20, output=2, cache_read=10, cache_write=7),
        ),
        (
            {"inputTokens": 3, "outputTokens": 2, "cacheWriteInputTokens": 7, "cacheDetails": WRITTEN},
            Usage(input=10, output=2, cache_write=7, cache_write_1h=5),
        ),
        (
            {"inputTokens": 3, "outputTokens": 2, "cacheDetails": WRITTEN},
            Usage(input=10, output=2, cache_write=7, cache_write_1h=5),
        ),
        ({"inputTokens": 3}, Usage(input=3)),
        ({"inputTokens": -3, "outputTokens": 2}, None),
        ({"inputTokens": 10**12, "outputTokens": 2}, None),
        ({"inputTokens": "3", "outputTokens": 2}, None),
        ({"outputTokens": 2}, None),
        ([], None),
        (None, None),
    ],
)
def test_every_form(wire: Any, usage: Usage | None) -> None:
    assert parse_usage(raw(wire)) == usage


def test_no_counts() -> None:
    assert parse_usage(None) is None


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input=3, output=2),
        Usage(input=20, output=2, cache_read=10, cache_write=7),
        Usage(input=20, output=2, cache_read=10, cache_write=7, cache_write_1h=5),
        Usage(input=20, output=2, cache_write=7, cache_write_1h=7),
    ],
)
def test_counts_there_and_back(usage: Usage) -> None:
    assert parse_usage(raw(usage_object(usage))) == usage


def test_the_cost_stands_beside_the_counts() -> None:
    reported = Usage(input=3, output=2)
    assert bytes(splice_cost(msgspec.Raw(b'{"inputTokens":3}'), reported, 7)) == (
        b'{"inputTokens":3,"cost":0.000000007}'
    )
    assert bytes(splice_cost(msgspec.Raw(b"[]"), reported, None)) == b'{"cost":null}'
