"""Starting, draining, ending."""

from __future__ import annotations

import asyncio
import os
import signal

import msgspec
import pytest

from edge.rig import JSON, Rig, Socket, get, post, until
from waypost.edge.listen import bind
from waypost.edge.server import Listening, Server, loop_factory, serve
from waypost.errors import ConfigError, StoreUnavailable
from waypost.pipeline.exchange import Call

EVENTS = [(b"content-type", b"text/event-stream")]


class Streams:
    """Exchanges that stream until they are released, or aborted by the pipeline."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.release = asyncio.Event()
        self.settled: list[str] = []

    async def __call__(self, call: Call) -> None:
        await call.client.start(200, EVENTS)
        await call.client.write(b"data: 1\n\n")
        waits = [asyncio.create_task(e.wait()) for e in (self.release, self.rig.pipeline.aborted)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        last = b"data: [DONE]\n\n" if self.release.is_set() else b'data: {"error":{}}\n\n'
        await call.client.write(last)
        await call.client.finish()
        self.settled.append(call.exchange_id)


async def open_streams(rig: Rig, count: int) -> list[Socket]:
    clients = [await rig.connect() for _ in range(count)]
    for client in clients:
        client.send(post(b"{}"))
        assert (await client.answer()).status == 200
        await client.reader.readuntil(b"data: 1\n\n\r\n")
    return clients


async def test_a_drain_lets_streams_end_and_closes_idle_connections() -> None:
    rig = Rig()
    async with rig.serving():
        streams = Streams(rig)
        rig.pipeline.script = streams
        clients = await open_streams(rig, 20)
        idle = await rig.connect()
        idle.send(get("/livez"))
        assert (await idle.answer()).status == 200
        assert rig.server is not None
        rig.server.stop()
        assert rig.gate.draining
        assert await idle.rest() == b""
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", rig.port)
        streams.release.set()
        for client in clients:
            assert (await client.rest()).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        await rig.task
        assert len(streams.settled) == 20
        assert not rig.pipeline.aborted.is_set()


async def test_at_the_limit_streams_get_an_honest_end_and_are_settled() -> None:
    rig = Rig(drain_s=0.2)
    async with rig.serving():
        streams = Streams(rig)
        rig.pipeline.script = streams
        clients = await open_streams(rig, 20)
        assert rig.server is not None
        rig.server.stop()
        for client in clients:
            rest = await client.rest()
            assert b'data: {"error":{}}' in rest
            assert b"[DONE]" not in rest
        await rig.task
        assert len(streams.settled) == 20


async def test_unready_at_once_and_new_work_taken_only_during_the_delay() -> None:
    rig = Rig()
    async with rig.serving(drain_delay_s=0.5):
        client = await rig.connect()
        client.send(get("/readyz"))
        assert (await client.answer()).status == 200
        assert rig.server is not None
        rig.server.stop()
        client.send(get("/readyz"))
        unready = await client.answer()
        assert unready.status == 503
        assert msgspec.json.decode(unready.body)["missing"] == ["draining"]
        late = await rig.connect()
        late.send(post(b"{}"))
        assert (await late.answer()).status == 200
        await rig.task


async def test_new_requests_on_a_kept_connection_are_refused_and_it_closes() -> None:
    rig = Rig()
    async with rig.serving():
        client = await rig.connect()
        client.send(post(b"{}"))
        assert (await client.answer()).status == 200
        rig.edge.closed = True
        client.send(post(b"{}"))
        answer = await client.answer()
        assert answer.status == 503
        assert answer.headers[b"connection"] == b"close"
        assert await client.rest() == b""


async def test_a_second_stop_ends_at_once() -> None:
    rig = Rig(drain_s=3600.0)
    async with rig.serving():
        cancelled: list[str] = []

        async def stuck(call: Call) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(call.exchange_id)
                raise

        rig.pipeline.script = stuck
        client = await rig.connect()
        client.send(post(b"{}"))
        await until(lambda: len(rig.pipeline.calls) == 1)
        assert rig.server is not None
        rig.server.stop()
        rig.server.stop()
        await rig.task
        assert rig.pipeline.aborted.is_set()
        assert cancelled == ["req_1"]
        assert await client.rest() == b""


async def test_signals_drain_and_reload() -> None:
    reloads: list[str] = []
    started = asyncio.Event()
    rig = Rig()
    task = asyncio.create_task(
        serve(
            rig.edge,
            Listening(port=0),
            on_started=lambda server, host, port: started.set(),
            on_reload=lambda: reloads.append("now"),
        )
    )
    await started.wait()
    os.kill(os.getpid(), signal.SIGHUP)
    await until(lambda: reloads == ["now"])
    os.kill(os.getpid(), signal.SIGTERM)
    await task
    assert rig.gate.draining


async def test_a_busy_port_is_said_with_what_to_do() -> None:
    async with Rig().serving() as rig:
        with pytest.raises(ConfigError, match=rf"127.0.0.1:{rig.port} is in use.*--port"):
            await serve(Rig().edge, Listening(port=rig.port, signals=False))


async def test_it_serves_on_sockets_that_are_bound_already() -> None:
    sockets = bind("localhost", 0)
    assert len({sock.getsockname()[1] for sock in sockets}) == 1
    started: asyncio.Future[tuple[Server, int]] = asyncio.get_running_loop().create_future()
    rig = Rig()
    task = asyncio.create_task(
        serve(
            rig.edge,
            Listening(signals=False),
            sockets=sockets,
            on_started=lambda server, host, port: started.set_result((server, port)),
        )
    )
    server, port = await started
    for sock in sockets:
        client = Socket(*await asyncio.open_connection(sock.getsockname()[0], port))
        client.send(get("/livez"))
        assert (await client.answer()).status == 200
        await client.close()
    server.stop()
    await task


async def test_a_failed_start_is_raised_as_what_it_is() -> None:
    rig = Rig()

    def fail() -> None:
        raise StoreUnavailable("The database does not answer.")

    rig.edge._lifespan_of = fail  # type: ignore[assignment]
    with pytest.raises(StoreUnavailable):
        await serve(rig.edge, Listening(port=0, signals=False))


async def test_answers_carry_a_date_and_no_server_name() -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(get("/livez"))
        answer = await client.answer()
        assert b"date" in answer.headers
        assert b"server" not in answer.headers
        assert JSON in answer.headers.items()


def test_the_loop_is_uvloops() -> None:
    loop = loop_factory()()
    assert type(loop).__module__.startswith("uvloop")
    loop.close()


async def test_it_accepts_for_another_process_while_that_is_away() -> None:
    rig = Rig()
    (other,) = bind("127.0.0.1", 0)
    port = other.getsockname()[1]

    async def asked() -> int:
        client = Socket(*await asyncio.open_connection("127.0.0.1", port))
        client.send(get("/livez"))
        answer = await client.answer()
        await client.close()
        return answer.status

    async with rig.serving():
        assert rig.server is not None
        await rig.server.cover(2, [other])
        await rig.server.cover(2, [other])
        assert await asked() == 200
        rig.server.uncover(2)
        rig.server.uncover(2)
        assert rig.server._covers == {}
        await rig.server.cover(2, [other])
        assert await asked() == 200
        rig.server.stop()
        await rig.server.cover(3, [other])
        await rig.task
    other.close()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)
