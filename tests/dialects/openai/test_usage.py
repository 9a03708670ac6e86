from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waypost.core.money import parse_usd
from waypost.core.usage import Usage
from waypost.dialects.costs import cost_raw
from waypost.dialects.openai.usage import parse_usage, render_counts, splice_cost


@settings(deadline=None)
@given(st.integers(0, 10**15))
def test_cost_is_exact(nano: int) -> None:
    text = bytes(cost_raw(nano))
    assert b"e" not in text.lower()
    assert parse_usd(Decimal(text.decode())) == nano
    assert msgspec.json.decode(text) == pytest.approx(nano / 1e9)


def test_unknown_cost_is_null() -> None:
    assert bytes(cost_raw(None)) == b"null"
    assert bytes(cost_raw(0)) == b"0"
    assert bytes(cost_raw(123_000)) == b"0.000123"


def test_splice_keeps_every_other_field() -> None:
    raw = msgspec.Raw(b'{"prompt_tokens":1,"cost":9.99,"x":{"y": 1.50}}')
    assert (
        bytes(splice_cost(raw, Usage(input=1), 5))
        == b'{"prompt_tokens":1,"cost":0.000000005,"x":{"y": 1.50}}'
    )
    assert bytes(splice_cost(None, None, None)) == b'{"cost":null}'
    assert bytes(splice_cost(msgspec.Raw(b"[1]"), None, 1)) == b'{"cost":0.000000001}'


def test_own_counts_are_marked() -> None:
    counts = render_counts(Usage(input=3, output=4, source="estimated"), 0)
    assert bytes(counts) == (
        b'{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"estimated":true,"cost":0}'
    )


@pytest.mark.parametrize(
    "text",
    [
        b"null",
        b"[]",
        b"{}",
        b'"x"',
        b'{"completion_tokens":3}',
        b'{"prompt_tokens":true}',
        b'{"prompt_tokens":1,"completion_tokens":-1}',
        b'{"prompt_tokens":1000000001}',
        b'{"prompt_tokens":1e400}',
        b'{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":-5}}',
    ],
)
def test_absurd_is_not_reported(text: bytes) -> None:
    assert parse_usage(msgspec.Raw(text)) is None


@pytest.mark.parametrize(
    ("text", "usage"),
    [
        (b'{"prompt_tokens":5,"total_tokens":5}', Usage(input=5)),
        (b'{"prompt_tokens":5,"total_tokens":12}', Usage(input=5, output=7)),
        (b'{"prompt_tokens":5,"completion_tokens":0}', Usage(input=5)),
        (
            b'{"prompt_tokens":5,"completion_tokens_details":null,"prompt_tokens_details":null}',
            Usage(input=5),
        ),
        (b'{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":9}}', Usage(input=5, cache_read=5)),
        (b'{"prompt_tokens":5,"cost":"free"}', Usage(input=5)),
        (b'{"prompt_tokens":5,"cost":-1}', Usage(input=5)),
        (b'{"prompt_tokens":5,"cost":1e30}', Usage(input=5)),
        (b'{"prompt_tokens":5,"cost":null}', Usage(input=5)),
        (b'{"prompt_tokens":5,"cost":0.0000000001}', Usage(input=5, charged_nusd=1)),
        (b'{"prompt_tokens":5,"cost":0}', Usage(input=5, charged_nusd=0)),
    ],
)
def test_variants(text: bytes, usage: Usage) -> None:
    assert parse_usage(msgspec.Raw(text)) == usage
