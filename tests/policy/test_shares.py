from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.policy.shares import Shares, _level

TARGET = 0.01


def counted(asks: dict[str, int], seconds: float = 0.1) -> Shares:
    """Shares after the counting: a loop that was busy all the time with what was asked."""
    shares = Shares()
    shares.begin(100.0)
    for key, times in asks.items():
        for _ in range(times):
            assert shares.asked(key, "normal", 100.0)
    shares.told(100.0 + seconds, 0.04, 0.04, TARGET, busy=1.0)
    return shares


def let_in(shares: Shares, key: str, rate: float, since: float, seconds: float = 1.0) -> int:
    times = int(rate * seconds)
    return sum(shares.asked(key, "normal", since + number / rate) for number in range(times))


def test_the_first_guess_is_what_was_done_less_a_little_shared_out() -> None:
    shares = counted({"greedy": 900, "polite": 100})
    assert shares.rate == pytest.approx(0.9 * 10_000 - 1000)
    assert let_in(shares, "polite", 1000.0, 101.0) == 1000
    assert let_in(shares, "greedy", 16_000.0, 101.0) == pytest.approx(8000 * 1.05, rel=0.01)  # with its burst


def test_a_single_pause_turns_nobody_away() -> None:
    shares = Shares()
    shares.begin(100.0)
    assert shares.asked("a", "normal", 100.0)
    shares.told(100.02, 0.001, 0.0005, TARGET, busy=0.3)
    assert not shares.active


def test_it_counts_for_a_while_first() -> None:
    shares = Shares()
    shares.begin(100.0)
    shares.told(100.04, 0.04, 0.04, TARGET, busy=1.0)
    assert (shares.rate, shares.active) == (0.0, True)
    shares.told(100.08, 0.04, 0.04, TARGET, busy=1.0)
    assert shares.rate > 0.0  # nobody asked: whoever comes is let in slowly at first
    assert shares.asked("a", "normal", 100.1)


@pytest.mark.parametrize(
    ("work_s", "busy", "factor"),
    [
        (0.012, 1.0, 0.95),
        (0.035, 1.0, 0.85),
        (0.007, 1.0, 1.0),
        (0.002, 0.99, 1.02),
        (0.002, 0.6, 1.04),
        (0.0, 0.1, 1.08),
    ],
)
def test_the_rate_follows_what_there_is_to_do(work_s: float, busy: float, factor: float) -> None:
    shares = counted({"a": 1000})
    before = shares.rate
    let_in(shares, "a", 90_000.0, 100.11, seconds=0.08)
    shares.told(100.2, work_s, work_s, TARGET, busy)
    assert shares.rate == pytest.approx(before * factor)
    shares.told(100.21, work_s, work_s, TARGET, busy)  # not twice within one round
    assert shares.rate == pytest.approx(before * factor)


def test_a_rate_that_nobody_runs_into_is_not_raised() -> None:
    """Else it would be many times what can be done when somebody does."""
    shares = counted({"a": 1000})
    before = shares.rate
    assert let_in(shares, "a", 1000.0, 100.11, seconds=0.08) == 80
    shares.told(100.2, 0.001, 0.001, TARGET, busy=0.1)
    assert shares.rate == before


def test_a_round_is_judged_by_its_longest_turn_and_by_all_of_its_work() -> None:
    shares = counted({"a": 1000})
    before = shares.rate
    let_in(shares, "a", 90_000.0, 100.101, seconds=0.05)
    shares.told(100.11, 0.012, 0.012, TARGET, busy=1.0)
    shares.told(100.2, 0.0, 0.0, TARGET, busy=0.0)
    assert shares.rate == pytest.approx(before * 0.95), "of one long turn"
    before = shares.rate
    let_in(shares, "a", 90_000.0, 100.201, seconds=0.05)
    shares.told(100.28, 0.002, 0.002, TARGET, busy=1.0)
    shares.told(100.30, 0.0, 0.0, TARGET, busy=0.0)
    assert shares.rate == pytest.approx(before * 1.02), (
        "four fifths were worked, though the last moment was idle"
    )


