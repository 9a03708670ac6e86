"""Rehearsals on the pipeline: what is sent, what is booked, what is counted."""

from __future__ import annotations

import gc

import pytest

from transcript import CHAT, STREAM, Stage, completion, events, provider, streamed, target
from waypost.config.snapshot import Route
from waypost.errors import Unavailable
from waypost.pipeline.rehearsal import Drill, Drills, Scope
from waypost.routing.fixed_board import FixedBoard
from waypost.routing.rehearsed import RehearsedBoard
from waypost.upstream.drill import Fault

FIRST, SECOND = target(provider("p1", retries=0)), target(provider("p2"), priority=2)


def rehearsing(stage: Stage, fault: Fault, scope: Scope | None = None, drawn: float = 0.0) -> Drill:
    """Put a rehearsal of the first provider's outage into force."""
    drills = Drills(stage.clock, lambda: drawn)
    now = stage.clock.monotonic()
    drill = Drill("d-1", scope or Scope(("p1",)), fault, now, now + 60.0, None)
    drills.start(drill)
    stage.pipeline._drills = drills
    return drill


async def test_a_broken_attempt_is_not_sent_and_costs_nothing_and_another_target_answers() -> None:
    stage = Stage([completion()], targets=(FIRST, SECOND))
    drill = rehearsing(stage, Fault("503"))
    client = await stage.ask(CHAT)
    assert client.status == 200
    assert [origin.host for origin, _, _ in stage.upstream.sent] == ["p2.example"]
    assert [mark.provider for mark in stage.ledger.marks] == ["p2"], "what is not sent leaves no mark"
    broken, answered = stage.attempts
    assert (broken.provider, broken.state, broken.cost_nusd, broken.status) == ("p1", "voided", 0, 503)
    assert answered.state == "settled"
    assert stage.exchange.drill == "d-1"
    numbers = drill.tally.numbers()
    assert (numbers.requests, numbers.answered, numbers.failed_over, numbers.broken) == (1, 1, 1, 1)
    assert (drill.in_flight, drill.lost) == (0, 0)


@pytest.mark.parametrize(("kind", "deadline"), [("timeout", 120.0), ("stall", 120.0)])
async def test_waiting_for_a_silent_provider_is_not_the_gateways_own_time(kind: str, deadline: float) -> None:
    stage = Stage([completion()], targets=(FIRST, SECOND))
    rehearsing(stage, Fault(kind))
    assert (await stage.ask(CHAT)).status == 200
    assert stage.slept == [deadline]
    assert stage.exchange.overhead_us < 1_000_000 < deadline * 1e6 <= stage.exchange.total_us
    assert stage.attempts[0].state == "voided", "nobody billed for what was never sent"


async def test_a_stream_that_breaks_is_real_and_so_is_its_cost() -> None:
    stage = Stage([streamed(events())], targets=(FIRST, SECOND))
    drill = rehearsing(stage, Fault("cut", after=2))
    client = await stage.ask(STREAM)
    assert b"upstream_truncated" in client.body
    assert b"[DONE]" not in client.body
    assert stage.upstream.answers[0].closed
    assert stage.ledger.marks[0].provider == "p1"
    (attempt,) = stage.attempts
    assert (attempt.state, attempt.error) == ("settled", "upstream_truncated")
    assert attempt.cost_nusd
    assert drill.tally.numbers().cut == 1


async def test_when_no_target_is_left_the_client_sees_the_rehearsed_failure() -> None:
    stage = Stage([], targets=(FIRST,))
    drill = rehearsing(stage, Fault("429"))
    client = await stage.ask(CHAT)
    assert client.status == 429
    assert client.header(b"retry-after") == b"5"
    numbers = drill.tally.numbers()
    assert (numbers.failed, numbers.errors) == (1, {"upstream_rate_limited": 1})


@pytest.mark.parametrize(
    "scope",
    [
        Scope(("p1",), key_id="somebody-else"),
        Scope(("p1",), route="another"),
        Scope(("p1",), models=("another",)),
        Scope(("p1",), region="eu"),
        Scope(("p3",)),
        Scope(("p1",), share=0.5),
    ],
)
async def test_whoever_is_not_part_of_it_is_not_touched(scope: Scope) -> None:
    stage = Stage([completion()], targets=(FIRST, SECOND))
    drill = rehearsing(stage, Fault("503"), scope, drawn=0.5)
    await stage.ask(CHAT)
    assert [origin.host for origin, _, _ in stage.upstream.sent] == ["p1.example"]
    assert (stage.exchange.drill, drill.tally.requests) == (None, 0)


