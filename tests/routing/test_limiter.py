from __future__ import annotations

from collections import deque
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.routing.aimd import Outcome
from waypost.routing.limiter import Limiter


def test_a_target_without_limits_takes_everything() -> None:
    limiter = Limiter()
    assert not limiter.busy("a", 1.0)
    assert all(limiter.try_take("a", 1.0) for _ in range(10_000))
    assert limiter.door("a").in_flight == 10_000
    assert list(limiter.limits()) == []


def test_after_a_complaint_it_takes_as_many_as_it_taught() -> None:
    limiter = Limiter()
    for _ in range(10):
        limiter.try_take("a", 1.0)
    limiter.give_back("a", 1.0, "overload")
    assert list(limiter.limits()) == [("a", 7.0, 9)]
    assert limiter.busy("a", 1.0)
    assert not limiter.try_take("a", 1.0)
    for _ in range(3):
        limiter.give_back("a", 1.0, "other")
    assert limiter.try_take("a", 1.0)
    assert limiter.try_take("b", 1.0)  # another one's is another's


STEPS = st.tuples(
    st.sampled_from("abc"), st.sampled_from(("take", "ok", "overload", "other")), st.floats(0, 700)
)


@given(st.lists(STEPS, max_size=60), st.sampled_from((None, 1, 3)))
def test_while_nothing_is_limited_nobody_is_busy(
    steps: list[tuple[str, str, float]], most: int | None
) -> None:
    limiter, now, limited = Limiter(), 1.0, False
    for target, what, pause in steps:
        now += pause
        if target == "c":
            limiter.of("c", "openai#1", concurrency=most)
        limited = limited or (target == "c" and most is not None)
        if what == "take":
            limiter.try_take(target, now)
        elif limiter.door(target).in_flight:
            limiter.give_back(target, now, cast("Outcome", what), 0.1)
        assert limiter.unlimited == (not limited and not list(limiter.limits()))
        if limiter.unlimited:
            assert not any(limiter.busy(each, now) for each in "abc")


def test_a_credentials_concurrency_holds_over_all_of_its_models() -> None:
    limiter = Limiter()
    for model in ("a", "b"):
        limiter.of(model, "openai#1", concurrency=2)
    assert limiter.try_take("a", 1.0)
    assert limiter.try_take("b", 1.0)
    assert limiter.busy("a", 1.0)
    assert not limiter.try_take("a", 1.0)
    assert limiter.door("a").free_at(1.0) is None
    limiter.give_back("b", 1.0, "ok", 0.1)
    assert limiter.try_take("a", 1.0)


def test_what_was_under_way_before_it_was_limited_counts() -> None:
    limiter = Limiter()
    for _ in range(3):
        limiter.try_take("a", 1.0)
    limiter.of("a", "openai#1", concurrency=3)
    assert not limiter.try_take("a", 1.0)
    limiter.of("a", "openai#1", concurrency=4)
    assert limiter.try_take("a", 1.0)
    limiter.of("a", "openai#1")  # no longer limited
    assert limiter.try_take("a", 1.0)


def test_requests_per_minute_and_when_the_next_one_may() -> None:
    limiter = Limiter()
    limiter.of("a", "openai#1", rpm=2)
    assert limiter.try_take("a", 10.0)
    assert limiter.try_take("a", 40.0)
    limiter.give_back("a", 41.0, "ok", 0.1)
    assert limiter.busy("a", 69.9)
    assert not limiter.try_take("a", 69.9)
    assert limiter.door("a").free_at(69.9) == 70.0
    assert limiter.try_take("a", 70.0)
    assert limiter.door("a").free_at(70.0) == 100.0
    limiter.of("a", "openai#1", rpm=1)
    assert limiter.door("a").free_at(100.0) == 130.0


@given(st.integers(1, 5), st.lists(st.floats(0.0, 30.0), max_size=100))
def test_never_more_in_any_minute(rpm: int, pauses: list[float]) -> None:
    limiter, now = Limiter(), 0.0
    limiter.of("a", "c", rpm=rpm)
    begun: deque[float] = deque()
    for pause in pauses:
        now += pause
        while begun and begun[0] + 60.0 <= now:
            begun.popleft()
        assert limiter.busy("a", now) is (len(begun) >= rpm)
        assert limiter.try_take("a", now) is (len(begun) < rpm)
        if len(begun) < rpm:
            begun.append(now)


def test_targets_that_nobody_uses_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waypost.routing.limiter._TARGETS_MAX", 3)
    limiter = Limiter()
    for name in ("a", "b", "c"):
        limiter.try_take(name, 1.0)
    limiter.give_back("b", 1.0, "overload")
    assert [name for name, _, _ in limiter.limits()] == ["b"]
    limiter.try_take("d", 1.0)
    assert list(limiter.limits()) == []
    limiter.give_back("a", 1.0, "ok", 0.1)  # those under way are not


def slowed(limiter: Limiter) -> float:
    """The limit after answers that began much later than usual."""
    for first_token_s in [0.1] * 100 + [1.0] * 100:
        while limiter.door("a").in_flight < 50 and limiter.try_take("a", 1.0):
            pass
        limiter.give_back("a", 1.0, "ok", first_token_s)
    return limiter.door("a").limit


def test_a_target_is_not_taken_for_slow_where_the_gateway_itself_is() -> None:
    punctual, late, a_little_late = Limiter(), Limiter(), Limiter()
    late.late_s, a_little_late.late_s = 0.26, 0.02
    assert slowed(punctual) < 50
    assert slowed(late) == float("inf")
    assert slowed(a_little_late) < 50
