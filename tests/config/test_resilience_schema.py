from __future__ import annotations

import pytest

from waypost.config.load import load_bytes
from waypost.config.resilience_schema import (
    ParkingConfig,
    ResilienceConfig,
    check_resilience,
    resolve_resilience,
)
from waypost.config.resolve import build_settings
from waypost.config.tuning import BreakerTuning, ParkingTuning, Resilience, RetryTuning
from waypost.errors import ConfigInvalid

FILE = b"""
resilience:
  breaker:
    {consecutive_failures: 3, failure_percent: 25, least_requests: 8, window: 1m, ejection: 10s, ejection_max: 2m,
     jitter_percent: 0, recovery: 90s}
  parking:
    {refused: 1m, quota: 5m, quota_max: 1h, throttled_min: 500ms, throttled_max: 10m, backoff: 2s, backoff_max: 30s}
  retries: {budget_percent: 10, budget_min: 1}
"""


def test_every_field_is_read() -> None:
    config = load_bytes(FILE).config
    expected = Resilience(
        breaker=BreakerTuning(3, 0.25, 8, 60.0, 10.0, 120.0, 0.0, 90.0),
        parking=ParkingTuning(60.0, 300.0, 3600.0, 0.5, 600.0, 2.0, 30.0),
        retries=RetryTuning(0.1, 1),
    )
    assert resolve_resilience(config.resilience) == expected
    assert build_settings(config).resilience == expected


@pytest.mark.parametrize(
    "text", [b"{failure_percent: 0}", b"{failure_percent: 101}", b"{window: soon}", b"{consecutive: 5}"]
)
def test_what_makes_no_sense_is_refused(text: bytes) -> None:
    with pytest.raises(ConfigInvalid):
        load_bytes(b"resilience: {breaker: " + text + b"}\n")


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        (b"breaker: {ejection: 0s}", ("breaker", "ejection"), "more than 0s"),
        (b"breaker: {ejection_max: 0s}", ("breaker", "ejection_max"), "more than 0s"),
        (b"breaker: {ejection: 10m}", ("breaker", "ejection"), "at most 5m"),
        (b"parking: {throttled_min: 2h}", ("parking", "throttled_min"), "at most 1h"),
        (b"parking: {backoff: 2s, backoff_max: 1s}", ("parking", "backoff"), "at most 1s"),
        (b"parking: {quota: 1d}", ("parking", "quota"), "at most 4h"),
    ],
)
def test_figures_that_do_not_fit_together_are_refused(
    text: bytes, field: tuple[str, str], expected: str
) -> None:
    [(name, _, said)] = check_resilience(load_bytes(b"resilience: {" + text + b"}").config.resilience)
    assert (name, said) == (field, expected)


def test_nothing_has_to_be_parked() -> None:
    assert list(check_resilience(ResilienceConfig())) == []
    never = ParkingConfig("0s", "0s", "0s", "0s", "0s", "0s", "0s")
    assert list(check_resilience(ResilienceConfig(parking=never))) == []
