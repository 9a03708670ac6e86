from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from edge.rig import until
from simulated import simulator
from waypost.config.targets import Credential, Provider, Target
from waypost.core.origin import Deadlines, Origin
from waypost.dialects.openai_realtime.codec import REALTIME
from waypost.errors import EgressDenied, Garbled, TimedOut, Unavailable
from waypost.ports import Ended
from waypost.simulator.run import Simulator
from waypost.upstream.limits import Limits
from waypost.upstream.sockets import SocketUpstream, render_head

__all__ = ["simulator"]

HEAD = b"GET /v1/realtime?model=sim-fast HTTP/1.1\r\nhost: x\r\n"


@pytest_asyncio.fixture
async def sockets() -> AsyncIterator[SocketUpstream]:
    made = SocketUpstream(asyncio.get_running_loop(), Limits(connections=2))
    yield made
    await made.aclose()


def origin(port: int, private: bool = True) -> Origin:
    return Origin("http", "127.0.0.1", port, private=private)


class Heard:
    def __init__(self) -> None:
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()

    def take(self, message: bytes, text: bool) -> None:
        assert text
        self.messages.put_nowait(message)


async def test_a_session(simulator: Simulator, sockets: SocketUpstream) -> None:
    opening = await sockets.connect(origin(simulator.port), HEAD, Deadlines())
    assert (opening.status, sockets.open) == (101, 1)
    heard = Heard()
    assert opening.socket is not None
    opening.socket.listen(heard.take, heard.ended.set_result, lambda _: None)
    assert msgspec.json.decode(await heard.messages.get())["type"] == "session.created"
    opening.socket.send(b'{"type":"response.create"}', True)
    while msgspec.json.decode(await heard.messages.get())["type"] != "response.done":
        pass
    opening.socket.close(1000)
    await simulator.idle()
    await until(lambda: not sockets.open)
    assert not heard.ended.done()


async def test_a_refusal_is_told_with_its_body(simulator: Simulator, sockets: SocketUpstream) -> None:
    opening = await sockets.connect(
        origin(simulator.port), HEAD.replace(b"sim-fast", b"nothing"), Deadlines()
    )
    assert (opening.status, opening.socket) == (404, None)
    assert msgspec.json.decode(opening.body)["error"]["code"] == "model_not_found"
    assert dict(opening.headers)[b"content-type"] == b"application/json"


async def test_the_number_of_sessions_is_bounded(simulator: Simulator, sockets: SocketUpstream) -> None:
    for _ in range(2):
        await sockets.connect(origin(simulator.port), HEAD, Deadlines())
    with pytest.raises(TimedOut):
        await sockets.connect(origin(simulator.port), HEAD, Deadlines())


async def test_the_same_rules_for_addresses(simulator: Simulator, sockets: SocketUpstream) -> None:
    with pytest.raises(EgressDenied):
        await sockets.connect(origin(simulator.port, private=False), HEAD, Deadlines())


async def serving(answer: bytes | None) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if answer is not None:
            writer.write(answer)
            await writer.drain()
        else:
            await reader.read()
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", Unavailable),
        (b"nonsense\r\n\r\n", Garbled),
        (b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
         b"sec-websocket-accept: wrong\r\n\r\n", Garbled),
        (None, TimedOut),
    ],
)  # fmt: skip
async def test_what_is_no_handshake_has_billed_nothing(
    sockets: SocketUpstream, answer: bytes | None, kind: type[Unavailable]
) -> None:
    server = await serving(answer)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(kind) as failed:
        await sockets.connect(origin(port), HEAD, Deadlines(first_byte_s=0.05 if answer is None else 5.0))
    assert not failed.value.may_have_billed
    await until(lambda: not sockets.open)
    server.close()
    await server.wait_closed()


def test_the_head_has_the_gateways_credential_and_only_what_may_pass() -> None:
    provider = Provider(
        name="p",
        dialects=("openai_realtime",),
        origin=Origin("https", "api.example", 443),
        path="/v1",
        credential=Credential(b"authorization: Bearer upstream\r\n"),
        headers=b"x-own: 1\r\n",
        query="api-version=1",
    )
    client = {
        b"authorization": b"Bearer client",
        b"openai-beta": b"realtime=v1",
        b"sec-websocket-protocol": b"openai-insecure-api-key.client",
        b"openai-organization": b"org",
    }
    head = render_head(Target(provider, "m"), REALTIME, "/realtime?model=m", client, 0.0)
    assert head == (
        b"GET /v1/realtime?model=m&api-version=1 HTTP/1.1\r\nhost: api.example\r\n"
        b"authorization: Bearer upstream\r\nuser-agent: waypost\r\nx-own: 1\r\nopenai-beta: realtime=v1\r\n"
    )
