from __future__ import annotations

from collections.abc import Callable

import pytest

from waypost.config.overload_schema import OverloadSettings
from waypost.core.key import Key, Priority
from waypost.errors import Overloaded
from waypost.policy.overload import LoadGauge


def key(priority: Priority = "normal", name: str = "k") -> Key:
    return Key(name, name, b"", "", 0.0, priority=priority)


def taken(gauge: LoadGauge, who: Key | None, active: int = 0, now: float = 100.0) -> bool:
    try:
        gauge.check(who, active, now)
    except Overloaded:
        return False
    return True


QUICK = OverloadSettings(lag_s=0.05)


def by_priority(gauge: LoadGauge, active: int = 0) -> list[bool]:
    """Unknown, low, normal, high."""
    return [taken(gauge, who, active) for who in (None, key("low"), key(), key("high"))]


def measured(gauge: LoadGauge, now: float = 100.0, **values: float) -> None:
    given = {"active": 0, "memory_used": 0, "memory_limit": 0, "waiting": 0, "oldest_s": 0.0, **values}
    gauge.measured(now, **given)  # type: ignore[arg-type]  # a test's shorthand


@pytest.mark.parametrize(("unposted", "level"), [(0.49, 0), (0.5, 1), (0.7, 2), (0.9, 3), (1.5, 3)])
def test_a_database_that_does_not_keep_up_raises_the_level(unposted: float, level: int) -> None:
    gauge = LoadGauge(100, QUICK)
    measured(gauge, unposted=unposted)
    assert gauge.level == level
    assert gauge.refuses(key("low"), 100.0) == ("ledger" if level else None)
    measured(gauge)
    assert gauge.level == 0


def test_an_ordinary_request_is_one_comparison() -> None:
    gauge = LoadGauge(1000)
    assert (gauge.unquestioned, gauge.shedding, gauge.level) == (700, False, 0)
    gauge.configure(2000, OverloadSettings())
    assert gauge.unquestioned == 1400


@pytest.mark.parametrize(
    ("active", "who"),
    [
        (69, [True, True, True, True]),
        (70, [False, False, True, True]),
        (89, [False, False, True, True]),
        (90, [False, False, False, True]),
        (99, [False, False, False, True]),
        (100, [False, False, False, False]),
    ],
)
def test_the_last_places_are_for_higher_priorities(active: int, who: list[bool]) -> None:
    gauge = LoadGauge(100, QUICK)
    assert by_priority(gauge, active) == who
    assert gauge.shed["concurrency"] == who.count(False)


@pytest.mark.parametrize("limit", [1, 2])
def test_a_tiny_limit_lets_everyone_use_it(limit: int) -> None:
    assert by_priority(LoadGauge(limit), limit - 1) == [True] * 4


@pytest.mark.parametrize(("used", "level"), [(84, 0), (85, 1), (90, 2), (95, 3)])
def test_memory_raises_the_level(used: int, level: int) -> None:
    gauge = LoadGauge(100, QUICK)
    measured(gauge, memory_used=used, memory_limit=100)
    assert gauge.level == level
    assert gauge.shedding is (level > 0)
    assert gauge.unquestioned == (70 if level == 0 else 0)
    expected = [
        [True] * 4,
        [False, False, True, True],
        [False, False, True, True],
        [False, False, False, True],
    ]
    assert by_priority(gauge) == expected[level]
    measured(gauge, memory_used=10, memory_limit=100)
    assert not gauge.shedding


def test_memory_that_is_not_known_turns_nobody_away() -> None:
    gauge = LoadGauge(100, QUICK)
    measured(gauge, memory_used=10**12, memory_limit=0)
    assert gauge.level == 0


@pytest.mark.parametrize(
    ("waiting", "oldest_s", "level"), [(1000, 2.4, 0), (499, 2.5, 0), (500, 2.5, 1), (900, 5.0, 2)]
)
def test_a_long_and_old_queue_raises_the_level(waiting: int, oldest_s: float, level: int) -> None:
    gauge = LoadGauge(100, QUICK)
    measured(gauge, waiting=waiting, oldest_s=oldest_s)
    assert gauge.level == level


