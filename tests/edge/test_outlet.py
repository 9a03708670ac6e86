"""Answers in one write, and when they have to go uvicorn's way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from uvicorn.server import ServerState

from edge.rig import get, post
from waypost.edge.intake import EdgeConfig
from waypost.edge.protocol import EdgeProtocol

LINES = ((b"content-type", b"application/json"), (b"x-waypost-request-id", b"wp-1"))


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 5000), "sockname": ("127.0.0.1", 4100)})
        self.taken: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.taken.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""

    def pause_reading(self) -> None:
        """Nothing comes by itself."""

    def resume_reading(self) -> None:
        """Nothing comes by itself."""

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.closed = True

    def close(self) -> None:
        self.closed = True


Answering = Callable[[EdgeProtocol], Awaitable[None]]


async def answered(request: bytes, answering: Answering) -> Wire:
    """What is on the wire when the application answers a request so. Raises what `answering` does, which uvicorn would
    only log."""
    wire = Wire()
    outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def app(_scope: object, _receive: object, _send: object) -> None:
        try:
            await answering(protocol)
        except BaseException as error:
            outcome.set_exception(error)
            raise
        outcome.set_result(None)

    config = EdgeConfig(cast(Any, app), http=EdgeProtocol, ws="none", interface="asgi3", log_config=None)
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"today")]
    protocol = EdgeProtocol(config, state, {})
    protocol.connection_made(wire)
    protocol.data_received(request)
    await outcome
    return wire


async def test_a_whole_answer_is_one_write() -> None:
    async def answering(protocol: EdgeProtocol) -> None:
        assert protocol.take_body() == b"{}"
        assert protocol.write_whole(200, LINES, b'{"a":1}')
        assert not protocol.write_whole(200, LINES, b"{}"), "it is answered"

    wire = await answered(post(b"{}"), answering)
    assert wire.taken == [
        b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-type: application/json\r\n"
        b'x-waypost-request-id: wp-1\r\ncontent-length: 7\r\n\r\n{"a":1}'
    ]


@pytest.mark.parametrize(
    ("request_", "status", "lines", "then"),
    [
        (get("/livez").replace(b"GET", b"HEAD"), 200, LINES, False),
        (post(b"{}"), 204, LINES, True),
        (post(b"{}"), 200, ((b"x-a", b"b\r\nx-injected: 1"),), True),
        (post(b"{}"), 200, ((b"x-a\n", b"b"),), True),
        (post(b"{}", extra=b"Connection: close\r\n"), 200, LINES, False),
    ],
)
async def test_what_is_unusual_goes_the_other_way(
    request_: bytes, status: int, lines: tuple[tuple[bytes, bytes], ...], then: bool
) -> None:
    """`then`: an ordinary answer to the same request goes in one write."""

    async def answering(protocol: EdgeProtocol) -> None:
        assert not protocol.write_whole(status, lines, b"")
        assert not wire_of(protocol).taken
        assert protocol.write_whole(200, LINES, b"") is then

    await answered(request_, answering)


async def test_a_slow_client_is_written_to_the_other_way() -> None:
    async def answering(protocol: EdgeProtocol) -> None:
        protocol.pause_writing()
        assert not protocol.write_whole(200, LINES, b"{}")
        assert not protocol.write_frame(b"1\r\na\r\n")
        protocol.resume_writing()
        assert protocol.write_whole(200, LINES, b"{}")

    await answered(post(b"{}"), answering)


async def test_pieces_of_a_stream_are_chunks() -> None:
    async def answering(protocol: EdgeProtocol) -> None:
        cycle = protocol.cycle
        assert not chunking(protocol)
        assert not protocol.write_chunk(b"early"), "it has not begun"
        await cycle.send({"type": "http.response.start", "status": 200, "headers": []})
        assert chunking(protocol)
        assert protocol.write_chunk(b"data: 1\n\n")
        assert protocol.write_frame(b"1\r\nx\r\n")
        await cycle.send({"type": "http.response.body", "body": b"", "more_body": False})
        assert not chunking(protocol)
        assert not protocol.write_chunk(b"late")

    wire = await answered(post(b"{}"), answering)
    assert b"".join(wire.taken).endswith(b"9\r\ndata: 1\n\n\r\n1\r\nx\r\n0\r\n\r\n")


async def test_nothing_is_written_to_who_is_gone() -> None:
    async def answering(protocol: EdgeProtocol) -> None:
        protocol.connection_lost(None)
        assert not protocol.write_whole(200, LINES, b"{}")
        assert not protocol.write_frame(b"1\r\nx\r\n")

    assert not (await answered(post(b"{}"), answering)).taken


async def test_an_answer_to_an_unread_body_ends_the_connection() -> None:
    async def answering(protocol: EdgeProtocol) -> None:
        assert protocol.receiving
        protocol.close_after()
        assert not protocol.write_whole(200, LINES, b"{}")
        cycle = protocol.cycle
        await cycle.send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
        )
        await cycle.send({"type": "http.response.body", "body": b"", "more_body": False})

    wire = await answered(post(b"{}")[:-1], answering)
    assert b"connection: close\r\n" in b"".join(wire.taken)
    assert wire.closed


def wire_of(protocol: EdgeProtocol) -> Wire:
    assert isinstance(protocol.transport, Wire)
    return protocol.transport


def chunking(protocol: EdgeProtocol) -> bool:
    return protocol.chunking
