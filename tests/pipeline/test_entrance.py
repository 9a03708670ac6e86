"""A place at a target, in turn, and what is told when it is left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from transcript import CHAT, RecordingClient, Stage, completion, error_code, provider, target
from waypost.config.snapshot import Route
from waypost.errors import Throttled, Unavailable

ONE = provider("a", key_name="k", key_concurrency=1, retries=0)
OTHER = provider("b")


def gate() -> tuple[asyncio.Event, Callable[[], Awaitable[None]]]:
    opened = asyncio.Event()

    async def wait() -> None:
        await opened.wait()

    return opened, wait


async def test_a_target_with_as_much_as_it_takes_leaves_the_request_to_the_next() -> None:
    opened, wait = gate()
    stage = Stage(
        {"a": [wait, completion("slow")], "b": [completion("quick")]},
        targets=(target(ONE, priority=1), target(OTHER, priority=2)),
    )
    first = asyncio.ensure_future(stage.pipeline.run(stage.call(CHAT, number=1)))
    await asyncio.sleep(0)
    await stage.pipeline.run(stage.call(CHAT, number=2))
    opened.set()
    await first
    by_id = {each.exchange_id: each.attempts[0].provider for each in stage.ledger.settled}
    assert by_id == {"x1": "a", "x2": "b"}


async def test_when_all_are_busy_a_request_waits_for_its_turn() -> None:
    opened, wait = gate()
    stage = Stage({"a": [wait, completion(), completion()]}, targets=(target(ONE),))
    first = asyncio.ensure_future(stage.pipeline.run(stage.call(CHAT, number=1)))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(stage.pipeline.run(stage.call(CHAT, number=2)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert (len(stage.waiting), len(stage.upstream.sent)) == (1, 1)
    opened.set()
    await asyncio.gather(first, second)
    assert [each.outcome for each in stage.ledger.settled] == ["ok", "ok"]
    assert len(stage.waiting) == 0


async def test_it_is_crowded_while_any_target_has_a_limit_or_a_line() -> None:
    stage = Stage([completion()], targets=(target(OTHER),))
    await stage.pipeline.run(stage.call(CHAT))
    assert not stage.entrance.crowded()
    stage = Stage({"a": [completion()]}, targets=(target(ONE),))
    await stage.pipeline.run(stage.call(CHAT))
    assert stage.entrance.crowded()


async def test_one_that_waits_and_leaves_gives_up_its_place() -> None:
    opened, wait = gate()
    stage = Stage({"a": [wait, completion(), completion()]}, targets=(target(ONE),))
    first = asyncio.ensure_future(stage.pipeline.run(stage.call(CHAT, number=1)))
    await asyncio.sleep(0)
    client = RecordingClient()
    waiting = stage.call(CHAT, client, number=2)
    second = asyncio.ensure_future(stage.pipeline.run(waiting))
    for _ in range(5):
        await asyncio.sleep(0)
    client.leave()
    await second
    assert len(stage.waiting) == 0
    opened.set()
    await first
    await stage.pipeline.run(stage.call(CHAT, number=3))
    outcomes = {each.exchange_id: each.outcome for each in stage.ledger.settled}
    assert outcomes == {"x1": "ok", "x2": "disconnected", "x3": "ok"}


async def test_places_are_given_back_whatever_becomes_of_the_attempt() -> None:
    script = [Unavailable("down"), Throttled("429"), completion(), RuntimeError("ours"), completion()]
    stage = Stage({"a": script}, targets=(target(ONE),))
    for number in range(5):
        await stage.ask(CHAT, number=number)
    assert [each.outcome for each in stage.ledger.settled] == ["failed", "failed", "ok", "failed", "ok"]
    assert not stage.limiter.busy("a#k/m1", stage.clock.now)


async def test_a_place_that_the_board_does_not_let_use_is_given_back() -> None:
    stage = Stage({"a": [completion()]}, targets=(target(ONE),))
    stage.board.closed = {"a"}
    client = await stage.ask(CHAT, number=1)
    assert (client.status, error_code(client.body)) == (503, "all_targets_down")
    stage.board.closed = set()
    client = await stage.ask(CHAT, number=2)
    assert client.status == 200


async def test_a_place_that_came_too_late_is_given_back() -> None:
    opened, wait = gate()
    stage = Stage({"a": [wait, completion(), completion()]}, targets=(target(ONE),))
    first = asyncio.ensure_future(stage.pipeline.run(stage.call(CHAT, number=1)))
    await asyncio.sleep(0)
    client = RecordingClient()
    waiting = stage.call(CHAT, client, headers={b"x-waypost-deadline": b"1"}, number=2)
    second = asyncio.ensure_future(stage.pipeline.run(waiting))
    for _ in range(5):
        await asyncio.sleep(0)
    stage.clock.advance(0.995)
    opened.set()
    await asyncio.gather(first, second)
    assert (client.status, error_code(client.body)) == (504, "upstream_timeout")
    assert stage.limiter.door("a#k/m1").in_flight == 0
    await stage.pipeline.run(stage.call(CHAT, number=3))
    assert stage.ledger.settled[-1].outcome == "ok"


async def test_what_never_began_is_none_of_the_minutes_requests() -> None:
    limited = provider("a", key_name="k", key_rpm=2, retries=0)
    stage = Stage({"a": [completion(), completion()]}, targets=(target(limited),))
    stage.board.closed = {"a"}
    for number in range(5):
        client = await stage.ask(CHAT, number=number)
        assert error_code(client.body) == "all_targets_down"
    stage.board.closed = set()
    for number in range(5, 7):
        assert (await stage.ask(CHAT, number=number)).status == 200
    assert stage.limiter.busy("a#k/m1", stage.clock.now)


async def test_limits_that_are_taken_out_of_the_configuration_hold_no_longer() -> None:
    limited, free = provider("a", key_name="k", key_rpm=1), provider("a", key_name="k")
    stage = Stage({"a": [completion(), completion()]}, targets=(target(limited),))
    await stage.ask(CHAT, number=1)
    assert stage.limiter.busy("a#k/m1", stage.clock.now)
    routes = {"fast": Route(name="fast", targets=(target(free),))}
    stage.snapshot = msgspec.structs.replace(stage.snapshot, routes=routes)
    assert (await stage.ask(CHAT, number=2)).status == 200
