from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.key import Priority
from waypost.policy.shares import Shares, _level

AIM = 0.01
EACH = 0.0001
"""What a request costs here: a turn has room for a hundred."""


class Turns:
    """A loop whose turns are over when the test says so."""

    def __init__(self) -> None:
        self.over: list[Callable[[], None]] = []
        self.shares = Shares(self.over.append)
        self.now = 100.0
        self.shares.begin(self.now)

    def end(self) -> None:
        for call in self.over:
            call()
        self.over.clear()

    def turn(self, key: str = "greedy", times: int = 1000, priority: Priority = "normal") -> int:
        """How many of so many are let in, in a turn of their own."""
        let_in = self.ask(key, times, priority)
        self.end()
        return let_in

    def ask(self, key: str, times: int, priority: Priority = "normal") -> int:
        return sum(self.shares.asked(key, priority, self.now) for _ in range(times))

    def told(self, seconds: float = 0.05, busy: float = 1.0, lag_s: float = 0.04) -> None:
        self.now += seconds
        self.shares.told(self.now, lag_s, AIM, busy)


def counted(asks: dict[str, int], seconds: float = 0.1) -> Turns:
    """After the counting: a loop that was busy all the time with what was asked."""
    turns = Turns()
    for key, times in asks.items():
        assert turns.ask(key, times) == times
    turns.end()
    turns.told(seconds)
    return turns


def test_the_first_guess_is_what_a_turn_has_room_for_shared_out() -> None:
    turns = counted({"greedy": 900, "polite": 100})
    assert turns.shares.level == pytest.approx(80.0), (
        "nine tenths of a hundred, of which the polite one asks for ten"
    )
    for _ in range(2):
        turns.turn("greedy")
    for _ in range(20):
        assert turns.ask("polite", 10) == 10
        assert turns.turn("greedy") == pytest.approx(80, abs=1), "who asked for more has had it"


def test_a_single_pause_turns_nobody_away() -> None:
    turns = Turns()
    assert turns.turn("a", 1) == 1
    turns.told(0.02, lag_s=0.001)
    assert not turns.shares.active


def test_it_counts_for_a_while_first() -> None:
    turns = Turns()
    turns.told(0.04)
    assert (turns.shares.level, turns.shares.active) == (0.0, True)
    turns.told(0.04)
    assert turns.shares.level > 0.0  # nobody asked: whoever comes is let in slowly at first
    assert turns.turn("a", 1) == 1


def test_who_has_not_asked_may_be_ahead_once() -> None:
    turns = counted({"greedy": 1000})
    assert turns.turn("new", 5000) == pytest.approx(900, abs=1), "ten turns' allowance"
    assert turns.turn("new", 5000) == pytest.approx(90, abs=1)


@pytest.mark.parametrize(
    ("room", "level"), [(100.0, 62.5), (55.0, 55.0), (50.0, 50.0), (40.0, 40.0), (10.0, 10.0)]
)
def test_the_level_goes_to_what_a_turn_has_room_for(room: float, level: float) -> None:
    turns = counted({"greedy": 1000})
    for _ in range(2):
        turns.turn("greedy")
    turns.told(0.06)
    turns.shares.level, turns.shares._each_s = 50.0, AIM / room
    assert sum(turns.turn("greedy", 60) for _ in range(6)) == pytest.approx(300, abs=1)
    turns.told(0.06, busy=300 * AIM / room / 0.06)
    assert turns.shares.level == pytest.approx(level, rel=0.02)


def test_what_a_request_costs_is_learnt_slowly() -> None:
    turns = counted({"greedy": 1000})
    assert turns.shares._each_s == pytest.approx(EACH)
    assert turns.turn("polite", 100) == 100
    turns.told(0.06, busy=2 * 100 * EACH / 0.06)
    assert turns.shares._each_s == pytest.approx(1.3 * EACH, rel=0.01)


def test_turning_away_alone_does_not_lower_the_shares() -> None:
    """A loop that is late with turning away is not sooner when it lets in fewer."""
    turns = counted({"greedy": 1000})
    turns.turn("greedy")
    for _ in range(10):
        before = turns.shares.level
        turns.turn("greedy", 5000)
        turns.told(0.2, busy=(90 * EACH + 4910 * 0.1 * EACH) / 0.2)
        assert turns.shares.level > 0.98 * before


def test_a_round_in_which_nobody_asked_teaches_nothing() -> None:
    turns = counted({"greedy": 1000})
    before = turns.shares.level, turns.shares._each_s
    turns.told(0.06)
    assert (turns.shares.level, turns.shares._each_s) == before


def test_a_level_that_nobody_runs_into_is_not_raised() -> None:
    """Else it would be many times what can be done when somebody does."""
    turns = counted({"a": 1000})
    before = turns.shares.level
    for _ in range(5):
        assert turns.turn("b", 10) == 10
    turns.told(0.06, busy=50 * 0.5 * EACH / 0.06)
    assert turns.shares._each_s < EACH, "there is more room than that"
    assert turns.shares.level == before


def test_a_long_turn_of_the_loop_costs_nobody_their_share() -> None:
    turns = counted({"greedy": 1900, "polite": 100})
    for _ in range(10):
        turns.turn("greedy")
    turns.told(0.1, busy=0.5)
    assert turns.ask("polite", 300) == 300, "what came in three tenths of a second, all at once"


def test_priorities_have_different_shares() -> None:
    turns = counted({"a": 1000})
    served = {
        priority: turns.turn(f"of {priority}", 100_000, priority) for priority in ("low", "normal", "high")
    }
    assert served["normal"] == pytest.approx(900, abs=2)
    assert served["low"] == pytest.approx(900 / 8, abs=2)
    assert served["high"] == pytest.approx(7200, abs=2)


@pytest.mark.parametrize("priority", ["low", "normal", "high"])
def test_alone_each_priority_gets_all_there_is_room_for(priority: Priority) -> None:
    turns = counted({"greedy": 1000})
    turns.turn("x", 100_000, priority)
    for _ in range(30):
        let_in = sum(turns.turn("x", 10_000, priority) for _ in range(3))
        turns.told(0.06, busy=(let_in + 0.1 * (30_000 - let_in)) * EACH / 0.06)
    assert turns.turn("x", 10_000, priority) == pytest.approx(100, rel=0.1)


def test_it_is_over_when_nobody_was_turned_away_for_long() -> None:
    turns = counted({"a": 1000})
    turns.told(0.1)
    assert turns.turn("a", 1000) < 1000
    turns.told(2.0, busy=0.2)
    assert turns.shares.active
    turns.told(0.2, busy=0.2)
    assert not turns.shares.active


def test_keys_that_are_back_at_their_allowance_are_forgotten() -> None:
    turns = counted({"a": 1000})
    for number in range(1500):
        turns.turn(str(number), 1)
    turns.told(0.1)
    assert not turns.shares._due


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
    assert result.goodput > 0.99 * (1 - 2 * 0.05) / (1 - 0.05)
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
    assert result.goodput > 0.98 * possible
    assert result.polite == 1.0
