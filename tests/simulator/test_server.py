import asyncio
import socket

import msgspec
import pytest

from simulated import FixedClock, ask, chat, request_bytes, simulator, talk
from waypost.simulator.run import Simulator, SimulatorSettings, start

__all__ = ["simulator"]


@pytest.mark.parametrize("prefix", ["", "/v1"])
async def test_paths_with_and_without_v1(simulator: Simulator, prefix: str) -> None:
    for path in ("/models", "/bill", "/healthz", "/faults"):
        assert (await ask(simulator.port, request_bytes(None, prefix + path, method="GET")))[0] == 200
    assert (await ask(simulator.port, request_bytes(chat("sim-fast"), prefix + "/chat/completions")))[
        0
    ] == 200
    wrong = request_bytes({"model": "sim-fast", "prompt": "x"}, prefix + "/completions")
    assert (await ask(simulator.port, wrong))[0] == 200


async def test_unknown_paths_and_methods(simulator: Simulator) -> None:
    assert (await ask(simulator.port, request_bytes(None, "/v1/nothing", method="GET")))[0] == 404
    assert (await ask(simulator.port, request_bytes(None, "/v1/chat/completions", method="GET")))[0] == 405
    assert (await ask(simulator.port, request_bytes(chat("gpt-5"))))[0] == 404


async def test_keys() -> None:
    running = await start(SimulatorSettings(key="secret"), clock=FixedClock())
    try:
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer no"}, 401),
            ({"authorization": "Bearer secret"}, 200),
        ):
            got, _, body = await ask(running.port, request_bytes(chat("sim-fast"), headers=headers))
            assert got == status
            assert (b'"error"' in body) == (status == 401)
        assert (await ask(running.port, request_bytes(None, "/bill", method="GET")))[0] == 200
    finally:
        await running.stop()


async def test_pipelined_requests_are_answered_in_order(simulator: Simulator) -> None:
    batch = b"".join([request_bytes(chat("sim-echo", content=f"number{i}")) for i in range(5)])
    got, _ = await talk(
        simulator.port, batch, until=lambda got: got.count(b"HTTP/1.1 200") == 5 and got.endswith(b"}}}")
    )
    places = [got.index(b'"number%d"' % i) for i in range(5)]
    assert places == sorted(places)


async def test_a_request_in_single_bytes(simulator: Simulator) -> None:
    with socket.create_connection(("127.0.0.1", simulator.port)) as sock:
        loop = asyncio.get_running_loop()
        sock.setblocking(False)
        for byte in request_bytes(chat("sim-fast")):
            await loop.sock_sendall(sock, bytes([byte]))
        assert (await loop.sock_recv(sock, 1 << 16)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 70_000 + b"\r\n\r\n", 431),
        (b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 3000\r\n\r\n" + b"x" * 3000, 413),
        (request_bytes(chat("sim-fast"), headers={"connection": "close"}), 200),
    ],
)
async def test_what_closes_the_connection(request_: bytes, status: int) -> None:
    running = await start(SimulatorSettings(max_body=2000), clock=FixedClock())
    try:
        got, end = await talk(running.port, request_, until=lambda got: False)
        assert got.startswith(b"HTTP/1.1 %d" % status)
        assert end in ("fin", "rst")
    finally:
        await running.stop()


async def test_connections_over_the_limit_are_reset() -> None:
    running = await start(SimulatorSettings(max_connections=0), clock=FixedClock())
    try:
        assert await talk(running.port, b"", until=lambda got: False) == (b"", "rst")
    finally:
        await running.stop()


async def test_refusing_and_serving_again(simulator: Simulator) -> None:
    simulator.refuse()
    assert (await talk(simulator.port, request_bytes(chat("sim-fast")), until=lambda got: False))[1] == "rst"
    simulator.refuse(False)
    assert (await ask(simulator.port, request_bytes(chat("sim-fast"))))[0] == 200


async def test_expect_continue(simulator: Simulator) -> None:
    request = request_bytes(chat("sim-fast"), headers={"expect": "100-continue"})
    got, _ = await talk(simulator.port, request, until=lambda got: got.endswith(b"}}}"))
    assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")


async def test_errors_have_the_envelope(simulator: Simulator) -> None:
    _, headers, body = await ask(simulator.port, request_bytes({"messages": []}))
    assert set(msgspec.json.decode(body)["error"]) == {"message", "type", "param", "code"}
    assert headers["x-request-id"].startswith("req_")