@pytest.mark.parametrize("kind", ["429", "529"])
async def test_what_is_only_rehearsed_teaches_no_limit(kind: str) -> None:
    stage = Stage({"p1": [], "p2": [completion(), completion()]}, targets=(FIRST, SECOND))
    rehearsing(stage, Fault(kind))
    for number in (1, 2):
        assert (await stage.ask(CHAT, number=number)).status == 200
    assert list(stage.limiter.limits()) == []


async def test_it_ends_by_itself() -> None:
    stage = Stage([completion(), completion()], targets=(FIRST, SECOND))
    drill = rehearsing(stage, Fault("503"))
    stage.clock.advance(59.9)
    await stage.ask(CHAT, number=1)
    assert stage.upstream.sent[-1][0].host == "p2.example"
    stage.clock.advance(0.2)
    await stage.ask(CHAT, number=2)
    assert stage.upstream.sent[-1][0].host == "p1.example"
    assert drill.tally.requests == 1


async def test_an_end_in_the_middle_of_an_exchange_lets_its_next_attempt_through() -> None:
    stage = Stage([completion()], targets=(target(provider("p1", retries=1)),))
    drill = rehearsing(stage, Fault("503"))
    drill.ends = stage.clock.monotonic() + 0.01  # it is over once the gateway has waited to ask again
    assert (await stage.ask(CHAT)).status == 200
    numbers = drill.tally.numbers()
    assert (numbers.broken, numbers.attempts, numbers.failed_over) == (1, 2, 1)


async def test_a_real_failure_beside_it_is_counted_as_what_it_is() -> None:
    stage = Stage([Unavailable("really down")] * 2, targets=(FIRST, SECOND))
    drill = rehearsing(stage, Fault("503"))
    await stage.ask(CHAT)
    assert stage.exchange.outcome == "failed"
    assert drill.tally.numbers().broken == 1


def test_an_exchange_that_is_gone_without_having_settled_is_lost() -> None:
    stage = Stage(targets=(FIRST,))
    drill = rehearsing(stage, Fault("503"))
    part = drill.begin()
    assert (drill.in_flight, drill.lost) == (1, 0)
    del part
    gc.collect()
    assert (drill.in_flight, drill.lost) == (0, 1)


def test_the_first_that_wants_an_exchange_has_it() -> None:
    stage = Stage(targets=(FIRST, SECOND))
    drills, route = Drills(stage.clock, lambda: 0.0), Route("fast", (FIRST, SECOND))
    one, two = (Drill(f"d-{n}", Scope((f"p{n}",)), Fault("503"), 0.0, 1e9, None) for n in (1, 2))
    assert drills.draw("k1", route) is None
    drills.start(one)
    drills.start(two)
    part = drills.draw("k1", route)
    assert part is not None
    assert part.drill_id == "d-1"
    assert part.fault_of(SECOND, "x.1", 0.0) is None
    drills.end(one)
    drills.end(one)
    assert drills.running == (two,)
    assert part.fault_of(FIRST, "x.1", 0.0) is None, "what has ended breaks nothing more"


def test_its_exchanges_have_a_board_of_their_own_where_there_are_boards() -> None:
    real = FixedBoard()
    without = Drill("d", Scope(("p1",)), Fault("503"), 0.0, 1.0, None)
    assert without.begin().board(real) is real
    own = FixedBoard(down=["p1"])
    board = Drill("d", Scope(("p1",)), Fault("503"), 0.0, 1.0, own).begin().board(real)
    assert isinstance(board, RehearsedBoard)
    assert board.of(FIRST).ejected_until(0.0) > 0
    assert real.of(FIRST).ejected_until(0.0) == 0.0


@pytest.mark.parametrize(
    ("scope", "everyone"),
    [
        (Scope(("p",)), True),
        (Scope(("p",), models=("m",), region="eu"), True),
        (Scope(("p",), key_id="k"), False),
        (Scope(("p",), route="r"), False),
        (Scope(("p",), share=0.5), False),
    ],
)
def test_whether_it_touches_everyone(scope: Scope, everyone: bool) -> None:
    assert scope.everyone is everyone
