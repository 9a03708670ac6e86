"""Requests that share an answer, when some of them leave or are ended."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.crowd import Crowd, Door
from transcript import (
    CHAT,
    DONE,
    ROLE,
    STREAM,
    Stage,
    chunk,
    completion,
    error_code,
    events,
    provider,
    streamed,
    target,
)


class SlowToClose(Door):
    """An upstream that takes a while to be cancelled."""

    async def __call__(self) -> None:
        try:
            await super().__call__()
        except asyncio.CancelledError:
            for _ in range(5):
                await asyncio.sleep(0)
            raise


@pytest.mark.parametrize("on_disconnect", ["drain", "cancel"])
@pytest.mark.parametrize("body", [CHAT, STREAM], ids=["whole", "stream"])
async def test_the_first_one_leaves_and_the_others_get_their_answer(body, on_disconnect):
    door = Door()
    answer = [streamed([ROLE, chunk({"content": "one"}), door, *events()[1:]])]
    stage = Stage(
        [door, completion()] if body is CHAT else answer, (target(provider(on_disconnect=on_disconnect)),)
    )
    crowd = Crowd(stage)
    first, second = crowd.ask(body), crowd.ask(body)
    await crowd.until()
    first.leave()
    await crowd.until()
    door.opened.set()
    await crowd.all()

    assert second.status == 200
    assert second.finished
    assert len(stage.upstream.sent) == 1
    assert crowd.records()["x2"].outcome == "ok"
    assert len(stage.replays.rows) == 1


async def test_when_all_have_left_it_ends_as_it_would_without_others():
    door = Door()
    stage = Stage([door, completion()], (target(provider(on_disconnect="cancel")),))
    crowd = Crowd(stage)
    first, second = crowd.ask(), crowd.ask()
    await crowd.until()
    first.leave()
    await crowd.until()
    assert not crowd.tasks[0].done(), "the second one waits for it"
    second.leave()
    await crowd.all()

    records = crowd.records()
    assert [records[each].outcome for each in ("x1", "x2")] == ["disconnected"] * 2
    assert [records[each].attempts != () for each in ("x1", "x2")] == [True, False]
    assert stage.replays.rows == {}


async def test_an_answer_that_was_read_to_its_end_for_nobody_is_kept_for_the_next_try():
    door = Door()
    stage = Stage([streamed([ROLE, chunk({"content": "one"}), door, *events()[1:]])])
    crowd = Crowd(stage)
    first = crowd.ask(STREAM)
    await crowd.until()
    first.leave()
    await crowd.until()
    door.opened.set()
    await crowd.all()
    assert crowd.records()["x1"].outcome == "disconnected"
    again = crowd.ask(STREAM)
    await crowd.all()

    assert again.body.startswith(first.body)
    assert again.body.endswith(DONE)
    assert len(stage.upstream.sent) == 1


async def test_one_who_comes_back_calls_off_the_end_of_an_answer_that_nobody_waited_for():
    door = Door()
    stage = Stage([streamed([ROLE, chunk({"content": "one"}), door, *events()[1:]])])
    crowd = Crowd(stage)
    first = crowd.ask(STREAM)
    await crowd.until()
    first.leave()
    (live,) = stage.pipeline._live
    limit = live.drain_limit
    assert limit is not None
    again = crowd.ask(STREAM)
    await crowd.until()
    assert limit.cancelled()
    assert live.drain_limit is None
    door.opened.set()
    await crowd.all()
    assert again.body.endswith(DONE)


@pytest.mark.parametrize("door", [Door(), SlowToClose()], ids=["at once", "slowly"])
async def test_who_joins_one_that_is_being_ended_becomes_the_first(door):
    stage = Stage([door, completion("Hello")], (target(provider(on_disconnect="cancel")),))
    crowd = Crowd(stage)
    first = crowd.ask()
    await crowd.until()
    first.leave()
    second = crowd.ask()
    third = crowd.ask()
    await crowd.all()

    assert (second.status, third.status) == (200, 200)
    assert second.header(b"x-waypost-replayed") is None
    assert third.header(b"x-waypost-original-request-id") == b"x2"
    assert second.body == third.body
    assert len(stage.upstream.sent) == 2


async def test_a_follower_that_leaves_harms_nobody():
    door = Door()
    stage = Stage([streamed([ROLE, chunk({"content": "one"}), door, *events()[1:]])])
    crowd = Crowd(stage)
    first, second = crowd.ask(STREAM), crowd.ask(STREAM)
    await crowd.until()
    second.leave()
    await crowd.until()
    assert crowd.tasks[1].done()
    door.opened.set()
    await crowd.all()

    assert first.body.endswith(DONE)
    assert crowd.records()["x2"].outcome == "disconnected"


async def test_a_shutdown_ends_all_with_an_error_inside_the_stream():
    stage = Stage([streamed([ROLE, chunk({"content": "one"}), Door()])])
    crowd = Crowd(stage)
    for _ in range(3):
        crowd.ask(STREAM)
    await crowd.until()
    stage.pipeline.abort_all()
    await crowd.all()

    assert all(b"draining" in client.body and client.finished for client in crowd.clients)
    assert stage.replays.rows == {}
    assert stage.pipeline._once.under_way == 0


async def test_a_first_one_that_is_cancelled_from_outside_leaves_its_place_to_the_next():
    stage = Stage([Door(), completion("Hello")])
    crowd = Crowd(stage)
    crowd.ask()
    second = crowd.ask()
    await crowd.until()
    crowd.tasks[0].cancel()
    await crowd.until()
    await asyncio.gather(crowd.tasks[1])

    assert second.status == 200
    assert stage.pipeline._once.under_way == 0


async def test_a_stream_whose_first_one_is_cancelled_is_not_called_complete():
    stage = Stage([streamed([ROLE, chunk({"content": "one"}), Door()])])
    crowd = Crowd(stage)
    crowd.ask(STREAM)
    second = crowd.ask(STREAM)
    await crowd.until()
    crowd.tasks[0].cancel()
    await asyncio.gather(crowd.tasks[1])

    assert b"upstream_truncated" in second.body
    assert DONE not in second.body
    assert crowd.records()["x2"].outcome == "cut"


async def test_too_long_to_be_joined(monkeypatch):
    monkeypatch.setattr("waypost.pipeline.shared.JOINABLE_BYTES", 400)
    early, door = Door(), Door()
    words = [chunk({"content": "word"}) for _ in range(9)]
    stage = Stage([early, streamed([ROLE, *words, door, *events()[-3:]])])
    crowd = Crowd(stage)
    first, second = crowd.ask(STREAM), crowd.ask(STREAM)
    await crowd.until()
    early.opened.set()
    await crowd.until()
    third = crowd.ask(STREAM)
    await crowd.until()
    door.opened.set()
    await crowd.all()

    assert (third.status, error_code(third.body)) == (503, "overloaded")
    assert second.body == first.body
    assert first.body.endswith(DONE)
    assert stage.replays.rows == {}
