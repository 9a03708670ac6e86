from __future__ import annotations

import pytest

from waypost.providers.rows.shapes import ANTHROPIC_RATES, OPENAI_RATES
from waypost.routing.health.quota import Quota
from waypost.routing.health.rate_headers import names_of

NAMES = names_of(OPENAI_RATES)


def headers(requests: int = 50, tokens: int = 8000, reset: bytes = b"30s") -> list[tuple[bytes, bytes]]:
    return [
        (b"x-ratelimit-limit-requests", b"100"),
        (b"x-ratelimit-remaining-requests", b"%d" % requests),
        (b"x-ratelimit-reset-requests", reset),
        (b"x-ratelimit-limit-tokens", b"10000"),
        (b"x-ratelimit-remaining-tokens", b"%d" % tokens),
        (b"x-ratelimit-reset-tokens", reset),
    ]


def room(quota: Quota, now: float, in_flight: int = 0, tokens: int = 0) -> float:
    return quota.headroom(NAMES, now, in_flight, tokens)


def test_nothing_told_is_all_the_room_there_is() -> None:
    quota = Quota()
    assert room(quota, 0.0, 99, 10**9) == 1.0
    quota.told([(b"content-type", b"application/json")], 0.0, 0.0)
    assert room(quota, 0.0, 99, 10**9) == 1.0
    assert quota.exhausted_s(0.0) is None


@pytest.mark.parametrize(
    ("in_flight", "tokens", "least"),
    [
        (0, 0, 0.5),
        (10, 0, 0.4),
        (0, 5000, 0.3),
        (10, 5000, 0.3),
        (50, 0, 0.0),
        (0, 8000, 0.0),
        (60, 9000, 0.0),
    ],
)
def test_it_is_the_least_of_requests_and_tokens_less_what_is_under_way(
    in_flight: int, tokens: int, least: float
) -> None:
    quota = Quota()
    quota.told(headers(), 0.0, 0.0)
    assert room(quota, 1.0, in_flight, tokens) == pytest.approx(least)


def test_it_ends_with_its_reset() -> None:
    quota = Quota()
    quota.told(headers(requests=0), 100.0, 0.0)
    assert room(quota, 129.9) == 0.0
    assert quota.exhausted_s(110.0) == pytest.approx(20.0)
    assert room(quota, 130.0) == 1.0
    assert quota.exhausted_s(130.0) is None


def test_older_news_does_not_replace_newer() -> None:
    quota = Quota()
    quota.told(headers(requests=20), 100.0, 0.0)
    quota.told(headers(requests=90), 60.0, 0.0)
    assert room(quota, 101.0) == pytest.approx(0.2)


def test_news_is_read_at_once_when_little_is_left_and_soon_when_much_is() -> None:
    quota = Quota()
    quota.told(headers(requests=50), 100.0, 0.0)
    assert room(quota, 100.0) == pytest.approx(0.5)
    quota.told(headers(requests=5), 100.05, 0.0)
    assert room(quota, 100.05) == pytest.approx(0.5)
    assert room(quota, 100.1) == pytest.approx(0.05)
    quota.told(headers(requests=4), 100.11, 0.0)
    assert room(quota, 100.11) == pytest.approx(0.04)


def test_without_a_limit_only_nothing_left_tells() -> None:
    quota = Quota()
    quota.told([(b"x-ratelimit-remaining-requests", b"3")], 0.0, 0.0)
    assert room(quota, 1.0, 2) == 1.0
    assert room(quota, 1.0, 3) == 0.0


def test_input_and_output_have_limits_of_their_own() -> None:
    names, quota = names_of(ANTHROPIC_RATES), Quota()
    quota.told(
        [
            (b"anthropic-ratelimit-input-tokens-limit", b"1000"),
            (b"anthropic-ratelimit-input-tokens-remaining", b"900"),
            (b"anthropic-ratelimit-output-tokens-limit", b"1000"),
            (b"anthropic-ratelimit-output-tokens-remaining", b"600"),
        ],
        0.0,
        0.0,
    )
    assert quota.headroom(names, 1.0, 0, 0) == pytest.approx(0.6)
    assert quota.headroom(names, 1.0, 0, 800) == pytest.approx(0.1)
