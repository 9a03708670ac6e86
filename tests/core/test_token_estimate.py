from __future__ import annotations

import pytest

from core.written import COUNTS, TEXTS
from waypost.core.token_estimate import estimate_tokens
from waypost.dialects.openai.estimate import text_tokens

#: What is denser than a token per three bytes, and how many times more tokens it has than admission takes it for.
_DENSE = {"html": 1.03, "json": 1.1, "log": 1.11, "csv": 2.04, "hex": 1.7, "base64": 2.06}


@pytest.mark.parametrize("kind", TEXTS)
def test_an_estimate_is_within_a_fifth(kind: str) -> None:
    counted = COUNTS[kind][0]
    assert abs(estimate_tokens(TEXTS[kind]) - counted) <= counted / 5


@pytest.mark.parametrize("kind", TEXTS)
def test_a_long_text_is_judged_by_slices(kind: str) -> None:
    counted = COUNTS[kind][0] * 60
    assert abs(estimate_tokens(TEXTS[kind] * 60) - counted) <= counted / 4


def test_a_text_of_all_kinds() -> None:
    counted = sum(o200k for o200k, _ in COUNTS.values())
    assert abs(estimate_tokens("".join(TEXTS.values())) - counted) <= counted / 10


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("hello", 1), ("\n", 1), ("12", 1)])
def test_short_ones(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@pytest.mark.parametrize("kind", TEXTS)
def test_admission_takes_a_text_for_at_least_what_it_is_but_for_dense_ones(kind: str) -> None:
    admitted = text_tokens(len(TEXTS[kind].encode()))
    assert COUNTS[kind][0] <= admitted * _DENSE.get(kind, 1.0)
