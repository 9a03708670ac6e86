"""What is tried, in which order, how often, and what the board of health hears of it."""

from __future__ import annotations

import asyncio

from transcript import (
    CHAT,
    STREAM,
    FakeClock,
    RecordingClient,
    ScriptedAnswer,
    Stage,
    completion,
    error_code,
    events,
    provider,
    streamed,
    target,
)
from waypost.dialects.lane import SameLane
from waypost.dialects.registry import DIALECTS
from waypost.errors import (
    TimedOut,
    Truncated,
    Unavailable,
)

LANE = SameLane(DIALECTS["openai_chat"])
A, B, C = (target(provider(name), priority=place) for place, name in enumerate(("a", "b", "c"), 1))


def tried(stage: Stage) -> list[tuple[str, str]]:
    return [(attempt.provider, attempt.role) for attempt in stage.attempts]


async def test_every_attempt_passes_the_board_which_hears_how_it_went() -> None:
    stage = Stage([Unavailable("x"), Unavailable("x"), completion()], targets=(A, B))
    client = await stage.ask(CHAT)
    assert client.status == 200
    assert tried(stage) == [("a", "first"), ("a", "retry"), ("b", "failover")]
    assert stage.board.ends == [
        ("a", "upstream_unavailable"),
        ("a", "upstream_unavailable"),
        ("b", "ok"),
    ]


async def test_a_target_the_board_closes_is_not_asked() -> None:
    stage = Stage([completion()], targets=(A, B))
    stage.board.closed = {"a"}
    await stage.ask(CHAT)
    assert tried(stage) == [("b", "first")]


async def test_when_all_are_closed_the_client_is_told_at_once() -> None:
    stage = Stage([], targets=(A, B))
    stage.board.closed = {"a", "b"}
    client = await stage.ask(CHAT)
    assert (client.status, error_code(client.body)) == (503, "all_targets_down")
    assert stage.upstream.sent == []


async def test_without_room_in_the_retry_budget_the_next_target_is_asked_at_once() -> None:
    stage = Stage([Unavailable("x"), completion()], targets=(A, B))
    stage.board.retries = 0
    await stage.ask(CHAT)
    assert tried(stage) == [("a", "first"), ("b", "failover")]
    assert stage.slept == []


async def test_when_the_time_is_over_nothing_more_is_begun() -> None:
    clock: list[FakeClock] = []

    async def slow() -> None:
        clock[0].advance(1e9)

    stage = Stage([slow, TimedOut("late", phase="first_byte")], targets=(A, B))
    clock.append(stage.clock)
    client = await stage.ask(CHAT)
    assert (client.status, error_code(client.body)) == (504, "upstream_timeout")
    assert tried(stage) == [("a", "first")]


async def test_the_exchanges_own_deadline_is_not_held_against_the_target() -> None:
    stage = Stage([TimedOut("late", phase="total")], targets=(A,))

    async def late() -> None:
        stage.clock.advance(1000.0)

    stage.upstream.script.insert(0, late)
    client = await stage.ask(CHAT)
    assert client.status == 504
    assert stage.board.ends == [("a", "left")]


async def test_a_client_that_leaves_costs_the_target_nothing_of_its_name() -> None:
    gone = RecordingClient()

    async def leave() -> None:
        gone.leave()
        await asyncio.sleep(0)

    stage = Stage([leave, completion()], targets=(target(provider("a", on_disconnect="cancel")),))
    await stage.ask(CHAT, gone)
    assert stage.board.ends == [("a", "left")]


async def test_a_stream_that_breaks_is_a_failure_of_its_target() -> None:
    stage = Stage([streamed([*events()[:3], Truncated("cut")])], targets=(A, B))
    await stage.ask(STREAM)
    assert stage.board.ends == [("a", "upstream_truncated")]
    assert tried(stage) == [("a", "first")]


async def test_content_that_one_target_has_no_form_for_goes_to_the_next() -> None:
    other = target(provider("x", dialects=("anthropic_messages",)), priority=1)
    stage = Stage([completion()], targets=(other, target(provider("y"), priority=2)))
    audio = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    client = await stage.ask({"model": "fast", "messages": [{"role": "user", "content": [audio]}]})
    assert client.status == 200
    assert [attempt.provider for attempt in stage.attempts] == ["y"]
    assert stage.board.ends == [("x", "left"), ("y", "ok")]


async def test_content_that_no_target_has_a_form_for_is_refused_with_its_name() -> None:
    stage = Stage([], targets=(target(provider("x", dialects=("anthropic_messages",))),))
    audio = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    client = await stage.ask({"model": "fast", "messages": [{"role": "user", "content": [audio]}]})
    assert (client.status, error_code(client.body)) == (400, "unrepresentable")


async def test_an_answer_that_is_not_wanted_is_let_go() -> None:
    refused = ScriptedAnswer(503, b"{}")
    stage = Stage([refused, refused, completion()], targets=(A, B))
    await stage.ask(CHAT)
    assert refused.closed
