from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.routing.aimd import CALM_S, FORGET_S, LEAST, LEAST_SLOW, Limit

UNLIMITED = float("inf")


def with_under_way(count: int) -> Limit:
    limit = Limit()
    limit.in_flight = count
    return limit


def test_nothing_is_limited_until_the_first_complaint() -> None:
    limit = with_under_way(5000)
    for _ in range(5000):
        limit.end(1.0, "ok", 0.5)
    assert (limit.limit, limit.learnt, limit.in_flight) == (UNLIMITED, False, 0)


@pytest.mark.parametrize(("under_way", "then"), [(100, 70.0), (10, 7.0), (3, 2.1), (2, LEAST), (1, LEAST)])
def test_a_complaint_cuts_to_a_part_of_what_was_under_way(under_way: int, then: float) -> None:
    limit = with_under_way(under_way)
    limit.end(1.0, "overload", None)
    assert limit.limit == pytest.approx(then)


def test_what_was_under_way_at_a_cut_cuts_no_second_time() -> None:
    limit = with_under_way(100)
    for _ in range(100):
        limit.end(1.0, "overload", None)
    assert limit.limit == pytest.approx(70.0)
    limit.in_flight = 70
    limit.end(1.1, "overload", None)  # begun after the cut
    assert limit.limit == pytest.approx(49.0)


def test_a_long_stream_does_not_keep_later_complaints_from_counting() -> None:
    limit = with_under_way(100)
    limit.end(1.0, "overload", None)
    limit.in_flight = 70
    limit.end(1.0 + CALM_S, "overload", None)
    assert limit.limit == pytest.approx(49.0)


def test_success_near_the_limit_raises_it_and_elsewhere_does_not() -> None:
    limit = with_under_way(100)
    limit.end(1.0, "overload", None)
    limit.in_flight = 10
    limit.end(2.0, "ok", None)
    assert limit.limit == pytest.approx(70.0)
    for _ in range(70):
        limit.in_flight = 70
        limit.end(2.0, "ok", None)
    assert 73.0 < limit.limit < 74.0  # a twentieth for one round of it


def test_complaints_of_long_ago_are_forgotten() -> None:
    limit = with_under_way(10)
    limit.end(1.0, "overload", None)
    limit.in_flight = 2
    limit.end(1.0 + FORGET_S, "ok", None)
    assert limit.learnt
    limit.end(1.1 + FORGET_S, "ok", None)
    assert not limit.learnt


def told(limit: Limit, seconds: float, times: int, under_way: int) -> None:
    for _ in range(times):
        limit.in_flight = under_way
        limit.end(5.0, "ok", seconds)


def test_answers_that_begin_much_later_than_usual_are_a_weaker_complaint() -> None:
    limit = Limit()
    told(limit, 0.5, 100, under_way=40)
    told(limit, 5.0, 2, under_way=40)
    assert not limit.learnt  # single ones say nothing
    told(limit, 5.0, 6, under_way=40)
    assert 34.0 <= limit.limit < 35.0


def test_slowness_of_few_at_a_time_is_not_load() -> None:
    limit = Limit()
    told(limit, 0.5, 100, under_way=8)
    told(limit, 50.0, 100, under_way=8)
    assert not limit.learnt


def test_slowness_alone_leaves_some() -> None:
    limit = Limit()
    told(limit, 0.5, 100, under_way=40)
    for seconds in (5.0, 50.0, 500.0, 5000.0):
        told(limit, seconds, 200, under_way=40)
    assert limit.limit >= LEAST_SLOW


@given(st.lists(st.tuples(st.sampled_from(("ok", "overload", "other")), st.floats(0.0, 3.0)), max_size=200))
def test_the_limit_stays_within_reason(ends: list[tuple[str, float]]) -> None:
    limit, now = Limit(), 0.0
    for outcome, later in ends:
        now += later
        before = limit.limit
        limit.in_flight = int(min(limit.limit, 50))
        limit.end(now, outcome, None)  # type: ignore[arg-type]  # the three words
        assert limit.limit >= LEAST
        assert limit.limit <= before + 1.0 or not limit.learnt
        if outcome == "other":
            assert limit.limit == before
