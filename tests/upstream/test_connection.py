"""One connection on a fake transport: writes, reuse, deadlines, cancellation."""

from __future__ import annotations

import asyncio

import pytest

from upstream.wire import BODY, HEAD, OK, SSE, Lane, sized
from waypost.core.origin import Deadlines
from waypost.errors import TimedOut, Unavailable


async def test_the_request_is_one_write_and_the_connection_goes_back() -> None:
    lane = Lane()
    for _ in range(3):
        task = await lane.ask()
        lane.connection.data_received(OK)
        answer = await task
        assert answer is not None
        assert answer.body == b"hi"
    assert lane.transport.written == (HEAD + BODY) * 3
    assert lane.given_back == 3
    assert lane.timeline.count == 1  # one timer for all of them
    big = b"x" * 200_000
    await lane.ask(body=big)
    assert lane.transport.written.endswith(HEAD + big)


@pytest.mark.parametrize(
    "reply",
    [
        OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"),
        OK.replace(b"1.1", b"1.0"),
        OK + b"more",
    ],
)
async def test_a_connection_that_can_not_be_trusted_is_closed(reply: bytes) -> None:
    lane = Lane()
    task = await lane.ask()
    lane.connection.data_received(reply)
    assert (await task).status == 200  # type: ignore[union-attr]
    assert lane.transport.aborted
    assert not lane.given_back


async def test_an_early_answer_is_given_but_the_connection_is_not_reused() -> None:
    lane = Lane()
    lane.transport.buffered = 5000  # the request is not wholly written
    task = await lane.ask()
    lane.connection.data_received(OK.replace(b"200 OK", b"413 Too Large"))
    assert (await task).status == 413  # type: ignore[union-attr]
    assert lane.transport.aborted


async def test_bytes_on_an_idle_connection_close_it() -> None:
    lane = Lane()
    task = await lane.ask()
    lane.connection.data_received(OK)
    await task
    lane.connection.data_received(OK)
    assert lane.transport.aborted
    assert lane.connection.closed


async def test_a_dead_reused_connection_is_told_from_a_provider_that_gave_up() -> None:
    for later, reused, expected in ((0.1, True, "again"), (30.0, True, "failed"), (0.1, False, "failed")):
        lane = Lane()
        if reused:
            task = await lane.ask()
            lane.connection.data_received(OK)
            await task
        task = await lane.ask()
        lane.timeline.advance(later)
        lane.connection.connection_lost(None)
        if expected == "again":
            assert await task is None
            continue
        with pytest.raises(Unavailable) as caught:
            await task
        assert caught.value.may_have_billed


DEADLINES = Deadlines(first_byte_s=10.0, idle_s=5.0, total_s=100.0)


@pytest.mark.parametrize("stream", [False, True])
async def test_first_byte_deadline(stream: bool) -> None:
    lane = Lane()
    task = await lane.ask(deadlines=DEADLINES, stream=stream)
    lane.timeline.advance(9.9)
    assert not task.done()
    await asyncio.sleep(0)
    assert not task.done()
    lane.timeline.advance(0.2)
    with pytest.raises(TimedOut) as caught:
        await task
    assert (caught.value.phase, caught.value.may_have_billed) == ("first_byte", True)
    assert lane.transport.aborted


async def test_a_head_alone_does_not_stop_the_first_byte_deadline() -> None:
    lane = Lane()
    task = await lane.ask(deadlines=DEADLINES, stream=True)
    lane.connection.data_received(SSE)
    answer = await task
    assert answer is not None
    lane.timeline.advance(6)
    reading = asyncio.ensure_future(answer.next())
    await asyncio.sleep(0)
    lane.timeline.advance(4.1)
    with pytest.raises(TimedOut) as caught:
        await reading
    assert caught.value.phase == "first_byte"


async def test_write_deadline_when_the_request_is_stuck() -> None:
    lane = Lane()
    task = await lane.ask(deadlines=DEADLINES)
    lane.transport.buffered = 1000
    lane.timeline.advance(11)
    with pytest.raises(TimedOut) as caught:
        await task
    assert (caught.value.phase, caught.value.may_have_billed) == ("write", False)


async def test_idle_deadline_of_a_whole_answer() -> None:
    lane = Lane()
    task = await lane.ask(deadlines=DEADLINES)
    lane.connection.data_received(sized(b"x" * 10)[:-5])
    lane.timeline.advance(4)
    lane.connection.data_received(b"x")
    lane.timeline.advance(4)
    await asyncio.sleep(0)
    assert not task.done()
    lane.timeline.advance(2)
    with pytest.raises(TimedOut) as caught:
        await task
    assert caught.value.phase == "idle"


async def test_idle_deadline_runs_only_while_somebody_waits() -> None:
    lane = Lane()
    task = await lane.ask(deadlines=DEADLINES, stream=True)
    lane.connection.data_received(SSE + b"2\r\nab\r\n")
    answer = await task
    assert answer is not None
    assert await answer.next() == b"ab"
    lane.timeline.advance(50)  # a slow client, not a slow provider
    reading = asyncio.ensure_future(answer.next())
    await asyncio.sleep(0)
    lane.timeline.advance(4)
    lane.connection.data_received(b"1\r\nc\r\n")
    assert await reading == b"c"
    lane.timeline.advance(20)
    assert not lane.connection.closed
    reading = asyncio.ensure_future(answer.next())
    await asyncio.sleep(0)
    lane.timeline.advance(5.1)
    with pytest.raises(TimedOut) as caught:
        await reading
    assert caught.value.phase == "idle"


async def test_total_deadline_ends_a_lively_stream_and_an_abandoned_one() -> None:
    for reads in (True, False):
        lane = Lane()
        task = await lane.ask(deadlines=DEADLINES, stream=True)
        lane.connection.data_received(SSE + b"1\r\nc\r\n")
        answer = await task
        assert answer is not None
        for _ in range(26):
            if reads and not lane.transport.aborted:
                assert await answer.next() == b"c"
            lane.timeline.advance(4)
            if not lane.transport.aborted:
                lane.connection.data_received(b"1\r\nc\r\n")
        assert lane.connection.closed
        if not reads:
            assert await answer.next()  # what came in time is still there
        with pytest.raises(TimedOut) as caught:
            await answer.next()
        assert caught.value.phase == "total"


@pytest.mark.parametrize("stream", [False, True])
async def test_cancelled_send_closes(stream: bool) -> None:
    lane = Lane()
    task = await lane.ask(stream=stream)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert lane.transport.aborted
    assert lane.connection.closed


async def test_answered_and_cancelled_in_the_same_turn() -> None:
    for reply, closed in ((OK, False), (SSE, True)):
        lane = Lane()
        task = await lane.ask(stream=True)
        lane.connection.data_received(reply)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert lane.transport.aborted is closed  # a whole answer's connection may serve someone else by now


@pytest.mark.parametrize("reply", [OK, SSE, SSE + b"2\r\nab\r\n"])
async def test_cancelled_and_then_answered_in_the_same_turn(reply: bytes) -> None:
    lane = Lane()
    task = await lane.ask(stream=True)
    task.cancel()
    lane.connection.data_received(reply)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert lane.transport.aborted


async def test_a_connection_that_closed_before_its_request() -> None:
    lane = Lane()
    lane.connection.connection_lost(None)
    with pytest.raises(Unavailable) as caught:
        await (await lane.ask())
    assert not caught.value.may_have_billed
    lane = Lane()
    task = await lane.ask()
    lane.connection.data_received(OK)
    await task
    lane.connection.connection_lost(None)
    assert await (await lane.ask()) is None
    assert lane.gone == 1
