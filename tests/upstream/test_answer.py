"""Streamed answers: queue, back-pressure, close, cancellation."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import examples
from upstream.conftest import MakeClient, MakeServer
from upstream.wire import (
    BODY,
    HEAD,
    HOLD,
    SSE,
    Lane,
    chunked,
    settled,
    until,
)
from waypost.core.origin import Deadlines
from waypost.errors import TimedOut, Truncated, UpstreamError
from waypost.upstream.answer import StreamedAnswer
from waypost.upstream.limits import Limits


async def test_what_arrived_is_joined_and_comes_without_a_turn_of_the_loop() -> None:
    lane = Lane()
    task = await lane.ask(stream=True)
    lane.connection.data_received(SSE)
    answer = await task
    assert answer is not None
    for letter in (b"a", b"b", b"c"):
        lane.connection.data_received(b"1\r\n" + letter + b"\r\n")
    step = answer.next()
    with pytest.raises(StopIteration) as stopped:
        step.send(None)
    assert stopped.value.value == b"abc"


async def test_back_pressure_stops_reading_and_starts_it_again() -> None:
    lane = Lane(Limits(queue_bytes=1000))
    task = await lane.ask(stream=True)
    lane.connection.data_received(SSE)
    answer = await task
    assert answer is not None
    piece = b"64\r\n" + b"x" * 100 + b"\r\n"
    sent = 0
    while lane.transport.reading:
        lane.connection.data_received(piece)
        sent += 1
        assert sent < 20
    assert sent == 11
    lane.connection.data_received(piece)  # what was under way already
    assert lane.transport.pauses == 1
    assert len(await answer.next()) == 1200
    assert lane.transport.reading


async def test_a_stream_and_back_pressure_over_a_socket(client: MakeClient, serve: MakeServer) -> None:
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    server = await serve(["request", SSE, *[piece] * 100, b"0\r\n\r\n", HOLD])
    upstream = client()
    answer = await upstream.send(server.origin(), HEAD, BODY, Deadlines(), stream=True)
    assert isinstance(answer, StreamedAnswer)
    await until(lambda: answer.paused)
    assert answer.queued <= 1024 * 1024
    read = 0
    while data := await answer.next():
        read += len(data)
    assert read == 6_553_600
    await settled(upstream, idle=1, in_use=0)


async def test_closing_a_stream_closes_the_socket(client: MakeClient, serve: MakeServer) -> None:
    server = await serve(["request", SSE, b"1\r\nx\r\n", HOLD])
    upstream = client()
    answer = await upstream.send(server.origin(), HEAD, BODY, Deadlines(), stream=True)
    assert await answer.next() == b"x"
    answer.close()
    await settled(upstream, open=0)


async def test_cancelled_next_closes() -> None:
    lane = Lane()
    task = await lane.ask(stream=True)
    lane.connection.data_received(SSE)
    answer = await task
    assert answer is not None
    reading = asyncio.ensure_future(answer.next())
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert lane.transport.aborted


async def test_close_of_an_answer() -> None:
    lane = Lane()
    task = await lane.ask(stream=True)
    lane.connection.data_received(SSE + b"2\r\nab\r\n")
    answer = await task
    assert answer is not None
    answer.close()
    answer.close()
    assert lane.transport.aborted
    with pytest.raises(Truncated):
        await answer.next()
    lane = Lane()
    task = await lane.ask(stream=True)
    lane.connection.data_received(SSE + chunked(b"ab"))
    answer = await task
    assert answer is not None
    answer.close()
    assert not lane.transport.aborted
    assert lane.given_back == 1


async def test_an_end_that_comes_while_the_socket_rests_leaves_it_readable() -> None:
    lane = Lane(Limits(queue_bytes=10))
    task = await lane.ask(stream=True)
    lane.connection.data_received(SSE + b"14\r\n" + b"x" * 20 + b"\r\n")
    assert not lane.transport.reading
    lane.connection.data_received(b"0\r\n\r\n")  # TLS may hand on what it had already decrypted
    assert lane.given_back == 1
    assert lane.transport.reading
    answer = await task
    assert answer is not None
    assert await answer.next() == b"x" * 20
    assert await answer.next() == b""


async def pumping(lane: Lane, deliver: Callable[[bytes], bool]) -> tuple[StreamedAnswer, asyncio.Task[bool]]:
    """A streamed answer whose pieces go to `deliver`."""
    task = await lane.ask(stream=True)
    lane.connection.data_received(SSE)
    answer = await task
    assert isinstance(answer, StreamedAnswer)
    pump = asyncio.ensure_future(answer.pump(deliver))
    await asyncio.sleep(0)
    return answer, pump


def piece(text: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(text), text)


async def test_pumped_pieces_arrive_in_the_same_turn_and_the_end_is_told() -> None:
    lane, seen = Lane(), list[bytes]()
    answer, pump = await pumping(lane, lambda data: seen.append(data) is None)
    for letter in (b"a", b"b"):
        lane.connection.data_received(piece(letter))
        assert seen[-1] == letter, "without a turn of the loop"
    assert answer.queued == 0
    lane.connection.data_received(b"0\r\n\r\n")
    assert await pump is False
    assert seen == [b"a", b"b"]
    assert not lane.connection.closed, "its connection can serve again"


async def test_a_receiver_that_wants_no_more_gets_the_rest_later_in_order() -> None:
    lane, seen = Lane(), list[bytes]()

    def one(data: bytes) -> bool:
        seen.append(data)
        return False

    answer, pump = await pumping(lane, one)
    lane.connection.data_received(piece(b"a"))
    lane.connection.data_received(piece(b"b"))
    lane.connection.data_received(piece(b"c"))
    assert await pump is True
    assert await answer.pump(one) is True
    assert seen == [b"a", b"bc"], "what came meanwhile was kept"
    lane.connection.data_received(b"0\r\n\r\n")
    assert await answer.pump(one) is False


def taken(frames: list[bytes]) -> Callable[[bytes, int], bool]:
    """Takes every frame, and keeps its data."""

    def take(data: bytes, start: int) -> bool:
        frames.append(data[start:-2])
        return True

    return take


async def framing(
    lane: Lane, deliver: Callable[[bytes], bool], take: Callable[[bytes, int], bool], head: bytes = SSE
) -> asyncio.Task[bool]:
    """Begin to pump a stream whose whole chunks are offered to `take`."""
    task = await lane.ask(stream=True)
    lane.connection.data_received(head)
    answer = await task
    assert isinstance(answer, StreamedAnswer)
    pump = asyncio.ensure_future(answer.pump(deliver, take))
    await asyncio.sleep(0)
    lane.connection.data_received(piece(b"first"))  # what comes after is between two chunks
    return pump


@pytest.mark.parametrize(
    ("data", "offered"),
    [
        (piece(b"x" * 300), True),
        (b"12C\r\n" + b"x" * 300 + b"\r\n", True),
        (piece(b"x" * 4095), True),
        (piece(b"x" * 4096), False),
        (b"012c\r\n" + b"x" * 300 + b"\r\n", False),
        (b"12c;a=b\r\n" + b"x" * 300 + b"\r\n", False),
        (piece(b"a") + piece(b"b"), False),
        (piece(b"a") + b"1", False),
    ],
)
async def test_only_a_plain_whole_chunk_is_offered_as_it_came(data: bytes, offered: bool) -> None:
    lane, frames, pieces = Lane(), list[bytes](), list[bytes]()
    pump = await framing(lane, lambda each: pieces.append(each) is None, taken(frames))
    lane.connection.data_received(data)
    assert bool(frames) is offered
    assert len(pieces) == (1 if offered else 2), "the other way, once"
    lane.connection.data_received(b"\r\nc\r\n0\r\n\r\n" if data.endswith(b"1") else b"0\r\n\r\n")
    assert await pump is False
    assert not lane.connection.closed


@pytest.mark.parametrize("size", [b"+5", b"-5", b"0x5", b" 5", b"5 ", b"1_0", b"", b"g"])
async def test_a_size_that_is_none_ends_the_stream_as_without_frames(size: bytes) -> None:
    lane, frames = Lane(), list[bytes]()
    pump = await framing(lane, lambda data: True, taken(frames))
    lane.connection.data_received(size + b"\r\n" + b"x" * 5 + b"\r\n")
    lane.connection.connection_lost(None)
    with pytest.raises(UpstreamError):
        await pump
    assert frames == []


@pytest.mark.parametrize("head", [b"content-encoding: gzip\r\n", b""])
async def test_a_compressed_or_unchunked_stream_is_never_offered(head: bytes) -> None:
    lane, frames = Lane(), list[bytes]()
    start = SSE if head else SSE.replace(b"transfer-encoding: chunked\r\n", b"")
    task = await lane.ask(stream=True)
    lane.connection.data_received(start[:-2] + head + b"\r\n")
    answer = await task
    assert isinstance(answer, StreamedAnswer)
    pump = asyncio.ensure_future(answer.pump(lambda data: True, taken(frames)))
    await asyncio.sleep(0)
    packed = gzip.compress(b"a" * 10)
    for _ in range(2):
        lane.connection.data_received(piece(packed) if head else b"5\r\nhello\r\n")
    answer.close()
    with pytest.raises(UpstreamError):
        await pump
    assert frames == []


@settings(max_examples=examples(150), deadline=None)
@given(
    texts=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=12),
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=40),
    whole=st.booleans(),
    moods=st.lists(st.booleans(), min_size=1, max_size=12),
)
def test_frames_and_pieces_together_are_the_body_however_it_is_cut(
    texts: list[bytes], sizes: list[int], whole: bool, moods: list[bool]
) -> None:
    """Cut anywhere or at chunks only, with a taker that refuses some: nothing is lost, doubled or out of order."""

    async def main() -> None:
        lane, body, turn = Lane(), list[bytes](), 0

        def moody(data: bytes, start: int) -> bool:
            nonlocal turn
            turn += 1
            if moods[turn % len(moods)]:
                body.append(data[start:-2])
                return True
            return False

        pump = await framing(lane, lambda data: body.append(data) is None, moody)
        if whole:
            cuts = [*map(piece, texts), b"0\r\n\r\n"]
        else:
            wire, cuts, number = b"".join(map(piece, texts)) + b"0\r\n\r\n", [], 0
            while wire:
                size = sizes[number % len(sizes)]
                number += 1
                cuts.append(wire[:size])
                wire = wire[size:]
        for cut in cuts:
            lane.connection.data_received(cut)
        assert await pump is False
        assert b"".join(body) == b"first" + b"".join(texts)
        assert not lane.connection.closed

    asyncio.run(main())


async def test_what_the_taker_raises_is_the_takers() -> None:
    def broken(data: bytes, start: int) -> bool:
        raise ValueError("of the taker")

    lane = Lane()
    pump = await framing(lane, lambda data: True, broken)
    lane.connection.data_received(piece(b"a"))
    lane.connection.data_received(piece(b"b"))
    with pytest.raises(ValueError, match="of the taker"):
        await pump


async def test_the_idle_deadline_runs_anew_with_each_frame() -> None:
    lane, frames = Lane(), list[bytes]()
    deadlines = Deadlines(first_byte_s=100, idle_s=10, total_s=1000)
    task = await lane.ask(deadlines=deadlines, stream=True)
    lane.connection.data_received(SSE + piece(b"first"))
    answer = await task
    assert isinstance(answer, StreamedAnswer)
    pump = asyncio.ensure_future(answer.pump(lambda data: True, taken(frames)))
    await asyncio.sleep(0)
    for _ in range(5):
        lane.timeline.advance(9)
        lane.connection.data_received(piece(b"a"))
        assert not pump.done()
    assert len(frames) == 5
    lane.timeline.advance(11)
    with pytest.raises(TimedOut) as late:
        await pump
    assert late.value.phase == "idle"


async def test_a_pump_fails_with_the_stream() -> None:
    lane = Lane()
    _, pump = await pumping(lane, lambda data: True)
    lane.connection.data_received(piece(b"a"))
    lane.connection.connection_lost(None)
    with pytest.raises(Truncated):
        await pump


async def test_what_the_receiver_raises_is_the_receivers() -> None:
    lane = Lane()

    def broken(data: bytes) -> bool:
        raise ValueError("of the receiver")

    answer, pump = await pumping(lane, broken)
    lane.connection.data_received(piece(b"a"))
    with pytest.raises(ValueError, match="of the receiver"):
        await pump
    answer.close()


async def test_cancelling_a_pump_closes_the_connection() -> None:
    lane = Lane()
    _, pump = await pumping(lane, lambda data: True)
    pump.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pump
    assert lane.connection.closed


async def test_the_idle_deadline_runs_anew_with_each_pumped_piece() -> None:
    lane = Lane()
    deadlines = Deadlines(first_byte_s=100, idle_s=10, total_s=1000)
    task = await lane.ask(deadlines=deadlines, stream=True)
    lane.connection.data_received(SSE)
    answer = await task
    assert isinstance(answer, StreamedAnswer)
    pump = asyncio.ensure_future(answer.pump(lambda data: True))
    await asyncio.sleep(0)
    for _ in range(5):
        lane.timeline.advance(9)
        lane.connection.data_received(piece(b"a"))
        assert not pump.done()
    lane.timeline.advance(11)
    with pytest.raises(TimedOut) as late:
        await pump
    assert late.value.phase == "idle"
