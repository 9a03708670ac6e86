"""A client's WebSocket on a real server, with a scripted session behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from edge.rig import JSON, Rig, ScriptedPipeline, get, until
from waypost.dialects.openai_realtime.codec import REALTIME
from waypost.edge.routes import Routes
from waypost.edge.socket import Handshake, Offered
from waypost.errors import InvalidRequest
from waypost.pipeline.exchange import Call
from waypost.ports import Ended, Socket, SocketClient

OPENS = {
    b"connection": b"keep-alive, Upgrade",
    b"upgrade": b"websocket",
    b"sec-websocket-version": b"13",
    b"sec-websocket-key": b"dGhlIHNhbXBsZSBub25jZQ==",
}


class ScriptedSessions(ScriptedPipeline):
    def __init__(self) -> None:
        super().__init__()
        self.drained = False

    def drain(self) -> None:
        self.drained = True


@asynccontextmanager
async def serving(
    script: Callable[[Call], Awaitable[None]], **settings: Any
) -> AsyncIterator[tuple[Rig, ScriptedSessions]]:
    rig, sessions = Rig(**settings), ScriptedSessions()
    sessions.script = script
    rig.edge._sessions = sessions
    rig.edge._routes = Routes([REALTIME])
    async with rig.serving():
        yield rig, sessions


def dial(rig: Rig, **options: Any) -> connect:
    options.setdefault("additional_headers", {"authorization": "Bearer k"})
    return connect(f"ws://127.0.0.1:{rig.port}/v1/realtime?model=m", proxy=None, max_size=None, **options)


def accepted(call: Call) -> Socket:
    return cast(SocketClient, call.client).accept([(b"x-waypost-model", b"m")])


async def echo(call: Call) -> None:
    """Send everything back until the client says goodbye."""
    socket = accepted(call)
    over: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
    socket.listen(socket.send, over.set_result, lambda _: None)
    await over


async def closing(connection: ClientConnection) -> int | None:
    await connection.wait_closed()
    return connection.close_code


async def test_a_session() -> None:
    async with serving(echo) as (rig, sessions):
        async with dial(rig) as connection:
            assert connection.response is not None
            assert connection.response.headers["x-waypost-model"] == "m"
            for message in ("hi", b"\x00", "x" * 1_000_000):
                await connection.send(message)
                assert await connection.recv() == message
        await until(lambda: sessions.ended == 1)
        (call,) = sessions.calls
        assert (call.key, call.path.query, call.dialect.operation) == (b"k", b"model=m", "realtime")
        await until(lambda: rig.edge.active == 0)


async def test_a_browser_gives_its_key_as_a_subprotocol() -> None:
    async with serving(echo) as (rig, sessions):
        offered = ["realtime", "openai-insecure-api-key.sk-1", "openai-beta.realtime-v1"]
        async with dial(rig, additional_headers={}, subprotocols=offered) as connection:
            assert connection.subprotocol == "realtime"
        await until(lambda: sessions.ended == 1)
        assert sessions.calls[0].key == b"sk-1"
        assert sessions.calls[0].headers[b"openai-beta"] == b"realtime=v1"


async def test_a_refusal_is_an_http_answer() -> None:
    async def refuse(call: Call) -> None:
        await call.client.reply(402, [JSON], b'{"error":1}')

    async with serving(refuse) as (rig, _):
        with pytest.raises(InvalidStatus) as refused:
            async with dial(rig):
                pass
        assert (refused.value.response.status_code, refused.value.response.body) == (402, b'{"error":1}')


async def test_the_last_event_reaches_the_client_with_its_code() -> None:
    async def end(call: Call) -> None:
        client = cast(SocketClient, call.client)
        client.accept([]).listen(lambda *_: None, lambda _: None, lambda _: None)
        client.close_code = 1008
        await client.write(b"last")
        await client.finish()
        await client.write(b"nobody")
        assert client.gone

    async with serving(end) as (rig, _), dial(rig) as connection:
        assert await connection.recv() == "last"
        assert await closing(connection) == 1008


async def test_a_client_that_breaks_off_is_told_of() -> None:
    ends: list[Ended] = []

    async def wait(call: Call) -> None:
        over = asyncio.Event()
        accepted(call).listen(lambda *_: None, lambda end: (ends.append(end), over.set())[0], lambda _: None)
        await over.wait()

    async with serving(wait) as (rig, sessions):
        connection = await dial(rig)
        connection.transport.abort()
        await until(lambda: sessions.ended == 1)
        assert ends == [Ended(1006)]


async def test_one_who_does_not_read_is_pressed_and_at_last_cut() -> None:
    pressed: list[bool] = []

    async def flood(call: Call) -> None:
        over = asyncio.Event()
        socket = accepted(call)
        socket.listen(lambda *_: None, lambda _: over.set(), pressed.append)
        for _ in range(200):
            socket.send(b"x" * 100_000, False)
        await over.wait()

    async with serving(flood, write_stall_s=0.3) as (rig, sessions):
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port, limit=1024)
        lines = b"".join(b"%b: %b\r\n" % pair for pair in OPENS.items())
        writer.write(get("/v1/realtime?model=m", lines + b"authorization: Bearer k\r\n"))
        await until(lambda: sessions.ended == 1)
        assert pressed == [True]
        writer.close()
        del reader


@pytest.mark.parametrize(
    "changes",
    [
        {b"upgrade": b"h2c"},
        {b"connection": b"close"},
        {b"sec-websocket-version": b"8"},
        {b"sec-websocket-key": b"short"},
    ],
)
async def test_what_opens_no_websocket(changes: dict[bytes, bytes]) -> None:
    headers = {**OPENS, **changes}
    with pytest.raises(InvalidRequest):
        Handshake(headers, "1.1")
    async with serving(echo) as (rig, sessions):
        client = await rig.connect()
        client.send(get("/v1/realtime?model=m", b"".join(b"%b: %b\r\n" % pair for pair in headers.items())))
        answer = await client.answer()
        assert (answer.status, msgspec.json.decode(answer.body)["error"]["code"]) == (400, "invalid_request")
        assert sessions.calls == []


def test_http_1_0_opens_none() -> None:
    with pytest.raises(InvalidRequest):
        Handshake(OPENS, "1.0")


def test_subprotocols() -> None:
    offered = Offered({b"sec-websocket-protocol": b"realtime, openai-insecure-api-key.k"})
    assert (offered.key, offered.beta, offered.complete({b"a": b"1"})) == (b"k", False, {b"a": b"1"})
    assert Offered({}).key is None
    assert Offered({b"sec-websocket-protocol": b"openai-insecure-api-key."}).key is None


async def test_posting_is_not_allowed_and_without_sessions_there_is_no_path() -> None:
    async with serving(echo) as (rig, _):
        client = await rig.connect()
        client.send(get("/v1/realtime?model=m", method="PUT"))
        assert (await client.answer()).status == 405
        rig.edge._sessions = None
        client = await rig.connect()
        client.send(get("/v1/realtime?model=m"))
        assert (await client.answer()).status == 404


async def test_a_drain_is_handed_on() -> None:
    async with serving(echo) as (_, sessions):
        pass
    assert sessions.drained
