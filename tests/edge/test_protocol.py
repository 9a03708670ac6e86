"""The hardened HTTP protocol, by raw sockets against a real server."""

from __future__ import annotations

import asyncio
import socket

import msgspec
import pytest

from edge.rig import JSON, Rig, echo, get, post, until
from waypost.edge import head
from waypost.pipeline.exchange import Call

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\n"
CHUNKED = HEAD + b"Host: a\r\nTransfer-Encoding: chunked\r\n"
SECOND = b"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"

SMUGGLING = {
    "length and chunked": HEAD
    + b"Host: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": CHUNKED + b"Content-Length: 3\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Host: a\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}",
    "two equal lengths": HEAD + b"Host: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "length list": HEAD + b"Host: a\r\nContent-Length: 2, 2\r\n\r\n{}",
    "length with plus": HEAD + b"Host: a\r\nContent-Length: +2\r\n\r\n{}",
    "length in hex": HEAD + b"Host: a\r\nContent-Length: 0x2\r\n\r\n{}",
    "negative length": HEAD + b"Host: a\r\nContent-Length: -2\r\n\r\n{}",
    "empty length": HEAD + b"Host: a\r\nContent-Length:\r\n\r\n{}",
    "length overflow": HEAD + b"Host: a\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
    "space before colon": HEAD + b"Host: a\r\nContent-Length : 2\r\n\r\n{}",
    "tab before colon": HEAD + b"Host: a\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
    "obs-fold": HEAD + b"Host: a\r\nX-A: b\r\n Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "folded first header": HEAD + b" Host: a\r\nContent-Length: 2\r\n\r\n{}",
    "unknown coding": HEAD + b"Host: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "coding before chunked": HEAD + b"Host: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coding after chunked": HEAD + b"Host: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked twice": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "vertical tab in coding": HEAD + b"Host: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunked in 1.0": b"POST /v1/chat/completions HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk size in letters": CHUNKED + b"\r\nzz\r\n{}\r\n0\r\n\r\n",
    "chunk size with 0x": CHUNKED + b"\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "negative chunk": CHUNKED + b"\r\n-2\r\n{}\r\n0\r\n\r\n",
    "chunk size with space": CHUNKED + b"\r\n2 \r\n{}\r\n0\r\n\r\n",
    "chunk size overflow": CHUNKED + b"\r\n11111111111111111\r\n{}\r\n0\r\n\r\n",
    "chunk without end": CHUNKED + b"\r\n2\r\n{}X0\r\n\r\n",
    "chunk lines by LF": CHUNKED + b"\r\n2\n{}\n0\n\n",
    "chunk extension by LF": CHUNKED + b"\r\n2;a\n{}\r\n0\r\n\r\n",
    "NUL in value": HEAD + b"Host: a\r\nX-A: b\x00c\r\nContent-Length: 2\r\n\r\n{}",
    "CR in value": HEAD + b"Host: a\r\nX-A: b\rContent-Length: 2\r\n\r\n{}",
    "LF for CRLF": b"POST /v1/chat/completions HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}",
    "bare LF header": HEAD + b"Host: a\nContent-Length: 2\r\n\r\n{}",
    "no Host": HEAD + b"Content-Length: 2\r\n\r\n{}",
    "two Hosts": HEAD + b"Host: a\r\nHost: b\r\nContent-Length: 2\r\n\r\n{}",
    "Host with path": HEAD + b"Host: a/b@c\r\nContent-Length: 2\r\n\r\n{}",
    "two Authorizations": HEAD
    + b"Host: a\r\nAuthorization: Bearer x\r\nAuthorization: Bearer x\r\nContent-Length: 2\r\n\r\n{}",
    "two keys": HEAD + b"Host: a\r\nx-api-key: x\r\nx-api-key: y\r\nContent-Length: 2\r\n\r\n{}",
    "header without name": HEAD + b"Host: a\r\n: b\r\nContent-Length: 2\r\n\r\n{}",
    "header without colon": HEAD + b"Host: a\r\nfoo\r\nContent-Length: 2\r\n\r\n{}",
    "8-bit name": HEAD + b"Host: a\r\nx\xc3: b\r\nContent-Length: 2\r\n\r\n{}",
    "version 2.0": b"GET /livez HTTP/2.0\r\nHost: a\r\n\r\n",
    "version 1.2": b"GET /livez HTTP/1.2\r\nHost: a\r\n\r\n",
    "version 0.9": b"GET /livez\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "lower-case method": b"post /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
    "NUL in path": b"GET /livez\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "space in path": b"GET /livez x HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT": b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("shape", SMUGGLING)
async def test_an_ambiguous_request_is_refused_and_what_follows_it_is_never_read(shape: str) -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(SMUGGLING[shape] + SECOND)
        answer = await client.answer()
        assert answer.status == 400
        assert answer.headers[b"connection"] == b"close"
        error = msgspec.json.decode(answer.body)["error"]
        assert error["type"] == "invalid_request_error"
        assert error["code"] == "invalid_request"
        assert await client.rest() == b""
        await client.close()
        assert rig.pipeline.calls == []


@pytest.mark.parametrize("shape", ["two lengths", "chunk size in letters", "two Hosts"])
async def test_a_broken_request_behind_a_good_one_waits_for_its_answer(shape: str) -> None:
    release = asyncio.Event()

    async def slow(call: Call) -> None:
        await release.wait()
        await echo(call)

    async with Rig().serving() as rig:
        rig.pipeline.script = slow
        client = await rig.connect()
        client.send(post(b'{"n":1}') + SMUGGLING[shape] + SECOND)
        await until(lambda: len(rig.pipeline.calls) == 1)
        release.set()
        assert (await client.answer()).body == b'{"n":1}'
        assert (await client.answer()).status == 400
        assert await client.rest() == b""
        await client.close()
        assert len(rig.pipeline.calls) == 1


async def test_garbage_while_a_stream_runs_does_not_get_into_the_stream() -> None:
    release = asyncio.Event()

    async def stream(call: Call) -> None:
        await call.client.start(200, [(b"content-type", b"text/event-stream")])
        await call.client.write(b"data: 1\n\n")
        await release.wait()
        await call.client.write(b"data: 2\n\n")
        await call.client.finish()

    async with Rig().serving() as rig:
        rig.pipeline.script = stream
        client = await rig.connect()
        client.send(post(b"{}"))
        assert (await client.answer()).status == 200
        client.send(b"\x00garbage\r\n\r\n")
        await client.reader.readuntil(b"data: 1\n\n\r\n")
        release.set()
        assert (await client.reader.readuntil(b"0\r\n\r\n")) == b"9\r\ndata: 2\n\n\r\n0\r\n\r\n"
        assert (await client.answer()).status == 400


async def test_a_bad_chunk_after_a_good_one_ends_the_request_that_was_being_received() -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(CHUNKED + b"\r\n1\r\n{\r\n")
        await until(lambda: rig.edge.active == 1)
        client.send(b"xyz\r\n")
        assert (await client.answer()).status == 400
        assert await client.rest() == b""
        await client.close()
        await until(lambda: rig.edge.active == 0)
        assert rig.pipeline.calls == []


# --- size ------------------------------------------------------------------------------------------------------


async def test_a_header_of_a_mebibyte_is_431_before_it_is_whole() -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(HEAD + b"Host: a\r\nX-Big: " + b"a" * (1 << 20) + b"\r\n\r\n")
        answer = await client.answer()
        assert answer.status == 431
        assert msgspec.json.decode(answer.body)["error"]["code"] == "headers_too_large"
        assert await client.rest() == b""


@pytest.mark.parametrize(("size", "status"), [(60_000, 200), (66_000, 431)])
async def test_the_cap_of_the_head_is_exact_whether_it_comes_at_once_or_in_pieces(
    size: int, status: int
) -> None:
    request = get("/livez", b"X-Big: " + b"a" * size + b"\r\n")
    for cut in (len(request), 40_000, 10):
        async with Rig().serving() as rig:
            client = await rig.connect()
            client.send(request[:cut])
            await asyncio.sleep(0)
            await client.writer.drain()
            client.send(request[cut:])
            assert (await client.answer()).status == status


async def test_a_head_in_many_pieces_is_capped_while_it_is_parsed() -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(HEAD + b"Host: a\r\n")
        await client.writer.drain()
        for number in range(80):
            client.send(b"X-%d: " % number + b"a" * 1000 + b"\r\n")
            await client.writer.drain()
            await asyncio.sleep(0.002)
        assert (await client.answer()).status == 431


@pytest.mark.parametrize(("count", "status"), [(head.HEADERS_MAX - 1, 200), (head.HEADERS_MAX, 431)])
async def test_more_than_a_hundred_headers_are_refused(count: int, status: int) -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(get("/livez", b"".join(b"X-%d: 1\r\n" % number for number in range(count))))
        assert (await client.answer()).status == status


async def test_a_target_over_its_cap_is_refused() -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(get("/livez?" + "q" * head.TARGET_BYTES_MAX))
        assert (await client.answer()).status == 431


async def test_endless_trailers_are_refused() -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(CHUNKED + b"\r\n2\r\n{}\r\n0\r\n")
        await until(lambda: rig.edge.active == 1)
        for _ in range(100):
            client.send(b"X-T: " + b"a" * 1000 + b"\r\n")
        assert (await client.answer()).status == 400
        await client.close()
        assert rig.pipeline.calls == []


async def test_trailers_do_not_become_headers() -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(CHUNKED + b"\r\n2\r\n{}\r\n0\r\nAuthorization: Bearer smuggled\r\n\r\n")
        assert (await client.answer()).status == 200
        await client.close()
        (call,) = rig.pipeline.calls
        assert b"authorization" not in call.headers
        assert call.key is None


# --- time ------------------------------------------------------------------------------------------------------


async def test_dripped_headers_are_ended_while_another_connection_is_served() -> None:
    async with Rig(header_deadline_s=0.2).serving() as rig:
        slow, fast = await rig.connect(), await rig.connect()
        slow.send(HEAD)

        async def drip() -> None:
            while True:
                slow.send(b"X-A: b\r\n")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        fast.send(post(b"{}"))
        assert (await fast.answer()).status == 200
        answer = await slow.answer()
        dripping.cancel()
        assert answer.status == 408
        assert await slow.rest() == b""
        fast.send(post(b"{}"))
        assert (await fast.answer()).status == 200
        await slow.close()


async def test_dripped_headers_of_a_later_request_are_ended_too() -> None:
    async with Rig(header_deadline_s=0.2).serving() as rig:
        client = await rig.connect()
        client.send(post(b"{}"))
        assert (await client.answer()).status == 200
        client.send(HEAD)
        assert (await client.answer()).status == 408


@pytest.mark.parametrize("sent", [b"", b"\r\n\r\n"])
async def test_a_connection_that_asks_nothing_is_closed(sent: bytes) -> None:
    async with Rig(header_deadline_s=0.2).serving() as rig:
        client = await rig.connect()
        client.send(sent)
        assert await client.rest() == b""


async def test_a_kept_alive_connection_outlives_the_header_deadline_and_ends_when_idle() -> None:
    async with Rig(header_deadline_s=0.1).serving(keep_alive_s=1) as rig:
        client = await rig.connect()
        client.send(post(b"{}"))
        assert (await client.answer()).status == 200
        await asyncio.sleep(0.5)
        client.send(post(b"{}"))
        assert (await client.answer()).status == 200
        assert await client.rest() == b""


async def test_a_dripped_body_is_408_and_the_connection_ends() -> None:
    async with Rig(body_deadline_s=0.2).serving() as rig:
        slow, fast = await rig.connect(), await rig.connect()
        slow.send(HEAD + b"Host: a\r\nContent-Length: 1000\r\n\r\n{")
        fast.send(post(b"{}"))
        assert (await fast.answer()).status == 200
        answer = await slow.answer()
        assert answer.status == 408
        assert answer.headers[b"connection"] == b"close"
        assert await slow.rest() == b""
        await slow.close()


async def test_a_client_that_does_not_read_is_cut_off() -> None:
    told: list[str] = []

    async def flood(call: Call) -> None:
        call.client.on_gone(lambda: told.append("gone"))
        await call.client.start(200, [JSON])
        while not call.client.gone:
            await call.client.write(b"x" * 65536)

    async with Rig(write_stall_s=0.3).serving() as rig:
        rig.pipeline.script = flood
        stuck = await rig.connect()
        stuck.writer.transport.pause_reading()  # type: ignore[attr-defined]
        stuck.send(post(b"{}"))
        await until(lambda: rig.pipeline.ended == 1)
        assert told == ["gone"]


async def test_a_whole_answer_nobody_reads_does_not_keep_its_connection() -> None:
    async def large(call: Call) -> None:
        await call.client.reply(200, [JSON], b"x" * (16 << 20))

    async with Rig(write_stall_s=0.3).serving() as rig:
        rig.pipeline.script = large
        stuck = await rig.connect()
        stuck.writer.transport.pause_reading()  # type: ignore[attr-defined]
        stuck.send(post(b"{}"))
        await until(lambda: rig.pipeline.ended == 1)
        assert rig.server is not None
        connections = rig.server.server_state.connections
        await until(lambda: not connections)


# --- the rest --------------------------------------------------------------------------------------------------


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(b"".join(post(b'{"n":%d}' % number) for number in range(10)))
        assert [(await client.answer()).body for _ in range(10)] == [
            b'{"n":%d}' % number for number in range(10)
        ]


async def test_pipelining_is_bounded() -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(post(b"{}") * 100)
        got = await client.rest()
        await client.close()
        assert 1 <= len(rig.pipeline.calls) <= 17
        assert got.count(b"HTTP/1.1 200") == len(rig.pipeline.calls)
        assert got.count(b"HTTP/1.1 400") == 1


async def test_nagle_is_off() -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(post(b"{}"))
        await client.answer()
        assert rig.server is not None
        (connection,) = rig.server.server_state.connections
        sock = connection.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


async def test_connections_over_the_limit_are_told_and_closed() -> None:
    async with Rig().serving(connections_max=2) as rig:
        clients = [await rig.connect() for _ in range(2)]
        for client in clients:
            client.send(post(b"{}"))
            assert (await client.answer()).status == 200
        third = await rig.connect()
        answer = await third.answer()
        assert answer.status == 503
        assert msgspec.json.decode(answer.body)["error"]["code"] == "overloaded"
        assert await third.rest() == b""
        await third.close()
        clients[0].send(post(b"{}"))
        assert (await clients[0].answer()).status == 200


async def test_a_request_that_offers_http2_is_answered_with_its_whole_body() -> None:
    """As Java's HttpClient sends it."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
    for pause in (False, True):
        async with Rig().serving() as rig:
            client = await rig.connect()
            request = post(b'{"model":"fast"}', extra=offer)
            client.send(request[:-5])
            if pause:
                await until(lambda rig=rig: rig.edge.active == 1)  # type: ignore[misc]
            client.send(request[-5:])
            answer = await client.answer()
            assert answer.status == 200
            assert answer.body == b'{"model":"fast"}'
            assert answer.headers[b"connection"] == b"close"
            assert await client.rest() == b""


async def test_an_offer_without_a_body_and_a_chunked_one() -> None:
    offer = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(get("/livez", offer))
        assert (await client.answer()).status == 200
        await client.close()
        client = await rig.connect()
        client.send(CHUNKED + offer + b"\r\n2\r\n{}\r\n0\r\n\r\n" + SECOND)
        assert (await client.answer()).body == b"{}"
        assert await client.rest() == b""
        await client.close()
        assert len(rig.pipeline.calls) == 1


async def test_a_websocket_offer_is_an_ordinary_request() -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(
            get("/v1/realtime", b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")
        )
        assert (await client.answer()).status == 404
