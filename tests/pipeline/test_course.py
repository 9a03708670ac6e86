"""What follows a failure, how long an attempt may take, and what the client is told."""

from __future__ import annotations

import pytest

from transcript import OpenBoard, provider, target
from waypost.config.nodes import Overlay
from waypost.core.facts import ModelFacts
from waypost.core.origin import Deadlines
from waypost.dialects.lane import SameLane
from waypost.dialects.registry import DIALECTS
from waypost.errors import (
    ContextTooLong,
    CredentialRefused,
    InvalidRequest,
    Retry,
    Throttled,
    TimedOut,
    Unavailable,
)
from waypost.pipeline.course import all_down, bounded, rest, told, too_late
from waypost.routing.planned import Chosen, Plan

LANE = SameLane(DIALECTS["openai_chat"])
B = target(provider("b"))


def test_where_a_provider_is_down_its_other_credentials_come_last() -> None:
    a1, a2 = (target(provider("a", key_name=key, retries=0)) for key in ("k1", "k2"))
    left = [Chosen(a2, LANE, "order"), Chosen(B, LANE, "order")]
    failed = Chosen(a1, LANE, "order")
    assert [each.target for each in rest(left, failed, Retry.NEXT, Unavailable("x"))] == [B, a2]
    for error in (CredentialRefused("x"), Throttled("x")):
        assert [each.target for each in rest(left, failed, Retry.NEXT, error)] == [a2, B]


def test_after_a_request_too_long_only_larger_models_are_left() -> None:
    sizes = {"small": 8_000, "same": 16_000, "large": 32_000, "unknown": None}
    left = [
        Chosen(target(provider(name), facts=ModelFacts(context=size)), LANE, "order")
        for name, size in sizes.items()
    ]
    failed = Chosen(target(provider("f"), facts=ModelFacts(context=16_000)), LANE, "order")
    error = ContextTooLong("too long", status=400)
    assert [each.target.provider.name for each in rest(left, failed, Retry.LARGER, error)] == [
        "large",
        "unknown",
    ]
    unknown = Chosen(target(provider("f")), LANE, "order")
    assert rest(left, unknown, Retry.LARGER, error) == left


@pytest.mark.parametrize(
    ("remaining", "timeout", "expected"),
    [
        (700.0, None, Deadlines()),
        (600.0, None, Deadlines()),
        (30.0, None, Deadlines(connect_s=5.0, first_byte_s=30.0, total_s=30.0)),
        (2.0, None, Deadlines(connect_s=2.0, first_byte_s=2.0, total_s=2.0)),
        (700.0, 4.0, Deadlines(connect_s=4.0, first_byte_s=4.0, total_s=600.0)),
        (700.0, 900.0, Deadlines()),
    ],
)
def test_an_attempts_deadlines_end_with_the_exchanges(
    remaining: float, timeout: float | None, expected: Deadlines
) -> None:
    overlay = None if timeout is None else Overlay(timeout_s=timeout)
    assert bounded(Deadlines(), remaining, overlay) == expected


def test_a_failure_of_a_target_tells_more_than_that_another_was_not_asked() -> None:
    lacking, down = InvalidRequest("no form for it"), Unavailable("down")
    assert told([lacking, down]) is down
    assert told([lacking]) is lacking


def test_too_late_is_a_timeout_that_cost_nothing() -> None:
    assert isinstance(too_late(), TimedOut)
    assert not too_late().may_have_billed


@pytest.mark.parametrize(("soonest", "said"), [(7.2, "in 8 s"), (0.2, "in 1 s"), (None, "Ask again then")])
def test_all_down_says_when_to_ask_again(soonest: float | None, said: str) -> None:
    error = all_down(Plan((Chosen(B, LANE, "order"),), soonest_s=soonest), OpenBoard(), 0.0)
    assert error.retry_after_s == soonest
    assert said in error.message
