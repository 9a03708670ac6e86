from __future__ import annotations

from typing import get_args

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from waypost.config.tuning import BreakerTuning
from waypost.routing.board import BreakerState
from waypost.routing.health.breaker import LOST_S, TABLE, Breaker, Event

STEADY = BreakerTuning(jitter=0.0)


def half() -> float:
    return 0.5


def tell(breaker: Breaker, event: Event, now: float, began: float | None = None) -> None:
    breaker.tell(event, now, began, STEADY, half)


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker(STEADY.window_s)
    for _ in range(STEADY.consecutive):
        tell(breaker, "failure", now)
    assert breaker.state == "open"
    return breaker


def test_the_table_has_every_state_and_event() -> None:
    assert set(TABLE) == {(state, event) for state in get_args(BreakerState) for event in get_args(Event)}


def test_failures_in_a_row_open_it_and_one_success_forgives_them() -> None:
    breaker = Breaker(STEADY.window_s)
    for _ in range(4):
        tell(breaker, "failure", 0.0)
    tell(breaker, "success", 0.0)
    for now in range(40, 44):
        tell(breaker, "failure", float(now))
    assert breaker.state == "closed"
    tell(breaker, "failure", 44.0)
    assert (breaker.state, breaker.until) == ("open", 74.0)


def test_half_of_ten_requests_open_it() -> None:
    breaker = Breaker(STEADY.window_s)
    for _ in range(4):
        tell(breaker, "success", 0.0)
        tell(breaker, "failure", 0.0)
    tell(breaker, "success", 0.0)
    assert breaker.state == "closed"
    tell(breaker, "failure", 0.0)
    assert breaker.state == "open"


def test_what_tells_nothing_neither_counts_nor_forgives() -> None:
    breaker = Breaker(STEADY.window_s)
    for _ in range(4):
        tell(breaker, "failure", 0.0)
        tell(breaker, "nothing", 0.0)
    tell(breaker, "failure", 0.0)
    assert breaker.state == "open"


def test_one_probe_decides() -> None:
    breaker = opened()
    assert not breaker.admits(29.9)
    assert breaker.ejected_until(29.9) == 30.0
    assert breaker.admits(30.0)
    assert breaker.half_open(30.0)
    assert breaker.ejected_until(30.0) == 0.0
    breaker.enter(30.0)
    assert not breaker.admits(31.0)
    tell(breaker, "nothing", 31.0, 30.0)
    assert breaker.admits(31.0)
    breaker.enter(31.0)
    tell(breaker, "success", 32.0, 31.0)
    assert (breaker.state, breaker.failures) == ("closed", 0)


def test_ejections_grow_to_a_bound_and_healthy_time_takes_them_off() -> None:
    breaker, now = opened(), 0.0
    lengths = []
    for _ in range(12):
        lengths.append(breaker.until - now)
        now = breaker.until
        breaker.enter(now)
        tell(breaker, "failure", now, now)
    assert lengths == [30.0 * n for n in range(1, 11)] + [300.0, 300.0]
    now = breaker.until
    breaker.enter(now)
    tell(breaker, "success", now, now)
    assert not breaker.idle(now, STEADY)
    now += 11 * STEADY.recovery_s
    for _ in range(5):
        tell(breaker, "failure", now)
    assert breaker.until - now == 60.0 * 1.5  # thirteen times ejected, eleven forgiven, and this one
    assert breaker.ejections == 3


@pytest.mark.parametrize(("draw", "length"), [(0.0, 27.0), (0.5, 30.0), (0.999999, 33.0)])
def test_jitter_goes_both_ways(draw: float, length: float) -> None:
    breaker = Breaker(30.0)
    for _ in range(5):
        breaker.tell("failure", 0.0, None, BreakerTuning(jitter=0.1), lambda: draw)
    assert breaker.until == pytest.approx(length, abs=0.001)


def test_old_news_is_no_news() -> None:
    breaker = opened(now=10.0)
    tell(breaker, "failure", 20.0, 5.0)
    breaker.enter(40.0)
    tell(breaker, "failure", 45.0, 5.0)
    tell(breaker, "success", 45.0, 5.0)
    tell(breaker, "nothing", 45.0, 5.0)
    assert breaker.state == "half_open"
    assert not breaker.admits(45.0)
    tell(breaker, "success", 46.0, 40.0)
    for _ in range(20):
        tell(breaker, "failure", 60.0, 5.0)
    assert breaker.state == "closed"


def test_a_forced_probe_comes_early_and_does_not_make_the_ejection_longer() -> None:
    breaker = opened()
    assert not breaker.may_force(2.9, STEADY)
    assert breaker.may_force(3.0, STEADY)
    breaker.enter(3.0)
    assert not breaker.may_force(10.0, STEADY)
    tell(breaker, "failure", 10.0, 3.0)
    assert (breaker.state, breaker.until, breaker.ejections) == ("open", 30.0, 1)
    assert not breaker.may_force(12.0, STEADY)
    breaker.enter(13.0)
    tell(breaker, "success", 14.0, 13.0)
    assert breaker.state == "closed"


