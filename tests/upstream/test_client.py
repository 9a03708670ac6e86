"""The whole client over loopback: requests, repeats, failures."""

from __future__ import annotations

import asyncio

import pytest

from upstream.conftest import MakeClient, MakeServer
from upstream.wire import BODY, CLOSE, HEAD, HOLD, OK, RESET, settled
from waypost.core.origin import Deadlines
from waypost.errors import Truncated, Unavailable


async def test_a_connection_is_used_again(client: MakeClient, serve: MakeServer) -> None:
    server = await serve(["request", OK] * 3 + [HOLD])
    upstream = client()
    for _ in range(3):
        answer = await upstream.send(server.origin(), HEAD, BODY, Deadlines())
        assert (answer.status, answer.body) == (200, b"hi")
        assert upstream.stats()[0].idle == 1
    assert server.connections == 1
    assert server.requests == [HEAD + BODY] * 3


async def test_large_bodies_both_ways(client: MakeClient, serve: MakeServer) -> None:
    body = b"x" * 3_000_000
    head = HEAD.replace(b"length: 2", b"length: %d" % len(body))
    server = await serve(
        ["request", b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body), body, HOLD]
    )
    answer = await client().send(server.origin(), head, body, Deadlines())
    assert answer.body == body
    assert server.requests == [head + body]


async def test_a_fresh_connection_that_closes_is_not_asked_again(
    client: MakeClient, serve: MakeServer
) -> None:
    for end in (CLOSE, RESET):
        server = await serve(["request", end])
        upstream = client()
        with pytest.raises(Unavailable) as caught:
            await upstream.send(server.origin(), HEAD, BODY, Deadlines())
        assert caught.value.may_have_billed
        assert len(server.requests) == 1
        await settled(upstream, open=0)


@pytest.mark.parametrize("end", [CLOSE, RESET])
@pytest.mark.parametrize("reused", [False, True])
async def test_a_cut_answer_is_never_asked_again(
    client: MakeClient, serve: MakeServer, end: str, reused: bool
) -> None:
    gate = asyncio.Event()
    before = ["request", OK] if reused else []
    server = await serve([*before, "request", OK[:-1], gate, end])
    upstream = client()
    if reused:
        await upstream.send(server.origin(), HEAD, BODY, Deadlines())
    asked = asyncio.ensure_future(upstream.send(server.origin(), HEAD, BODY, Deadlines()))
    await server.heard_of(1 + reused)
    gate.set()
    with pytest.raises(Truncated):
        await asked
    assert server.connections == 1
