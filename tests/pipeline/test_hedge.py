"""Two attempts beside each other: the first to begin is passed on, the other booked and gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from transcript import (
    CHAT,
    STREAM,
    RecordingClient,
    Stage,
    completion,
    error_code,
    events,
    provider,
    streamed,
    target,
)
from waypost.core.facts import ModelFacts
from waypost.errors import Bug, ContextTooLong, Filtered, Rejected, Unavailable, UpstreamError

A, B, C = (target(provider(name, retries=0), priority=place) for place, name in enumerate("abc", 1))
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
SHAPED = {**CHAT, "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}


async def never() -> None:
    await asyncio.get_running_loop().create_future()


def turns(count: int) -> Callable[[], Awaitable[None]]:
    async def wait() -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    return wait


def hedged(script: dict[str, list[object]], **changes: object) -> Stage:
    stage = Stage(script, targets=(A, B), **changes)
    stage.planner.hedge_after_s = 0.8
    return stage


def booked(stage: Stage) -> list[tuple[str, str, str, int | None]]:
    return [(a.provider, a.role, a.state, a.cost_nusd) for a in stage.attempts]


async def test_a_first_target_that_is_quick_is_all_that_is_asked() -> None:
    stage = hedged({"a": [completion()], "b": []})
    stage.sleeps = never
    client = await stage.ask(CHAT)
    assert client.status == 200
    assert booked(stage) == [("a", "first", "settled", 39)]
    assert stage.board.ends == [("a", "ok")]


@pytest.mark.parametrize("body", [CHAT, STREAM])
async def test_a_slow_first_target_loses_to_the_second_and_is_booked_for_what_it_read(body: object) -> None:
    answer = completion() if body is CHAT else streamed(events())
    stage = hedged({"a": [never, completion()], "b": [answer]})
    client = await stage.ask(body)
    assert client.status == 200
    assert client.header(b"x-waypost-provider") == b"b"
    estimate = stage.attempts[0].usage
    assert estimate is not None
    assert booked(stage) == [("a", "first", "unknown", estimate.input), ("b", "hedge", "settled", 39)]
    assert estimate.source == "estimated"
    assert stage.board.ends == [("a", "left"), ("b", "ok")]
    assert stage.slept == [0.8]


async def test_the_first_target_may_still_win() -> None:
    first, second = completion("first"), completion("second")
    stage = hedged({"a": [turns(4), first], "b": [turns(40), second]})
    client = await stage.ask(CHAT)
    assert b"first" in client.body
    assert [(a.provider, a.role, a.state) for a in stage.attempts] == [
        ("b", "hedge", "unknown"),
        ("a", "first", "settled"),
    ]


async def test_a_first_target_that_fails_leaves_the_rest_to_ordinary_failover() -> None:
    stage = hedged({"a": [Unavailable("x")], "b": [completion()]})
    stage.sleeps = never
    client = await stage.ask(CHAT)
    assert client.status == 200
    assert booked(stage)[1][:2] == ("b", "failover")


async def test_when_one_of_two_fails_the_other_is_waited_for() -> None:
    stage = hedged({"a": [turns(30), completion()], "b": [Unavailable("x")]})
    client = await stage.ask(CHAT)
    assert client.header(b"x-waypost-provider") == b"a"
    assert stage.board.ends == [("b", "upstream_unavailable"), ("a", "ok")]


async def test_when_both_fail_the_client_is_told() -> None:
    stage = hedged({"a": [turns(30), Unavailable("x")], "b": [Unavailable("y")]})
    client = await stage.ask(CHAT)
    assert (client.status, error_code(client.body)) == (502, "upstream_unavailable")
    assert [a.state for a in stage.attempts] == ["voided", "voided"]


async def test_money_for_the_second_is_held_or_it_is_not_asked() -> None:
    stage = hedged({"a": [turns(30), completion()], "b": [completion()]})
    stage.ledger.no_more = True
    await stage.ask(CHAT)
    assert [a.provider for a in stage.attempts] == ["a"]


async def test_a_second_target_the_board_closes_is_not_asked() -> None:
    stage = hedged({"a": [turns(30), completion()], "b": []})
    stage.board.closed = {"b"}
    await stage.ask(CHAT)
    assert [a.provider for a in stage.attempts] == ["a"]


async def test_a_client_that_leaves_ends_both() -> None:
    client = RecordingClient()

    async def leave() -> None:
        client.leave()
        await never()

    cancel = {"on_disconnect": "cancel", "retries": 0}
    targets = (target(provider("a", **cancel), priority=1), target(provider("b", **cancel), priority=2))
    stage = Stage({"a": [never], "b": [leave]}, targets=targets)
    stage.planner.hedge_after_s = 0.8
    await stage.ask(CHAT, client)
    assert stage.exchange.outcome == "disconnected"
    assert {a.state for a in stage.attempts} == {"unknown"}
    assert sorted(stage.board.ends) == [("a", "left"), ("b", "left")]


async def test_a_fault_of_our_own_in_one_leg_ends_both_and_is_a_bug() -> None:
    stage = hedged({"a": [never], "b": [Bug("broken")]})
    client = await stage.ask(CHAT)
    assert client.status == 500
    assert not any(stage.board.under_way.values())


def in_flight(stage: Stage) -> list[int]:
    return [stage.limiter.door(each.label).in_flight for each in stage.targets]


@pytest.mark.parametrize("wrong", [{"messages": ["x"]}, {"messages": [{"role": "user"}]}])
async def test_a_body_that_has_no_form_for_the_targets_takes_no_place(wrong: dict[str, object]) -> None:
    claude = {"dialects": ("anthropic_messages",), "retries": 0}
    targets = tuple(target(provider(name, **claude), priority=place) for place, name in enumerate("ab", 1))
    stage = Stage({"a": [], "b": []}, targets=targets)
    stage.planner.hedge_after_s = 0.8
    client = await stage.ask({**CHAT, **wrong})
    assert client.status == 400
    assert in_flight(stage) == [0, 0]


@pytest.mark.parametrize("error", [Rejected("no", status=400), Filtered("no", status=400)])
@pytest.mark.parametrize("begun", [False, True])
async def test_what_is_the_requests_own_ends_the_race(error: UpstreamError, begun: bool) -> None:
    """Whether the second has been asked by then or not."""
    stage = hedged({"a": [turns(30), error] if begun else [error], "b": [turns(90), completion()]})
    if not begun:
        stage.sleeps = never
    client = await stage.ask(CHAT)
    assert (client.status, error_code(client.body)) == (error.status, error.code)
    assert [each.provider for each in stage.attempts] == (["a", "b"] if begun else ["a"])
    assert in_flight(stage) == [0, 0]


async def test_what_was_too_long_goes_to_a_larger_model_alone() -> None:
    small = {"facts": ModelFacts(context=1000)}
    targets = (target(A.provider, priority=1, **small), target(B.provider, priority=2, **small), C)
    stage = Stage({"a": [ContextTooLong("long", status=400)], "b": [], "c": [completion()]}, targets=targets)
    stage.planner.hedge_after_s = 0.8
    stage.sleeps = never
    client = await stage.ask(CHAT)
    assert client.header(b"x-waypost-provider") == b"c"


async def test_a_client_that_leaves_while_the_loser_is_cancelled_leaves_nothing_behind() -> None:
    client = RecordingClient()

    async def stubborn() -> None:
        try:
            await never()
        finally:
            client.leave()
            await turns(5)()

    cancel = {"on_disconnect": "cancel", "retries": 0}
    targets = (target(provider("a", **cancel), priority=1), target(provider("b", **cancel), priority=2))
    stage = Stage({"a": [stubborn], "b": [completion()]}, targets=targets)
    stage.planner.hedge_after_s = 0.8
    await stage.ask(CHAT, client)
    assert stage.exchange.outcome == "disconnected"
    assert in_flight(stage) == [0, 0]
    assert sorted(stage.board.ends) == [("a", "left"), ("b", "left")]


@pytest.mark.parametrize(("retries", "asked"), [(0, ["a", "b"]), (1, ["a", "a"])])
async def test_a_winner_whose_answer_is_of_no_use_has_not_ended_it(retries: int, asked: list[str]) -> None:
    first = target(provider("a", retries=retries), priority=1)
    good = completion('{"n":1}')
    stage = Stage({"a": [completion('{"n":"one"}'), good], "b": [good]}, targets=(first, B))
    stage.planner.hedge_after_s = 0.8
    stage.sleeps = never
    client = await stage.ask(SHAPED)
    assert client.status == 200
    assert [each.provider for each in stage.attempts] == asked
    assert [each.cost_nusd for each in stage.attempts] == [39, 39]
