from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.routing.health.effects import Counts
from waypost.routing.health.windows import (
    SIZE_NAMES,
    WINDOWS,
    Counted,
    History,
    Slice,
    percentile_of,
    size_of,
)


@pytest.mark.parametrize(
    ("tokens", "name"),
    [
        (0, "<1k"),
        (999, "<1k"),
        (1000, "<8k"),
        (8000, "<32k"),
        (127_999, "<128k"),
        (128_000, ">=128k"),
        (10**7, ">=128k"),
    ],
)
def test_sizes(tokens: int, name: str) -> None:
    assert SIZE_NAMES[size_of(tokens)] == name


def test_counts_by_window() -> None:
    history = History()
    history.answered(5.0, 0, None, None)
    history.failed(15.0, "upstream_timeout", "failure")
    history.failed(15.0, "upstream_rejected", "rejected")
    history.failed(15.0, "upstream_rate_limited", "throttled")
    history.failed(15.0, "upstream_misshapen", "apart")
    assert history.counts(16.0, 30) == (2, 1)
    assert history.counts(36.0, 30) == (1, 1)
    assert history.counts(46.0, 30) == (0, 0)
    assert history.counts(290.0, 300) == (2, 1)
    assert history.counts(305.0, 300) == (1, 1)
    assert history.counts(320.0, 300) == (0, 0)
    assert history.counts(3599.0, 3600) == (2, 1)
    assert history.counts(3660.0, 3600) == (0, 0)
    assert history.counts(86_000.0, 86_400) == (2, 1)
    day = history.sum(86_000.0, 86_400)
    assert (day.ok, day.failures, day.throttled, day.rejected, day.apart) == (1, 1, 1, 1, 1)
    assert day.errors == {
        "upstream_timeout": 1,
        "upstream_rejected": 1,
        "upstream_rate_limited": 1,
        "upstream_misshapen": 1,
    }
    assert history.counts(90_000.0, 86_400) == (0, 0)
    assert history.sum(90_000.0, 86_400).empty


@pytest.mark.parametrize("seconds", [0.003, 0.04, 0.25, 1.0, 7.7, 300.0])
def test_a_percentile_is_right_to_a_twentieth(seconds: float) -> None:
    history = History()
    for _ in range(5):
        history.answered(100.0, 0, seconds, 10 / seconds)
    assert history.measured("first_token", 50, 0, 100.0) == pytest.approx(seconds, rel=0.05)
    assert history.measured("throughput", 50, 0, 100.0) == pytest.approx(10 / seconds, rel=0.05)


def test_percentiles_of_times_and_of_speeds_both_tell_what_most_get() -> None:
    history = History()
    for value in range(1, 101):
        history.answered(100.0, 2, value / 10, float(value))
    assert history.measured("first_token", 90, 2, 100.0) == pytest.approx(9.0, rel=0.06)
    assert history.measured("throughput", 90, 2, 100.0) == pytest.approx(11.0, rel=0.06)
    assert history.measured("throughput", 99, 2, 100.0) == pytest.approx(2.0, rel=0.06)
    assert history.measured("first_token", 90, 1, 100.0) is None


def test_few_measures_and_old_ones_tell_nothing() -> None:
    history = History()
    for _ in range(4):
        history.answered(100.0, 0, 1.0, None)
    assert history.measured("first_token", 50, 0, 100.0) is None
    history.answered(102.0, 0, 1.0, None)
    assert history.measured("first_token", 50, 0, 102.0) is not None
    assert history.measured("first_token", 50, 0, 500.0) is None


def test_a_percentile_is_worked_out_once_a_second() -> None:
    history = History()
    for _ in range(5):
        history.answered(100.0, 0, 1.0, None)
    before = history.measured("first_token", 99, 0, 100.0)
    for _ in range(95):
        history.answered(100.1, 0, 50.0, None)
    assert history.measured("first_token", 99, 0, 100.9) == before
    assert history.measured("first_token", 99, 0, 101.0) == pytest.approx(50.0, rel=0.05)


def test_no_percentile_of_nothing() -> None:
    assert percentile_of({}, 50, "first_token") is None


def test_what_is_added_and_taken_off_again_leaves_nothing() -> None:
    total, one = Slice(), Slice()
    one.ok, one.errors, one.waits = 2, {"x": 1}, {0: {3: 2}}
    total.add(one)
    assert not total.empty
    total.add(one, -1)
    assert total.empty
    assert total.waits == {0: {}}


KINDS: list[Counts | None] = [None, "failure", "throttled", "rejected", "apart"]


@given(st.lists(st.tuples(st.floats(0, 4000), st.sampled_from(KINDS)), max_size=80))
def test_windows_hold_what_happened_within_them(events: list[tuple[float, Counts | None]]) -> None:
    history, now, log = History(), 1000.0, list[tuple[float, Counts | None]]()
    for gap, kind in events:
        now += gap
        log.append((now, kind))
        if kind is None:
            history.answered(now, 0, 0.5, 20.0)
        else:
            history.failed(now, "x", kind)
        assert history.failures >= history.counts(now, 300)[1]
    for window_s, width in ((30, 10), (300, 10), (3600, 60), (86_400, 900)):
        slots = window_s // width
        lately = [kind for at, kind in log if at // width > now // width - slots]
        assert history.counts(now, window_s) == (
            sum(kind in (None, "failure") for kind in lately),
            sum(kind == "failure" for kind in lately),
        )
        if window_s == 300:
            assert history.failures == sum(kind == "failure" for kind in lately)
        if window_s != 30:
            counted = history.sum(now, window_s)
            assert counted.ok == lately.count(None)
            waits: Counted = counted.waits.get(0, {})
            assert sum(waits.values()) == lately.count(None)


def test_memory_is_bounded() -> None:
    history, now = History(), 0.0
    while now < 3 * 86_400:
        history.answered(now, 0, 0.5, 20.0)
        now += 7.0
    assert len(history._fine) <= 30
    assert len(history._minutes) <= 61
    assert len(history._quarters) <= 97
    assert history.counts(now, WINDOWS["1d"])[0] == pytest.approx(86_400 / 7, rel=0.02)
