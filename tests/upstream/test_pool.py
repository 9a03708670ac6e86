"""The pool: reuse, expiry, the waiting line, the end."""

from __future__ import annotations

import asyncio

import pytest

from upstream.conftest import MakeClient, MakeServer
from upstream.wire import (
    BODY,
    CLOSE,
    HEAD,
    HOLD,
    OK,
    SSE,
    Timeline,
    settled,
)
from waypost.core.origin import Deadlines
from waypost.errors import TimedOut, Unavailable
from waypost.upstream.limits import Limits


async def test_the_newest_idle_connection_is_taken(
    client: MakeClient, serve: MakeServer, timeline: Timeline
) -> None:
    gates = [asyncio.Event(), asyncio.Event()]
    server = await serve(*(["request", gate, OK, "request", OK, HOLD] for gate in gates))
    upstream = client(timers=timeline)
    tasks = []
    for number in (1, 2):
        tasks.append(asyncio.ensure_future(upstream.send(server.origin(), HEAD, BODY, Deadlines())))
        await settled(upstream, open=number)
        await server.heard_of(number)
    for gate, task in zip(gates, tasks, strict=True):
        gate.set()
        await task
        timeline.advance(5)
    await upstream.send(server.origin(), HEAD, BODY, Deadlines())
    assert server.asked == [1, 2, 2]
    timeline.advance(21)  # the older one has been idle for 31 s, the newer one was used 21 s ago
    await settled(upstream, open=1, idle=1)


async def test_idle_connections_and_empty_pools_go(
    client: MakeClient, serve: MakeServer, timeline: Timeline
) -> None:
    server = await serve(["request", OK, HOLD])
    upstream = client(timers=timeline)
    await upstream.send(server.origin(), HEAD, BODY, Deadlines())
    timeline.advance(29)
    assert upstream.stats()[0].idle == 1
    timeline.advance(10)
    await settled(upstream, open=0, idle=0)
    timeline.advance(10)
    assert upstream.stats() == []


async def test_dead_connections_never_use_up_the_attempts(client: MakeClient, serve: MakeServer) -> None:
    dead = 5
    together = asyncio.Event()
    server = await serve(
        *(["request", together, OK, "request", CLOSE] for _ in range(dead)), ["request", OK, HOLD]
    )
    upstream = client()
    asked = [
        asyncio.ensure_future(upstream.send(server.origin(), HEAD, BODY, Deadlines())) for _ in range(dead)
    ]
    await server.heard_of(dead)
    together.set()
    await asyncio.gather(*asked)
    await settled(upstream, idle=dead)
    answer = await upstream.send(server.origin(), HEAD, BODY, Deadlines())
    assert answer.body == b"hi"
    assert server.connections == dead + 1  # the first retry went to a fresh connection
    assert len(server.requests) == dead + 2


async def test_cancelled_requests_leave_nothing(client: MakeClient, serve: MakeServer) -> None:
    server = await serve(["request", HOLD])
    upstream = client(Limits(connections=3))
    asked = [asyncio.ensure_future(upstream.send(server.origin(), HEAD, BODY, Deadlines())) for _ in range(6)]
    await settled(upstream, open=3, in_use=3, waiting=3)
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    await settled(upstream, open=0, waiting=0)


async def test_the_line_is_first_come_first_served(client: MakeClient, serve: MakeServer) -> None:
    server = await serve(["request", OK] * 10 + [HOLD])
    upstream = client(Limits(connections=1))
    order: list[int] = []

    async def ask(number: int) -> None:
        await upstream.send(server.origin(), HEAD, BODY, Deadlines())
        order.append(number)

    await asyncio.gather(*(ask(number) for number in range(10)))
    assert order == list(range(10))
    assert server.connections == 1
    assert upstream.stats()[0].waiting == 0


async def test_a_slot_freed_by_a_failure_goes_to_the_line(client: MakeClient, serve: MakeServer) -> None:
    server = await serve(["request", CLOSE], ["request", OK, HOLD])
    upstream = client(Limits(connections=1))
    asked = [upstream.send(server.origin(), HEAD, BODY, Deadlines()) for _ in range(2)]
    first, second = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(first, Unavailable)
    assert not isinstance(second, BaseException)
    assert second.body == b"hi"


async def test_waiting_in_line_is_bounded(client: MakeClient, serve: MakeServer) -> None:
    server = await serve(["request", HOLD])
    upstream = client(Limits(connections=1, wait_s=0.02))
    busy = asyncio.ensure_future(upstream.send(server.origin(), HEAD, BODY, Deadlines()))
    await settled(upstream, in_use=1)
    with pytest.raises(TimedOut, match="in use") as caught:
        await upstream.send(server.origin(), HEAD, BODY, Deadlines())
    assert (caught.value.phase, caught.value.may_have_billed) == ("connect", False)
    assert upstream.stats()[0].waiting == 0
    busy.cancel()


async def test_aclose_ends_everything(client: MakeClient, serve: MakeServer) -> None:
    server = await serve(["request", OK, HOLD], ["request", SSE, HOLD], ["request", HOLD])
    upstream = client(Limits(connections=3))
    origin = server.origin()
    await upstream.send(origin, HEAD, BODY, Deadlines())
    dead = asyncio.ensure_future(upstream.send(origin, HEAD, BODY, Deadlines()))
    await settled(upstream, in_use=1)
    stream = await upstream.send(origin, HEAD, BODY, Deadlines(), stream=True)
    reading = asyncio.ensure_future(stream.next())
    asked = [asyncio.ensure_future(upstream.send(origin, HEAD, BODY, Deadlines())) for _ in range(2)]
    await settled(upstream, in_use=3, waiting=1)
    await upstream.aclose()
    assert upstream.stats() == []
    for task in (dead, reading, *asked):
        with pytest.raises(Unavailable, match="shutting down"):
            await task
    with pytest.raises(Unavailable, match="shutting down"):
        await upstream.send(origin, HEAD, BODY, Deadlines())


async def test_a_thousand_disconnects_leave_nothing(client: MakeClient, serve: MakeServer) -> None:
    server = await serve(["request", SSE, *[b"1\r\nx\r\n"] * 3, HOLD])
    upstream = client(Limits(connections=50))
    origin = server.origin()

    async def one(turns: int) -> None:
        task = asyncio.ensure_future(read())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def read() -> None:
        answer = await upstream.send(origin, HEAD, BODY, Deadlines(), stream=True)
        try:
            while await answer.next():
                pass
        finally:
            answer.close()

    for start in range(0, 1000, 100):
        await asyncio.gather(*(one((start + n) % 37) for n in range(100)))
    await settled(upstream, open=0, waiting=0)


async def test_an_idle_connection_that_no_sweep_saw_is_not_taken(
    client: MakeClient, serve: MakeServer, timeline: Timeline
) -> None:
    server = await serve(["request", OK, HOLD])
    upstream = client(timers=timeline)
    await upstream.send(server.origin(), HEAD, BODY, Deadlines())
    timeline.now += 31  # as after a busy loop or a suspended machine: time went on, no timer ran
    await upstream.send(server.origin(), HEAD, BODY, Deadlines())
    assert server.asked == [1, 2]
    await settled(upstream, open=1, idle=1)
