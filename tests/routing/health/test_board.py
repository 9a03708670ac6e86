"""The board as attempts see it."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.health.rig import STEADY, WALL, Rig, provider, target
from waypost import errors
from waypost.config.tuning import BreakerTuning, Resilience
from waypost.core.usage import Usage
from waypost.routing.board import Board, Standing
from waypost.routing.health.board import HealthBoard, never_busy
from waypost.routing.health.changes import Change

M = target()
DOWN = errors.Unavailable("down")


def contract(board: HealthBoard) -> tuple[Board, Standing]:
    """Checked by mypy: the board and its places keep the protocols."""
    return board, board.of(M)


def test_it_keeps_the_contract() -> None:
    board, standing = contract(Rig().board)
    assert board.of(M) is standing
    assert not never_busy(M, 10**6, 0.0)


def test_what_is_under_way_is_counted() -> None:
    rig = Rig()
    standing = rig.board.of(M)
    assert [rig.enter(M) for _ in range(3)] == [True] * 3
    assert (standing.in_flight, standing.tokens) == (3, 300)
    rig.ok(M)
    rig.fail(M, DOWN)
    rig.board.leave(M, rig.now, 100)
    rig.board.leave(M, rig.now, 100)
    assert (standing.in_flight, standing.tokens) == (0, 0)


def test_a_dead_target_sees_five_calls_and_then_one_probe_per_interval() -> None:
    rig = Rig(Resilience(breaker=BreakerTuning(jitter=0.1)), random.Random(4).random)
    calls: list[float] = []
    start = rig.now
    while rig.now < start + 3600:
        rig.now += 0.05
        for _ in range(3):
            if rig.attempt(M, DOWN):
                calls.append(rig.now)
    gaps = [after - before for before, after in itertools.pairwise(calls[4:])]
    assert calls[4] - start < 1
    lengths = [min(300, 30 * n) for n in range(1, len(gaps) + 1)]
    for gap, length in zip(gaps, lengths, strict=True):
        assert 0.9 * length <= gap <= min(300, 1.1 * length) + 0.1
    assert len(calls) <= 5 + 18
    assert rig.board.of(M).in_flight == 0


def test_a_breaker_is_shared_by_the_credentials_and_not_by_the_models() -> None:
    rig = Rig()
    for _ in range(5):
        assert rig.attempt(target(key="a"), DOWN)
    assert not rig.enter(target(key="b"))
    assert rig.enter(target(model="other", key="a"))
    assert rig.enter(target("q", key="a"))


USERS = [errors.Rejected("x", status=status) for status in (400, 404, 409, 413, 422)]


@pytest.mark.parametrize("error", [*USERS, errors.Filtered("x", status=400), errors.Misshapen("x")])
def test_a_clients_errors_never_open_it(error: errors.UpstreamError) -> None:
    rig = Rig()
    assert all(rig.attempt(M, error) for _ in range(200))
    assert rig.board.of(M).ejected_until(rig.now) == 0.0


def test_clients_that_leave_never_open_it_and_give_the_probe_back() -> None:
    rig = Rig()
    for _ in range(200):
        assert rig.enter(M)
        rig.board.leave(M, rig.now, 100)
    for _ in range(5):
        rig.attempt(M, DOWN)
    rig.now += 31
    assert rig.enter(M)
    assert rig.board.of(M).probing(rig.now)
    assert not rig.enter(M)
    rig.board.leave(M, rig.now, 100, rig.now)
    assert rig.attempt(M)
    assert not rig.board.of(M).probing(rig.now)


@pytest.mark.parametrize(
    "error",
    [
        errors.TimedOut("x", phase="first_byte"),
        errors.TimedOut("x", phase="idle"),
        errors.TimedOut("x", phase="progress"),
        errors.Truncated("x"),
        errors.Failed("x"),
        errors.Garbled("x"),
        errors.Untrusted("x"),
    ],
)
def test_what_opens_it(error: errors.UpstreamError) -> None:
    rig = Rig()
    assert [rig.attempt(M, error) for _ in range(6)] == [True] * 5 + [False]


def test_ten_thousand_429s_and_nothing_is_sent_to_a_parked_credential() -> None:
    rig, draw = Rig(random=random.Random(7).random), random.Random(8)
    board, ways = rig.board, [target(key=key, model=model) for key in "abc" for model in ("m", "n")]
    parked_until = dict.fromkeys(range(len(ways)), 0.0)
    met = sent_to_parked = 0
    while met < 10_000:
        rig.now += draw.expovariate(2.0)
        which = draw.randrange(len(ways))
        if not rig.enter(ways[which]):
            continue
        sent_to_parked += rig.now < parked_until[which]
        said = draw.choice((None, 0.0, 2.0, 30.0))
        rig.fail(ways[which], errors.Throttled("slow down", retry_after_s=said), began=rig.now)
        met += 1
        parked_until[which] = rig.now + max(1.0, said) if said is not None else rig.now
        assert board.of(ways[which]).parked_until(rig.now) >= parked_until[which] or said is None
        assert board.of(ways[which]).ejected_until(rig.now) == 0.0
    assert sent_to_parked == 0


def test_a_429_parks_one_model_of_one_credential() -> None:
    rig = Rig()
    rig.attempt(target(key="a"), errors.Throttled("x", retry_after_s=20))
    assert rig.board.of(target(key="a")).parked_until(rig.now) == rig.now + 20
    assert not rig.enter(target(key="a"))
    assert rig.enter(target(key="a", model="other"))
    assert rig.enter(target(key="b"))


@pytest.mark.parametrize(
    ("error", "wait_s"),
    [
        (errors.CredentialRefused("x"), 300.0),
        (errors.CredentialRefused("x", retry_after_s=40), 40.0),
        (errors.QuotaSpent("x"), 900.0),
        (errors.QuotaSpent("x", retry_after_s=7200), 7200.0),
    ],
)
def test_a_refused_credential_is_parked_for_all_its_models(
    error: errors.UpstreamError, wait_s: float
) -> None:
    rig = Rig()
    rig.attempt(target(key="a"), error)
    other = target(key="a", model="other")
    assert rig.board.of(other).parked_until(rig.now) == rig.now + wait_s
    assert not rig.enter(other)
    assert rig.enter(target(key="b"))
    rig.now += wait_s
    assert rig.enter(other)
    assert not rig.enter(target(key="a"))
    rig.ok(other)
    assert rig.enter(target(key="a"))


def test_a_429_without_a_wait_takes_it_from_the_rate_headers() -> None:
    rig = Rig()
    headers = [(b"x-ratelimit-remaining-tokens", b"0"), (b"x-ratelimit-reset-tokens", b"42s")]
    rig.enter(M)
    rig.fail(M, errors.Throttled("x"), headers=headers)
    assert rig.board.of(M).parked_until(rig.now) == pytest.approx(rig.now + 42)


def test_after_a_parking_there_is_no_herd() -> None:
    rig = Rig()
    rig.attempt(M, errors.Throttled("x", retry_after_s=5))
    rig.now += 5
    assert [rig.enter(M) for _ in range(10)] == [True] + [False] * 9
    rig.ok(M)
    assert all(rig.enter(M) for _ in range(10))


def test_a_streams_end_does_not_free_what_was_parked_meanwhile() -> None:
    rig = Rig()
    rig.enter(M)
    rig.now += 30
    rig.attempt(M, errors.Throttled("x", retry_after_s=60))
    rig.now += 5
    rig.ok(M, total_s=35.0)
    assert not rig.enter(M)


def test_late_failures_do_not_eject_a_target_that_came_back() -> None:
    rig = Rig()
    began = rig.now
    for _ in range(25):
        rig.enter(M)
    rig.now += 60
    for _ in range(5):
        rig.fail(M, DOWN, began=began)
    rig.now += 31
    assert rig.enter(M)
    rig.fail(M, DOWN, began=began)
    rig.ok(M, total_s=0.0)
    for _ in range(19):
        rig.fail(M, DOWN, began=began)
    assert rig.enter(M)
    assert rig.board.of(M).in_flight == 1


def test_a_forced_probe_is_alone_and_never_uses_a_parked_credential() -> None:
    rig = Rig()
    for _ in range(5):
        rig.attempt(M, DOWN)
    standing = rig.board.of(M)
    assert standing.failed_at == rig.now
    assert not rig.board.force_probe(M, rig.now, 1)
    rig.now += 4
    assert not rig.enter(M)
    assert rig.board.force_probe(M, rig.now, 1)
    assert not rig.board.force_probe(M, rig.now, 1)
    rig.fail(M, errors.Throttled("x", retry_after_s=10))
    rig.now += 4
    assert not rig.board.force_probe(M, rig.now, 1)
    rig.now += 6
    assert rig.board.force_probe(M, rig.now, 1)
    rig.ok(M)
    assert rig.enter(M)
    assert rig.board.ejections == {"p": 1}


def test_headroom_counts_what_is_under_way() -> None:
    rig = Rig()
    headers = [
        (b"x-ratelimit-limit-tokens", b"1000"),
        (b"x-ratelimit-remaining-tokens", b"900"),
        (b"x-ratelimit-reset-tokens", b"1m"),
    ]
    rig.enter(M)
    rig.ok(M, headers=headers)
    standing = rig.board.of(M)
    assert standing.headroom(rig.now, 0) == pytest.approx(0.9)
    rig.enter(M)
    assert standing.headroom(rig.now, 300) == pytest.approx(0.5)
    rig.board.told(M, rig.now + 1, [(b"x-ratelimit-remaining-tokens", b"0")])
    assert standing.headroom(rig.now + 1, 0) == 0.0


def test_the_headers_of_a_long_stream_are_as_old_as_its_start() -> None:
    rig = Rig()
    rig.enter(M)
    rig.enter(M)
    rig.now += 60
    rig.ok(M, headers=[(b"x-ratelimit-limit-requests", b"10"), (b"x-ratelimit-remaining-requests", b"2")])
    old = [(b"x-ratelimit-limit-requests", b"10"), (b"x-ratelimit-remaining-requests", b"9")]
    rig.ok(M, headers=old, first_token_s=1.0, total_s=60.0)
    assert rig.board.of(M).headroom(rig.now, 0) == pytest.approx(0.2)


def test_times_and_speeds_are_measured_by_size() -> None:
    rig = Rig()
    for _ in range(5):
        rig.enter(M)
        rig.ok(M, usage=Usage(input=9000, output=100), first_token_s=0.5, total_s=2.0)
    for _ in range(5):
        rig.enter(M)
        rig.ok(M, usage=Usage(input=10, output=9), first_token_s=0.1, total_s=0.2)
    standing = rig.board.of(M)
    assert standing.measured("first_token", 50, 10_000, rig.now) == pytest.approx(0.5, rel=0.05)
    assert standing.measured("throughput", 50, 10_000, rig.now) == pytest.approx(50, rel=0.05)
    assert standing.measured("first_token", 50, 10, rig.now) == pytest.approx(0.1, rel=0.05)
    assert standing.measured("throughput", 50, 10, rig.now) is None


def test_health_and_failing() -> None:
    rig = Rig()
    standing = rig.board.of(M)
    for error in (None, None, None, DOWN, *USERS, errors.Throttled("x", retry_after_s=0.0)):
        rig.now += 2
        rig.attempt(M, error)
    assert standing.failing(rig.now, 60) == (5, 2)
    assert standing.health(rig.now) == 1.0
    rig.now += 2
    for _ in range(5):
        rig.attempt(M)
    assert standing.health(rig.now) == pytest.approx(0.8)


def test_retries_are_bounded() -> None:
    rig = Rig()
    assert [rig.board.may_retry(M, rig.now) for _ in range(4)] == [True, True, True, False]


def test_a_new_tuning_takes_effect() -> None:
    rig = Rig()
    rig.tuning = Resilience(breaker=BreakerTuning(consecutive=2, jitter=0.0, ejection_s=7.0))
    assert [rig.attempt(M, DOWN) for _ in range(3)] == [True, True, False]
    assert rig.board.of(M).ejected_until(rig.now) == rig.now + 7


def test_busy_is_whoever_limits() -> None:
    board = HealthBoard(
        lambda: STEADY, lambda: 0.5, lambda: WALL, lambda at, in_flight, now: in_flight > (now > 5)
    )
    board.try_enter(M, 1.0, 1)
    assert board.of(M).busy(1.0)
    assert not board.of(M).busy(6.0)


def test_what_was_held_against_another_key_or_address_is_dropped() -> None:
    rig = Rig()
    rig.attempt(M, errors.CredentialRefused("x"))
    for _ in range(5):
        rig.attempt(target(key="b"), DOWN)
    old = [provider(), provider(key="b")]
    rig.board.replaced(old, [provider(), provider(key="b")], rig.now)
    assert rig.board.of(M).parked_until(rig.now)
    rig.board.replaced(old, [provider(secret=b"new"), provider(key="b")], rig.now)
    assert not rig.board.of(M).parked_until(rig.now)
    assert not rig.enter(M)
    rig.board.replaced(old, [provider(), provider(key="b", host="elsewhere")], rig.now)
    assert rig.enter(M)


END = st.sampled_from((None, DOWN, errors.Throttled("x"), errors.CredentialRefused("x"), USERS[0], "left"))


@given(st.lists(st.tuples(st.floats(0, 400), st.integers(0, 3), END), max_size=80))
def test_nothing_is_sent_where_it_may_not_be_and_all_that_began_ends(
    steps: list[tuple[float, int, errors.UpstreamError | str | None]],
) -> None:
    rig = Rig()
    ways = [target(key=key, model=model) for key in "ab" for model in "mn"]
    under_way: list[tuple[int, float]] = []
    for wait, which, end in steps:
        rig.now += wait
        standing = rig.board.of(ways[which])
        barred = standing.parked_until(rig.now) or standing.ejected_until(rig.now)
        if rig.enter(ways[which]):
            assert not barred
            under_way.append((which, rig.now))
        if under_way and wait < 200:
            place, began = under_way.pop(0)
            if end is None:
                rig.ok(ways[place], total_s=rig.now - began)
            elif isinstance(end, str):
                rig.board.leave(ways[place], rig.now, 100, began)
            else:
                rig.fail(ways[place], end, began=began)
    for place, began in under_way:
        rig.ok(ways[place], total_s=rig.now - began)
    assert [rig.board.of(way).in_flight for way in ways] == [0] * 4
    # Whatever happened, everything can be used again some day.
    for way in ways:
        rig.now += 90_000
        assert rig.attempt(way)
        assert rig.attempt(way)


@pytest.mark.parametrize("how", ["limited", "left", "heard"])
def test_a_probe_that_ends_after_its_parking_was_made_longer_lets_the_next_one_in(how: str) -> None:
    rig = Rig()
    rig.now = 1000.0
    assert rig.enter(M)
    rig.fail(M, errors.Throttled("slow down", retry_after_s=1.0), began=1000.0)
    rig.now = 1001.1
    assert rig.enter(M), "the probe"
    rig.now = 1001.4
    if how == "heard":
        rig.board.absorb(Change("parked", "p", "", "m", WALL + 1021.4), rig.now)
    else:
        rig.board.failed(M, rig.now, 100, errors.Throttled("late", retry_after_s=20.0), (), 999.0)
    rig.now = 1001.6
    if how == "limited":
        rig.fail(M, errors.Throttled("still", retry_after_s=20.0), began=1001.1)
    else:
        rig.board.leave(M, rig.now, 100, 1001.1)
    rig.now = 1021.3
    assert not rig.enter(M)
    rig.now = 1022.0
    assert rig.enter(M)
    assert not rig.enter(M), "one at a time"
    rig.board.leave(M, rig.now, 100, 999.0)
    assert not rig.enter(M), "what began before the parking ends nobody's probe"