def test_a_loop_that_is_far_behind_lets_in_a_quarter_until_it_has_caught_up() -> None:
    shares = counted({"a": 1000})
    shares.told(100.11, 0.06, 0.06, TARGET, busy=1.0)
    assert let_in(shares, "a", 18_000.0, 100.2, seconds=0.5) == pytest.approx(0.25 * 9000 * 0.56, rel=0.02)
    shares.told(100.12, 0.001, 0.001, TARGET, busy=1.0)
    assert let_in(shares, "a", 18_000.0, 101.0) == pytest.approx(9000 * 1.05, rel=0.02)


def test_a_long_turn_of_the_loop_costs_nobody_their_share() -> None:
    shares = counted({"greedy": 1900, "polite": 100})
    shares.told(100.2, 0.3, 0.04, TARGET, busy=1.0)
    assert all(shares.asked("polite", "normal", 101.0) for _ in range(300))  # of 0.3 s, all at once


def test_priorities_have_different_shares() -> None:
    shares = counted({"a": 1000})

    def served(key: str, priority: str) -> int:
        return sum(shares.asked(key, priority, 101.0) for _ in range(100_000))  # type: ignore[arg-type]  # the words

    low, normal, high = served("x", "low"), served("y", "normal"), served("z", "high")
    assert 6 * low < normal < 10 * low
    assert 7 * normal < high < 9 * normal


def test_it_is_over_when_nobody_was_turned_away_for_long() -> None:
    shares = counted({"a": 1000})
    assert let_in(shares, "a", 90_000.0, 100.2, seconds=0.1) < 9000
    shares.told(102.2, 0.001, 0.001, TARGET, busy=0.2)
    assert shares.active
    shares.told(102.4, 0.001, 0.001, TARGET, busy=0.2)
    assert not shares.active


def test_keys_that_are_back_at_their_allowance_are_forgotten() -> None:
    shares = counted({"a": 1000})
    for number in range(1500):
        shares.asked(str(number), "normal", 101.0)
    shares.told(102.0, 0.001, 0.001, TARGET, busy=0.9)
    assert not shares._due


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=20), st.floats(0.01, 1.5))
def test_the_level_shares_out_just_the_room(counts: list[int], part: float) -> None:
    room = part * sum(counts)
    level = _level({(str(number), 1.0): count for number, count in enumerate(counts)}, room)
    assert sum(min(level, count) for count in counts) == pytest.approx(min(room, sum(counts)))


# --- the whole law, on a loop that is reckoned and not run ----------------------------------------------------------


def test_at_twice_the_load_nearly_all_of_the_peak_is_left_and_the_polite_one_is_served() -> None:
    """7,000 requests a second are possible; turning one away costs a twentieth of serving one."""
    from policy.reckoned_loop import run

    result = run(times=2.0, shed_cost=0.05)
    assert result.goodput > 0.97 * (1 - 2 * 0.05) / (1 - 0.05)
    assert result.polite == 1.0
    assert result.turn_p99_s < 0.02


@pytest.mark.parametrize("times", [0.9, 1.0])
def test_at_the_peak_and_below_nobody_is_turned_away(times: float) -> None:
    from policy.reckoned_loop import run

    result = run(times=times, shed_cost=0.05)
    assert result.goodput == pytest.approx(times, abs=0.001)


@pytest.mark.parametrize("times", [1.2, 3.0, 6.0])
def test_no_load_makes_it_collapse(times: float) -> None:
    from policy.reckoned_loop import run

    result = run(times=times, shed_cost=0.1)
    possible = min(1.0, (1 - times * 0.1) / (1 - 0.1))
    assert result.goodput > 0.97 * possible
    assert result.polite == 1.0
