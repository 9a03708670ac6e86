from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcript import FakeClock
from waypost.core.limit import LimitUnit, Shown
from waypost.core.wait import parse_span
from waypost.pipeline.limit_headers import duration, lines_of

CLOCK = FakeClock()
CLOCK.now = 0.0


def shown(*each: tuple[LimitUnit, int, int, float]) -> dict[LimitUnit, Shown]:
    return {one[0]: Shown(*one) for one in each}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, b"0s"),
        (0.0004, b"1ms"),
        (0.12, b"120ms"),
        (1.0, b"1s"),
        (1.5, b"1.5s"),
        (59.9995, b"1m0s"),
        (360.0, b"6m0s"),
        (3661.25, b"1h1m1.25s"),
        (86_400.0, b"24h0m0s"),
    ],
)
def test_durations_are_written_as_openai_does(seconds: float, text: bytes) -> None:
    assert duration(seconds) == text


def test_openai_clients_are_told_of_requests_and_tokens() -> None:
    found = shown(("requests", 60, 59, 1.0), ("tokens", 1000, 10, 360.0), ("output_tokens", 5, 1, 1.0))
    assert lines_of(found, "openai_chat", CLOCK) == (
        (b"x-ratelimit-limit-requests", b"60"),
        (b"x-ratelimit-remaining-requests", b"59"),
        (b"x-ratelimit-reset-requests", b"1s"),
        (b"x-ratelimit-limit-tokens", b"1000"),
        (b"x-ratelimit-remaining-tokens", b"10"),
        (b"x-ratelimit-reset-tokens", b"6m0s"),
    )
    only = shown(("input_tokens", 1000, 10, 360.0), ("output_tokens", 5, 1, 1.0))
    assert lines_of(only, "openai_responses", CLOCK)[0] == (b"x-ratelimit-limit-tokens", b"5")


def test_anthropic_clients_are_told_of_each_with_a_moment() -> None:
    found = shown(("requests", 60, 59, 0.5), ("input_tokens", 1000, 10, 360.0))
    assert lines_of(found, "anthropic_messages", CLOCK) == (
        (b"anthropic-ratelimit-requests-limit", b"60"),
        (b"anthropic-ratelimit-requests-remaining", b"59"),
        (b"anthropic-ratelimit-requests-reset", b"2026-09-21T14:13:21Z"),
        (b"anthropic-ratelimit-input-tokens-limit", b"1000"),
        (b"anthropic-ratelimit-input-tokens-remaining", b"10"),
        (b"anthropic-ratelimit-input-tokens-reset", b"2026-09-21T14:19:20Z"),
    )


@pytest.mark.parametrize("family", ["gemini_generate", "bedrock_converse", "cohere_chat"])
def test_others_have_no_such_headers(family: str) -> None:
    assert lines_of(shown(("requests", 60, 59, 1.0)), family, CLOCK) == ()


def test_nothing_is_told_of_nothing() -> None:
    assert lines_of({}, "openai_chat", CLOCK) == () == lines_of({}, "anthropic_messages", CLOCK)


@given(st.floats(0, 200_000))
def test_a_client_that_waits_so_long_has_waited_enough(seconds: float) -> None:
    read = parse_span(duration(seconds).decode())
    assert read is not None
    assert seconds - 1e-6 <= read <= seconds + 0.0011
