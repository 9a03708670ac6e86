"""HTTP/1.1 responses: every framing, every fault, every split."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import random
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from effort import examples
from upstream.wire import (
    OK,
    SSE,
    Lane,
    chunked,
    sized,
)
from waypost.errors import Garbled, Truncated, Unavailable, UpstreamError
from waypost.upstream.limits import Limits

JSON = b'{"a":"' + b"b" * 300 + b'"}'


PACKED = gzip.compress(JSON, mtime=0)


BARE = zlib.compressobj(wbits=-15)


RAW = BARE.compress(JSON) + BARE.flush()


# name: (bytes, does the connection close after them, status, body or error class)
CASES: dict[str, tuple[bytes, bool, object, object]] = {
    "length": (sized(JSON), False, 200, JSON),
    "empty": (sized(b""), False, 200, b""),
    "chunked": (SSE.replace(b"Event", b"Html") + chunked(b"ab", b"c" * 40), False, 200, b"ab" + b"c" * 40),
    "trailers": (
        SSE.replace(b"Event", b"Html") + b"2\r\nhi\r\n0\r\nx-sum: 1\r\n\r\n",
        False,
        200,
        b"hi",
    ),
    "eof": (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", True, 200, b"until the end"),
    "http/1.0": (sized(b"old", start=b"HTTP/1.0 200 OK"), False, 200, b"old"),
    "connection close": (sized(b"bye", b"connection: close\r\n"), False, 200, b"bye"),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", False, 204, b""),
    "304": (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", False, 304, b""),
    "redirect": (sized(b"", b"location: /x\r\n", b"HTTP/1.1 302 Found"), False, 302, b""),
    "100 and 103": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + sized(b"ok"),
        False,
        200,
        b"ok",
    ),
    "no reason": (sized(b"ok", start=b"HTTP/1.1 429"), False, 429, b"ok"),
    "gzip": (sized(PACKED, b"content-encoding: GZip\r\n"), False, 200, JSON),
    "two gzip members": (sized(PACKED * 2, b"content-encoding: gzip\r\n"), False, 200, JSON * 2),
    "zlib": (sized(zlib.compress(JSON), b"content-encoding: deflate\r\n"), False, 200, JSON),
    "raw deflate": (sized(RAW, b"content-encoding: deflate\r\n"), False, 200, JSON),
    "identity": (sized(JSON, b"content-encoding: identity\r\n"), False, 200, JSON),
    "extra bytes": (OK + b"HTTP/1.1 500 No\r\n\r\n", False, 200, b"hi"),
    "extra garbage": (OK + b"\x00\x01", False, 200, b"hi"),
    "cut gzip": (sized(PACKED[:-9], b"content-encoding: gzip\r\n"), False, None, Garbled),
    "broken gzip": (sized(b"not gzip at all", b"content-encoding: gzip\r\n"), False, None, Garbled),
    "data after zlib": (
        sized(zlib.compress(JSON) + b"x", b"content-encoding: deflate\r\n"),
        False,
        None,
        Garbled,
    ),
    "two codings": (sized(PACKED, b"content-encoding: gzip, gzip\r\n"), False, None, Garbled),
    "brotli": (sized(JSON, b"content-encoding: br\r\n"), False, None, Garbled),
    "garbage": (b"<html>this is no HTTP</html>", False, None, Garbled),
    "http/2": (sized(b"x", start=b"HTTP/2.0 200 OK"), False, None, Garbled),
    "status 99": (sized(b"x", start=b"HTTP/1.1 099 What"), False, None, Garbled),
    "101": (b"HTTP/1.1 101 Up\r\nupgrade: a\r\nconnection: upgrade\r\n\r\nxx", False, None, Garbled),
    "two lengths": (sized(b"xx", b"content-length: 3\r\n"), False, None, Garbled),
    "length and chunked": (sized(b"0\r\n\r\n", b"transfer-encoding: chunked\r\n"), False, None, Garbled),
    "transfer gzip": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        False,
        None,
        Garbled,
    ),
    "bad chunk size": (SSE.replace(b"Event", b"Html") + b"zz\r\n", False, None, Garbled),
    "bad chunk end": (SSE.replace(b"Event", b"Html") + b"2\r\nhiXX0\r\n\r\n", False, None, Garbled),
    "folded header": (b"HTTP/1.1 200 OK\r\na: b\r\n c\r\ncontent-length: 0\r\n\r\n", False, None, Garbled),
    "nul in header": (b"HTTP/1.1 200 OK\r\na: b\x00c\r\ncontent-length: 0\r\n\r\n", False, None, Garbled),
    "cut body": (sized(JSON)[:-5], True, None, Truncated),
    "cut chunked": (SSE.replace(b"Event", b"Html") + b"5\r\nab", True, None, Truncated),
    "cut head": (b"HTTP/1.1 200 OK\r\ncontent-le", True, None, Truncated),
    "cut after 100": (b"HTTP/1.1 100 Continue\r\n\r\n", True, None, Truncated),
    "cut gzip to eof": (
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + PACKED[:-9],
        True,
        None,
        Truncated,
    ),
    "nothing": (b"", True, None, Unavailable),
}


async def outcome(pieces: list[bytes], closes: bool) -> tuple[object, object, object]:
    lane = Lane()
    task = await lane.ask()
    for piece in pieces:
        if not task.done() and not lane.transport.aborted and not lane.given_back:
            lane.connection.data_received(piece)
    if closes and not lane.transport.aborted:
        lane.connection.connection_lost(None)
    try:
        answer = await asyncio.wait_for(task, 5)
    except UpstreamError as fault:
        assert lane.connection.closed
        return None, type(fault), fault.may_have_billed
    assert answer is not None
    return answer.status, answer.body, tuple(answer.headers)


@pytest.mark.parametrize("name", CASES)
async def test_any_split_gives_the_same_answer(name: str) -> None:
    data, closes, status, expected = CASES[name]
    whole = await outcome([data] if data else [], closes)
    assert whole[:2] == (status, expected)
    if status is None:
        assert whole[2] is True
    single = [data[i : i + 1] for i in range(len(data))]
    assert await outcome(single, closes) == whole


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_chosen_splits_give_the_same_answer(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(CASES)))
    raw, closes, _, _ = CASES[name]
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=8)))
    edges = [0, *cuts, len(raw)]
    pieces = [raw[a:b] for a, b in itertools.pairwise(edges) if a < b]
    assert asyncio.run(outcome(pieces, closes)) == asyncio.run(outcome([raw] if raw else [], closes))


async def read_stream(pieces: list[bytes], closes: bool = False) -> tuple[bytes, object]:
    lane = Lane()
    task = await lane.ask(stream=True)
    for piece in pieces:
        if not lane.transport.aborted:
            lane.connection.data_received(piece)
    if closes:
        lane.connection.connection_lost(None)
    got = b""
    try:
        answer = await asyncio.wait_for(task, 5)
        assert answer is not None
        assert answer.body is None
        while data := await asyncio.wait_for(answer.next(), 5):
            got += data
    except UpstreamError as fault:
        return got, type(fault)
    assert await answer.next() == b""
    return got, "end"


STREAMS: dict[str, tuple[bytes, bool, bytes, object]] = {
    "good": (SSE + chunked(b"data: 1\n\n", b"data: 2\n\n"), False, b"data: 1\n\ndata: 2\n\n", "end"),
    "cut": (SSE + b"9\r\ndata: 1\n\n\r\n", True, b"data: 1\n\n", Truncated),
    "bad chunk": (SSE + b"9\r\ndata: 1\n\n\r\nXYZ\r\n", False, b"data: 1\n\n", Garbled),
    "to eof": (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n",
        True,
        b"data: 1\n\n",
        "end",
    ),
    "aws": (
        SSE.replace(b"Text/Event-Stream", b"application/vnd.amazon.eventstream") + chunked(b"\0\0", b"\1"),
        False,
        b"\0\0\1",
        "end",
    ),
    "gzip": (
        SSE.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n") + chunked(PACKED[:20], PACKED[20:]),
        False,
        JSON,
        "end",
    ),
}


@pytest.mark.parametrize("name", STREAMS)
async def test_any_split_gives_the_same_stream(name: str) -> None:
    data, closes, body, end = STREAMS[name]
    assert await read_stream([data], closes) == (body, end)
    assert await read_stream([data[i : i + 1] for i in range(len(data))], closes) == (body, end)


@settings(max_examples=examples(150), deadline=None)
@given(st.sampled_from(["", "HTTP/1.1 200 OK\r\n", "head", "stream"]), st.binary(max_size=300), st.booleans())
def test_garbage_raises_nothing_but_upstream_errors(start: str, noise: bytes, stream: bool) -> None:
    starts = {"head": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "stream": SSE}
    data = starts.get(start, start.encode()) + noise

    async def run() -> None:
        rng = random.Random(data)
        lane = Lane()
        task = await lane.ask(stream=stream)
        at = 0
        while at < len(data) and not lane.transport.aborted:
            step = rng.randint(1, 40)
            lane.connection.data_received(data[at : at + step])
            at += step
        lane.connection.connection_lost(ConnectionResetError())
        try:
            answer = await asyncio.wait_for(task, 5)
            while answer is not None and await asyncio.wait_for(answer.next(), 5):
                pass
        except UpstreamError:
            pass
        assert not lane.timeline.queue or lane.timeline.queue[0][1] in lane.timeline.cancelled

    asyncio.run(run())


async def test_only_a_good_event_stream_is_streamed() -> None:
    for reply in (SSE.replace(b"200 OK", b"500 No"), SSE.replace(b"Event-Stream", b"event-streamer"), OK):
        lane = Lane()
        task = await lane.ask(stream=True)
        lane.connection.data_received(reply if reply is OK else reply + chunked(b"hi"))
        answer = await task
        assert answer is not None
        assert answer.body == b"hi"
        assert await answer.next() == b""
    lane = Lane()
    task = await lane.ask(stream=False)
    lane.connection.data_received(SSE + chunked(b"hi"))
    assert (await task).body == b"hi"  # type: ignore[union-attr]


async def test_headers_are_lower_case_in_order_and_the_first_wins() -> None:
    lane = Lane()
    task = await lane.ask()
    lane.connection.data_received(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n")
    answer = await task
    assert answer is not None
    assert answer.headers == [(b"x-a", b"1"), (b"x-a", b"2"), (b"content-length", b"0")]
    assert answer.header(b"x-a") == b"1"
    assert answer.header(b"x-b") is None


LIMITS = Limits(head_max_bytes=1000, body_max_bytes=5000)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n" + b"a: " + b"x" * 2000,
        b"HTTP/1.1 200 OK\r\n" + b"a: x\r\n" * 300 + b"content-length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100,
        sized(b"x" * 5001),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5001,
        sized(gzip.compress(b"\0" * 6000), b"content-encoding: gzip\r\n"),
    ],
)
@pytest.mark.parametrize("step", [100, 100_000])
async def test_limits_hold(data: bytes, step: int) -> None:
    lane = Lane(LIMITS)
    task = await lane.ask()
    for at in range(0, len(data), step):
        if not lane.transport.aborted:
            lane.connection.data_received(data[at : at + step])
    assert lane.connection.closed
    with pytest.raises(Garbled):
        await task


@pytest.mark.parametrize("endless", [b"1;" + b"e" * 3000, b"1\r\nx\r\n0\r\nt: " + b"e" * 3000])
async def test_framing_without_an_end_is_noticed(endless: bytes) -> None:
    lane = Lane(LIMITS)
    task = await lane.ask()
    lane.connection.data_received(SSE.replace(b"Event", b"Html"))
    for at in range(0, len(endless), 100):
        if not lane.connection.closed:
            lane.connection.data_received(endless[at : at + 100])
    assert lane.connection.closed
    with pytest.raises(Garbled):
        await task


async def test_many_small_chunks_are_not_taken_for_endless_framing() -> None:
    lane = Lane(LIMITS)
    task = await lane.ask(stream=True)
    lane.connection.data_received(SSE)
    answer = await task
    assert answer is not None
    for _ in range(500):
        for byte in (b"1", b"\r\n", b"x", b"\r\n"):
            lane.connection.data_received(byte)
        assert await answer.next() == b"x"