def test_a_lost_probe_is_given_up() -> None:
    breaker = opened()
    breaker.enter(30.0)
    assert not breaker.admits(30.0 + LOST_S)
    assert breaker.admits(30.1 + LOST_S)


def test_another_nodes_ejection_holds_here() -> None:
    breaker = Breaker(30.0)
    breaker.hear(50.0, 10.0)
    breaker.hear(40.0, 10.0)
    assert breaker.ejected_until(11.0) == 50.0
    breaker.enter(50.0)
    breaker.hear(90.0, 51.0)
    tell(breaker, "success", 52.0, 50.0)
    assert breaker.state == "closed"


def test_a_new_window_is_taken_up() -> None:
    breaker = Breaker(30.0)
    short = BreakerTuning(consecutive=1000, window_s=6.0, jitter=0.0)
    for now in range(0, 40, 2):
        breaker.tell("failure", float(now), None, short, half)
    assert breaker.state == "closed"  # never ten within six seconds


class Model:
    """What a breaker should be, written another way: a list of all that happened since it was last closed."""

    def __init__(self) -> None:
        self.log: list[tuple[float, bool]] = []
        self.mode, self.until, self.probing, self.times, self.well_since = "closed", 0.0, False, 0, 0.0
        self.probed_at = 0.0

    def admits(self, now: float) -> bool:
        if self.mode == "closed":
            return True
        probing = self.probing and now - self.probed_at <= LOST_S
        return not probing and (self.mode == "half" or now >= self.until)

    def enter(self, now: float) -> None:
        if self.mode != "closed":
            self.mode, self.probing, self.probed_at = "half", True, now

    def end(self, event: str, now: float) -> None:
        if self.mode == "half":
            self.probing = False
            if event == "success":
                self.mode, self.well_since, self.log = "closed", now, []
            elif event == "failure":
                self.eject(now)
        elif self.mode == "closed" and event != "nothing":
            self.log.append((now, event == "failure"))
            if event == "failure" and self.sick(now):
                self.times = max(0, self.times - int((now - self.well_since) / 120))
                self.eject(now)

    def sick(self, now: float) -> bool:
        lately = [bad for at, bad in self.log if at // 5 > now // 5 - 6]
        in_a_row = len(self.log) >= 5 and all(bad for _, bad in self.log[-5:])
        return in_a_row or (len(lately) >= 10 and sum(lately) * 2 >= len(lately))

    def eject(self, now: float) -> None:
        self.times += 1
        self.mode, self.until = "open", now + min(300.0, 30.0 * self.times)


class BreakerAgainstModel(RuleBasedStateMachine):
    """Attempts begin and end in any order while time goes on; those that began before an opening tell nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.breaker, self.model = Breaker(STEADY.window_s), Model()
        self.model.well_since = self.now
        self.breaker._closed_at = self.now
        self.under_way: list[tuple[float, int]] = []
        self.openings = 0

    @rule(step=st.sampled_from((0.25, 1.0, 5.0, 29.75, 31.0, 130.0, LOST_S)))
    def wait(self, step: float) -> None:
        self.now += step

    @rule(times=st.integers(1, 6))
    def begin(self, times: int) -> None:
        for _ in range(times):
            allowed = self.breaker.admits(self.now)
            assert allowed == self.model.admits(self.now)
            if allowed:
                self.breaker.enter(self.now)
                self.model.enter(self.now)
                self.under_way.append((self.now, self.openings))

    @rule(events=st.lists(st.sampled_from(("success", "failure")), min_size=4, max_size=14))
    def one_after_another(self, events: list[Event]) -> None:
        for event in events:
            self.begin(1)
            if self.under_way and self.under_way[-1][0] == self.now:
                self.end(-1, 1, event)

    @precondition(lambda self: self.under_way)
    @rule(
        which=st.integers(0, 1000),
        times=st.integers(1, 6),
        event=st.sampled_from(("success", "failure", "failure", "nothing")),
    )
    def end(self, which: int, times: int, event: Event) -> None:
        for _ in range(min(times, len(self.under_way))):
            # Later than at the moment it began, as in life: a moment cannot be told from an opening at it.
            self.now += 0.25
            began, openings = self.under_way.pop(which % len(self.under_way))
            self.breaker.tell(event, self.now, began, STEADY, half)
            if openings == self.openings:
                before = self.model.until
                self.model.end(event, self.now)
                self.openings += self.model.until != before

    @invariant()
    def agrees(self) -> None:
        half_open = self.breaker.state == "half_open"
        assert (self.breaker.state == "closed", half_open) == (
            self.model.mode == "closed",
            self.model.mode == "half",
        )
        assert self.breaker.admits(self.now) == self.model.admits(self.now)
        if self.breaker.state == "open":
            assert self.breaker.until == pytest.approx(self.model.until)


TestBreakerAgainstModel = BreakerAgainstModel.TestCase
