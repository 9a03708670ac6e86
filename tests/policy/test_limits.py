"""Limits against a model that is too simple to be wrong: all takes replayed, each with what it was left with."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import examples
from waypost.core.limit import SECONDS, Limit, LimitPer, LimitUnit, Need
from waypost.core.record import Attempt
from waypost.core.rules import Pace
from waypost.core.scope import ScopeKind, asked_id
from waypost.core.usage import Usage
from waypost.errors import Oversized, RateLimited
from waypost.policy import limits as module
from waypost.policy.limit_terms import NANO
from waypost.policy.limits import Counter, Limits, Taken


def pace(
    amount: int,
    unit: LimitUnit = "requests",
    per: LimitPer = "minute",
    scope: ScopeKind = "key",
    scope_id: str = "k1",
    name: str = "l",
) -> Pace:
    limit = Limit(f"lim_{name}_{unit}_{per}", "org", name, scope, scope_id, unit, amount, per)
    return Pace(limit, f"{limit.id}:{scope_id}", scope, "app")


def attempt(
    input: int = 0, output: int = 0, provider: str = "p1", model: str = "m1", state: str = "settled"
) -> Attempt:
    usage = None if state == "voided" else Usage(input, output)
    return Attempt("a", provider, model, 0, state, 200, None, None, 0, usage, 0, None)  # type: ignore[arg-type]


def admitted(limits: Limits, paces: list[Pace], need: Need, now: float) -> Taken | None:
    try:
        return limits.take(paces, need, now)
    except RateLimited:
        return None


def test_a_burst_of_the_whole_amount_then_one_by_one() -> None:
    limits, one = Limits(), [pace(60)]
    assert sum(admitted(limits, one, Need(), 0.0) is not None for _ in range(100)) == 60
    assert admitted(limits, one, Need(), 0.99) is None
    assert admitted(limits, one, Need(), 1.0)
    assert admitted(limits, one, Need(), 1.0) is None


@given(
    amount=st.integers(1, 10_000),
    per=st.sampled_from(get_args(LimitPer)),
    now=st.floats(0, 10_000_000),
    number=st.integers(1, 10_000),
)
def test_the_time_that_a_refusal_says_is_exact(amount: int, per: LimitPer, now: float, number: int) -> None:
    limits, one, need = Limits(), [pace(amount, "tokens", per)], Need(min(number, amount))
    assert limits.take(one, Need(amount), now)
    with pytest.raises(RateLimited) as refusal:
        limits.take(one, need, now)
    wait = refusal.value.retry_after_s
    assert wait is not None
    assert wait == pytest.approx(need.input_tokens * SECONDS[per] / amount, abs=2e-6)
    assert admitted(limits, one, need, now + wait * 0.999 - 2e-6) is None
    assert admitted(limits, one, need, now + wait)


def test_a_refusal_says_which_scope_which_unit_and_when() -> None:
    limits = Limits()
    limits.take([pace(2, name="burst")], Need(), 0.0)
    limits.take([pace(2, name="burst")], Need(), 0.0)
    with pytest.raises(RateLimited) as refusal:
        limits.take([pace(2, name="burst")], Need(), 10.0)
    assert refusal.value.message == (
        "The limit 'burst' of key 'app' is 2 requests per minute. Try again in 20.00 s."
    )
    assert refusal.value.retry_after_s == 20.0
    assert refusal.value.repeatable


def test_all_limits_or_none() -> None:
    limits = Limits()
    wide, tight, at_once = pace(100), pace(1, name="tight"), pace(9, "concurrent")
    assert admitted(limits, [wide, at_once, tight], Need(), 0.0)
    for _ in range(50):
        assert admitted(limits, [wide, at_once, tight], Need(), 0.0) is None
    assert limits.shown([wide], 0.0)["requests"].remaining == 99
    assert sum(admitted(limits, [at_once], Need(), 0.0) is not None for _ in range(20)) == 8


def test_no_limits_take_nothing() -> None:
    limits = Limits()
    assert all(admitted(limits, [], Need(5, 5), 0.0) for _ in range(100))
    assert limits.prune(0.0) == 0


def test_exchanges_at_once_are_let_in_as_others_end_however_they_end() -> None:
    limits, two = Limits(), [pace(2, "concurrent")]
    one, other = admitted(limits, two, Need(), 0.0), admitted(limits, two, Need(), 0.0)
    assert one
    assert other
    with pytest.raises(RateLimited, match="is 2 requests at once"):
        limits.take(two, Need(), 0.0)
    one.end((), False, 0.0)
    one.end((), False, 0.0)
    assert admitted(limits, two, Need(), 0.0)
    assert admitted(limits, two, Need(), 0.0) is None
    assert limits.shown(two, 0.0) == {}


def test_tokens_are_set_aside_by_estimate_and_corrected_by_usage() -> None:
    limits = Limits()
    paces = [pace(1000, "input_tokens"), pace(1000, "output_tokens"), pace(1000, "tokens")]
    taken = limits.take(paces, Need(300, 400, stated=True), 0.0)
    left = limits.shown(paces, 0.0)
    assert [left[unit].remaining for unit in ("input_tokens", "output_tokens", "tokens")] == [700, 600, 300]
    taken.end([attempt(200, 50), attempt(state="voided"), attempt(10, 0)], True, 0.0)
    left = limits.shown(paces, 0.0)
    assert [left[unit].remaining for unit in ("input_tokens", "output_tokens", "tokens")] == [790, 950, 740]


def test_what_was_used_beyond_the_estimate_is_a_debt() -> None:
    limits, one = Limits(), [pace(60, "tokens")]
    limits.take(one, Need(10), 0.0).end([attempt(10, 110)], True, 0.0)
    shown = limits.shown(one, 0.0)["tokens"]
    assert (shown.remaining, shown.reset_s) == (0, 120.0)
    with pytest.raises(RateLimited) as refusal:
        limits.take(one, Need(1), 0.0)
    assert refusal.value.retry_after_s == 61.0


def test_what_a_session_uses_beyond_is_counted_while_it_goes_on() -> None:
    limits, one = Limits(), [pace(100, "tokens")]
    taken = limits.take(one, Need(10, 10), 0.0)
    taken.used(5, 5, 0.0)
    assert limits.shown(one, 0.0)["tokens"].remaining == 80
    taken.used(30, 30, 0.0)
    taken.used(35, 35, 0.0)
    assert limits.shown(one, 0.0)["tokens"].remaining == 30
    taken.end([attempt(35, 35)], True, 0.0)
    assert limits.shown(one, 0.0)["tokens"].remaining == 30


def test_a_request_that_never_fits_is_told_so_and_not_to_come_again() -> None:
    limits = Limits()
    for one, need in (
        (pace(100, "input_tokens"), Need(101)),
        (pace(100, "output_tokens"), Need(0, 101, stated=True)),
        (pace(100, "tokens"), Need(60, 41, stated=True)),
        (pace(100, "tokens"), Need(101, 0)),
    ):
        with pytest.raises(Oversized, match="never fits") as refusal:
            limits.take([one], need, 0.0)
        assert (refusal.value.retry_after_s, refusal.value.repeatable) == (None, False)


@pytest.mark.parametrize("unit", get_args(LimitUnit))
def test_a_limit_of_nothing_lets_nothing_in(unit: LimitUnit) -> None:
    limits = Limits()
    with pytest.raises(Oversized, match="nothing is let in"):
        limits.take([pace(0, unit)], Need(), 0.0)
    assert limits.shown([pace(0, unit)], 0.0) == {}


def test_output_that_nobody_stated_takes_no_more_than_there_is_in_all() -> None:
    limits, one = Limits(), [pace(100, "tokens")]
    taken = limits.take(one, Need(60, 4096), 0.0)
    assert limits.shown(one, 0.0)["tokens"].remaining == 0
    taken.end([attempt(60, 20)], True, 0.0)
    assert limits.shown(one, 0.0)["tokens"].remaining == 20


def test_limits_of_a_provider_count_what_went_there() -> None:
    limits = Limits()
    one = pace(5, scope="provider", scope_id=asked_id("org", "p1"))
    other = pace(5, scope="provider", scope_id=asked_id("org", "p2"))
    tokens = pace(100, "tokens", scope="model", scope_id=asked_id("org", "m1"))
    taken = limits.take([one, other, tokens], Need(20, 20), 0.0)
    assert limits.shown([other], 0.0)["requests"].remaining == 4
    taken.end([attempt(20, 1), attempt(9, 9, model="m2")], True, 0.0)
    assert limits.shown([one], 0.0)["requests"].remaining == 4
    assert limits.shown([other], 0.0)["requests"].remaining == 5
    assert limits.shown([tokens], 0.0)["tokens"].remaining == 79


def test_the_tightest_of_each_unit_is_shown() -> None:
    limits = Limits()
    paces = [pace(60), pace(1000, per="day", name="day"), pace(10, per="second", name="second")]
    for _ in range(9):
        limits.take(paces, Need(), 0.0)
    shown = limits.shown(paces, 0.0)
    assert (shown["requests"].amount, shown["requests"].remaining) == (10, 1)
    assert shown["requests"].reset_s == pytest.approx(0.9)
    later = limits.shown(paces, 1.0)["requests"]
    assert (later.amount, later.remaining, later.reset_s) == (10, 10, 0.0)


def test_a_changed_limit_goes_on_with_the_same_share() -> None:
    limits = Limits()
    for _ in range(30):
        limits.take([pace(60)], Need(), 0.0)
    assert limits.shown([pace(120)], 0.0)["requests"].remaining == 60
    assert limits.shown([pace(2)], 0.0)["requests"].remaining == 1


def test_scopes_at_rest_are_forgotten_and_those_under_way_are_not() -> None:
    limits = Limits()
    limits.take([pace(60, scope_id="done")], Need(), 0.0).end([attempt()], True, 0.0)
    going = limits.take([pace(60, "tokens", scope_id="going"), pace(1, "concurrent")], Need(1), 0.0)
    assert limits.prune(0.5) == 3
    assert limits.prune(1.5) == 2
    going.end([attempt(30, 30)], True, 100.0)
    assert limits.shown([pace(60, "tokens", scope_id="going")], 100.0)["tokens"].remaining == 1
    assert limits.prune(100.0) == 1
    assert limits.prune(161.0) == 0


def test_there_are_never_more_counters_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COUNTERS_MAX", 2000)
    limits = Limits()
    for number in range(10_000):
        limits.take([pace(60, scope_id=f"k{number}")], Need(), 0.0)
    assert limits.prune(0.0) <= 2000


steps = st.lists(
    st.tuples(st.floats(0, 40), st.integers(1, 60), st.integers(0, 90), st.integers(0, 6)),
    min_size=1,
    max_size=60,
)


class Replay:
    """Every take with what it was left with, worked off anew from the beginning for each question."""

    def __init__(self, amount: int) -> None:
        self.amount = amount
        self.taken: list[list[int]] = []

    def backlog(self, now_ns: int) -> int:
        backlog, at = 0, 0
        for when, number in self.taken:
            backlog = max(0, backlog - (when - at) * self.amount) + number * 60 * NANO
            at = when
        return max(0, backlog - (now_ns - at) * self.amount)


@settings(max_examples=examples(400), deadline=None)
@given(amount=st.integers(1, 100), events=steps)
def test_a_counter_is_as_if_only_what_was_used_had_been_taken(
    amount: int, events: list[tuple[float, int, int, int]]
) -> None:
    """Takes, and corrections in any order and at any time after: the backlog is that of the true past, to the
    nanosecond; nothing is admitted over it, and no window sees more than an allowance and what flows in meanwhile."""
    counter, replay, now_ns = Counter(amount, 60 * NANO), Replay(amount), 0
    open_: list[tuple[int, list[int]]] = []
    for gap, wanted, used, which in events:
        now_ns += round(gap * NANO)
        assert counter.backlog(now_ns) == replay.backlog(now_ns)
        number = min(wanted, amount)
        if counter.backlog(now_ns) + number * counter.per <= counter.full:
            row = [now_ns, number]
            replay.taken.append(row)
            open_.append((counter.take(number, now_ns), row))
        if open_ and which:
            serial, row = open_.pop(which % len(open_))
            if used < row[1]:
                counter.give_back(serial, row[1] - used, now_ns)
                row[1] = used
        assert counter.backlog(now_ns) == replay.backlog(now_ns)
    window = 60 * NANO
    for start, _ in replay.taken:
        seen = sum(number for at, number in replay.taken if start <= at <= start + window)
        assert seen <= 2 * amount


def test_many_takes_keep_a_bounded_past_and_give_back_no_more_than_is_true() -> None:
    counter, replay, now_ns = Counter(1000, 60 * NANO), Replay(1000), 0
    serials = []
    for _ in range(500):  # the backlog rises, so that every take could be the lowest after some other
        now_ns += NANO // 100
        replay.taken.append([now_ns, 2])
        serials.append(counter.take(2, now_ns))
    assert len(counter._lows) <= module._LOWS_MAX + 1
    counter.give_back(serials[10], 2, now_ns)
    replay.taken[10][1] = 0
    assert counter.backlog(now_ns) >= replay.backlog(now_ns)
