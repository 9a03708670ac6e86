"""Clients that dawdle are closed on time, and nobody else has to wait for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from gateway import GatewayProcess, config_for
from process.books import bill, billed, booked, forget_peak, get, memory_kib, one_row_each, settle, simulating
from process.talk import Reply, ask, chat, connected, exchange, head, port_of, post, run
from simulated import SimulatorProcess

pytestmark = [pytest.mark.process, pytest.mark.timeout(60)]

DEADLINE_S = 1.0
#: Deadlines are looked at a few times per second; the rest is for a busy machine.
SLACK_S = 3.0
SLOW = 200
SERVER = "server: {header_deadline: 1s, body_deadline: 1s, write_stall: 1s}"
#: A stream of about 12 MB: more than all socket buffers on the way.
LONG = 30_000


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with simulating() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, simulator: SimulatorProcess
) -> Iterator[GatewayProcess]:
    folder = tmp_path_factory.mktemp("slow")
    with GatewayProcess(folder, config_for(simulator.url, more=SERVER)) as running:
        yield running


def _check_times(replies: list[Reply]) -> None:
    assert all(DEADLINE_S * 0.9 <= reply.seconds <= DEADLINE_S + SLACK_S for reply in replies), [
        reply.seconds for reply in replies if not DEADLINE_S <= reply.seconds <= DEADLINE_S + SLACK_S
    ]


async def _drip(port: int, start: bytes, more: bytes) -> Reply:
    """Send a beginning and then a byte ten times a second, until the gateway has had enough."""
    began = time.monotonic()
    async with connected(port) as sock:
        # Before anything that has a time: a busy loop would send the first byte of the rest before it.
        await asyncio.get_running_loop().sock_sendall(sock, start)
        answer = asyncio.ensure_future(ask(sock, b""))
        for byte in more:
            await asyncio.wait([answer], timeout=0.1)
            if answer.done():
                break
            try:
                await asyncio.get_running_loop().sock_sendall(sock, bytes([byte]))
            except ConnectionError:
                break
        reply = await answer
    reply.seconds = time.monotonic() - began
    return reply


async def _quick(port: int, request: bytes, slow: list[asyncio.Task[Reply]]) -> list[Reply]:
    """Requests one after the other for as long as the slow ones are there."""
    replies = []
    while not all(task.done() for task in slow):
        replies.append(await exchange(port, request))
    return replies


def _beside(gateway: GatewayProcess, start: bytes, more: bytes) -> tuple[list[Reply], list[Reply]]:
    """Many slow clients, and a quick one beside them."""
    port = port_of(gateway.url)
    quick = post(chat("sim-fast"), key=gateway.key)

    async def main() -> tuple[list[Reply], list[Reply]]:
        slow = [asyncio.create_task(_drip(port, start, more)) for _ in range(SLOW)]
        served = await _quick(port, quick, slow)
        return [await task for task in slow], served

    return run(main())


def test_slow_headers(gateway: GatewayProcess) -> None:
    slow, served = _beside(
        gateway, b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n", b"x-a: " + b"y" * 200
    )
    assert {reply.status for reply in slow} == {408}
    assert {reply.code for reply in slow} == {"request_timeout"}
    _check_times(slow)
    assert len(served) > 20
    assert {reply.status for reply in served} == {200}
    assert max(reply.seconds for reply in served) < DEADLINE_S


def test_slow_bodies(gateway: GatewayProcess) -> None:
    start = head(key=gateway.key, length=5000)
    slow, served = _beside(gateway, start, b" " * 200)
    assert {reply.status for reply in slow} == {408}
    assert {reply.code for reply in slow} == {"request_timeout"}
    _check_times(slow)
    assert {reply.status for reply in served} == {200}
    assert max(reply.seconds for reply in served) < DEADLINE_S


def test_clients_that_say_nothing(gateway: GatewayProcess) -> None:
    """A connection without a request gets no answer, just its end."""
    slow, served = _beside(gateway, b"", b"")
    assert {(reply.status, reply.end) for reply in slow} == {(0, "fin")}
    _check_times(slow)
    assert {reply.status for reply in served} == {200}


def test_a_client_that_does_not_read_is_cut_and_settled(
    gateway: GatewayProcess, simulator: SimulatorProcess
) -> None:
    request = post(chat("sim-fast", 4_242, stream=True, simulate={"tokens": LONG}), key=gateway.key)
    forget_peak(gateway.pid)
    before = memory_kib(gateway.pid, "VmHWM")

    async def main() -> float:
        loop = asyncio.get_running_loop()
        async with connected(port_of(gateway.url)) as sock:
            await loop.sock_sendall(sock, request)
            began = time.monotonic()
            for wanted in (True, False):
                while await asyncio.to_thread(_active, gateway) is not wanted:
                    assert time.monotonic() - began < 20
                    await asyncio.sleep(0.05)
            return time.monotonic() - began

    assert run(main()) >= DEADLINE_S * 0.9, "the client was given its time"
    assert memory_kib(gateway.pid, "VmHWM") - before < 16 * 1024, "what it left unread waited at the provider"
    settle(gateway, simulator)
    one_row_each(gateway)
    row = gateway.query(
        "select e.outcome, e.status, l.usage_source, l.output_tokens from exchanges e join lines l "
        "on e.exchange_id = l.exchange_id where l.input_tokens = 4242"
    )
    assert row == [("disconnected", 200, "reported", LONG)], "drained to the end, like any client that leaves"
    assert billed(bill(simulator)) == booked(gateway)


def _active(gateway: GatewayProcess) -> bool:
    return b"waypost_exchanges_active 0.0" not in get(gateway.url + "/metrics")
