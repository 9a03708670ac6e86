"""The generator's counts are the upstream's: both run here, on one loop, with tiny runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from bench.bodies import ANSWER, ask
from bench.load import Load, Plan
from bench.upstream import Upstream
from bench.wire import Connection, render_request


@pytest.fixture
async def port() -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


def plan(port: int, **more: object) -> Plan:
    fields = {
        "mode": "closed",
        "body": ask("static"),
        "connections": 4,
        "warm_up_s": 0.05,
        "seconds": 0.2,
        **more,
    }
    return Plan(port=port, path="/v1/chat/completions", **fields)  # type: ignore[arg-type] # a test's shorthand


async def test_a_closed_run_counts_every_answer(port: int) -> None:
    result = await Load(plan(port, pids=[os.getpid()])).run()
    assert result.requests > 0
    assert result.statuses == {"200": result.requests}
    assert result.errors == 0
    assert result.latency_us["p50"] > 0
    assert result.latency_by_status_us == {"200": result.latency_us}
    assert result.rss_mb > 1


async def test_an_open_run_sends_at_its_rate_and_says_how_late_it_was(port: int) -> None:
    result = await Load(plan(port, mode="open", rate=200.0, seconds=0.5)).run()
    assert result.errors == 0
    # The window has 100 send times; a busy test machine may shift some across its ends, never double them.
    assert 0 < result.requests <= 150
    assert result.late_us["max"] >= 0


async def test_streams_are_counted_by_event_and_stay_open(port: int) -> None:
    body = ask("paced-5x10000", stream=True)
    result = await Load(plan(port, mode="streams", body=body, connections=3)).run()
    assert result.errors == 0
    assert result.streams_at_end == 3
    assert result.events > 3


async def test_a_refused_request_is_an_error(unused_tcp_port_server: int) -> None:
    result = await Load(plan(unused_tcp_port_server, connections=1)).run()
    assert result.errors == result.requests > 0
    assert set(result.statuses) == {"503"}


@pytest.fixture
async def unused_tcp_port_server() -> AsyncIterator[int]:
    """A server that refuses everything."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = ask("static").encode()
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(len(body))
                writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


class FakeTransport:
    """Keeps what was written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data


def test_events_are_counted_once_however_the_bytes_are_split() -> None:
    body = b"data: 1\n\n" + b"data: 2\n\n" + b"data: [DONE]\n\n"
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    for size in range(1, len(answer) + 1):
        done: list[Connection] = []
        connection = Connection(done.append, lambda _: None)
        for start in range(0, len(answer), size):
            connection.data_received(answer[start : start + size])
        assert (connection.events, done) == (3, [connection]), f"pieces of {size} bytes"


def test_a_request_is_written_whole_with_its_headers() -> None:
    written = render_request("127.0.0.1", 80, "/v1/x", {"authorization": "Bearer k"}, b"{}")
    assert written.startswith(b"POST /v1/x HTTP/1.1\r\nhost: 127.0.0.1:80\r\n")
    assert written.endswith(b"content-length: 2\r\nauthorization: Bearer k\r\n\r\n{}")


def test_request_and_answer_are_about_a_kilobyte() -> None:
    assert 900 <= len(ask("static")) <= 1100
    assert 900 <= len(ANSWER) <= 1100