def test_at_level_two_who_has_little_under_way_goes_on() -> None:
    under_way: list[str | None] = ["greedy"] * 78 + ["polite"] * 2 + [None] * 5
    gauge = LoadGauge(100, QUICK, under_way=lambda: under_way)
    assert not taken(gauge, key(name="greedy"), 85)
    assert taken(gauge, key(name="polite"), 85)
    assert taken(gauge, key(name="new"), 85)
    served = sum(taken(gauge, key(name="polite"), 85) for _ in range(50))
    assert served == 18  # until it has half of what the two have on average
    under_way[:] = ["greedy"] * 10
    assert not taken(
        gauge, key(name="greedy"), 85, now=100.05
    )  # what was read is kept for a tenth of a second


def late(gauge: LoadGauge, times: int, lag_s: float, since: float) -> float:
    for _ in range(times):
        since += 0.01 + lag_s
        gauge.late(since, lag_s, 1.0)
    return since


def test_a_loop_that_is_late_shares_out_and_a_single_pause_does_not() -> None:
    gauge = LoadGauge(100, QUICK)
    late(gauge, 1, 0.08, 100.0)
    assert not gauge.shedding
    late(gauge, 5, 0.001, 101.0)
    assert not gauge.shedding
    now = late(gauge, 2, 0.08, 102.0)
    assert gauge.shedding
    assert gauge.level == 0
    assert gauge.lag_s == 0.08
    for _ in range(100):
        assert taken(gauge, key(), now=now)  # they are counted first
    now = late(gauge, 2, 0.08, now)
    served = sum(taken(gauge, key("high", "other"), now=now) for _ in range(1000))
    assert 0 < served < 1000
    assert gauge.shed["lag"] == 1000 - served


def test_a_turn_is_over_when_the_loop_says_so() -> None:
    turns: list[Callable[[], None]] = []
    gauge = LoadGauge(100, QUICK, soon=turns.append)
    now = late(gauge, 1, 0.2, 100.0)
    for _ in range(100):
        assert taken(gauge, key(), now=now)
    late(gauge, 1, 0.2, now)
    gauge._shares.level = 5.0
    served = []
    for _ in range(12):
        served.append(sum(taken(gauge, key()) for _ in range(100)))
        (over,) = turns
        turns.clear()
        over()
    assert served[-5:] == [5] * 5


def test_a_very_late_loop_shares_out_at_once_and_a_stalled_one_is_level_three() -> None:
    gauge = LoadGauge(100, QUICK)
    late(gauge, 1, 0.2, 100.0)
    assert gauge.shedding
    now = late(gauge, 3, 0.6, 101.0)
    assert gauge.level == 3
    assert by_priority(gauge)[:3] == [False] * 3
    late(gauge, 3, 0.001, now)
    assert gauge.level == 0


def test_whoever_passed_the_turnstile_is_not_counted_twice() -> None:
    gauge = LoadGauge(100, QUICK)
    measured(gauge, memory_used=95, memory_limit=100)
    gauge.check(key(), 10, 100.0, let_in=True)
    with pytest.raises(Overloaded):
        gauge.check(key(), 100, 100.0, let_in=True)


def test_unready_after_long_at_level_three() -> None:
    gauge = LoadGauge(100, QUICK)
    measured(gauge, 100.0, memory_used=95, memory_limit=100)
    measured(gauge, 109.0, memory_used=95, memory_limit=100)
    assert gauge.unready(109.9) is None
    assert gauge.unready(110.0) == "overloaded"
    measured(gauge, 111.0, active=95)
    assert gauge.unready(111.0) == "overloaded"
    measured(gauge, 112.0, active=80)
    assert gauge.unready(999.0) is None


def test_the_refusal_says_why_and_when() -> None:
    gauge = LoadGauge(100, QUICK, random=lambda: 0.25)
    measured(gauge, memory_used=95, memory_limit=100)
    with pytest.raises(Overloaded, match="memory is nearly full") as caught:
        gauge.check(key(), 0, 100.0)
    assert caught.value.retry_after_s == 1.25
    assert (caught.value.status, caught.value.code, caught.value.repeatable) == (503, "overloaded", True)
