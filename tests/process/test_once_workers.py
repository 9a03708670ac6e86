"""Requests with one `idempotency-key` that meet several processes: one call upstream, whoever has it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway import GatewayProcess, config_for
from postgres_server import PostgresServer
from process.books import bill, settle, simulating, until
from process.crew import Crew
from process.talk import Reply, chat, exchange, port_of, run
from process.test_once import SLOW, asking
from simulated import SimulatorProcess

pytestmark = [pytest.mark.process, pytest.mark.timeout(150)]

LATE: dict[str, object] = {"tokens": 20, "ttft_ms": 2500, "tps": 200}


@pytest.fixture
def simulator() -> Iterator[SimulatorProcess]:
    with simulating() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def crew(request: pytest.FixtureRequest, tmp_path: Path, simulator: SimulatorProcess) -> Iterator[Crew]:
    server: PostgresServer | None = None
    where: dict[str, str] = {}
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        where = dict(server.new_database())
    made = Crew(tmp_path, simulator, where, server)
    yield made
    assert made.gateway.stop() == 0


async def many(port: int, request: bytes, count: int) -> list[Reply]:
    async def one() -> Reply:
        reply = Reply()
        with suppress(OSError):
            reply = await exchange(port, request, limit_s=60)
        return reply

    return list(await asyncio.gather(*(one() for _ in range(count))))


def again(reply: Reply) -> bool:
    return "x-waypost-replayed" in reply.headers


@pytest.mark.parametrize("stream", [False, True])
def test_two_workers_make_one_answer(crew: Crew, simulator: SimulatorProcess, stream: bool) -> None:
    port = port_of(crew.gateway.url)
    body = chat("sim-fast", 7, stream=stream, simulate=SLOW)
    request = asking(body, crew.gateway.key, "order-17")
    replies = run(many(port, request, 24))
    assert all(reply.complete for reply in replies), [(reply.status, reply.end) for reply in replies]
    assert len({reply.body for reply in replies}) == 1
    assert len({reply.exchange_id for reply in replies}) == 24
    assert [again(reply) for reply in replies].count(False) == 1
    late = run(many(port, request, 8))
    assert {(reply.body, again(reply)) for reply in late} == {(replies[0].body, True)}
    other = run(many(port, asking(chat("sim-fast", 9), crew.gateway.key, "order-17"), 8))
    assert {(reply.status, reply.code) for reply in other} == {(422, "idempotency_key_reused")}
    crew.books_are_right()
    assert bill(simulator).requests == 1
    assert crew.number("SELECT count(*) FROM lines") == 1
    until(lambda: crew.number("SELECT count(*) FROM claims") == 0, "the key is let go")


def test_a_worker_that_dies_blocks_no_key(crew: Crew, simulator: SimulatorProcess) -> None:
    port, before = port_of(crew.gateway.url), crew.workers()
    request = asking(chat("sim-fast", 7, simulate=LATE), crew.gateway.key, "order-17")

    async def killed() -> list[Reply]:
        asked = asyncio.ensure_future(many(port, request, 24))
        await asyncio.to_thread(until, lambda: bill(simulator).open == 1, "the request at the provider")
        (node,) = (str(row[0]) for row in crew.rows("SELECT node FROM claims"))
        os.kill(before[1 if node.endswith("-2") else 0], signal.SIGKILL)
        return await asked

    replies = run(killed())
    whole = [reply for reply in replies if reply.complete]
    assert whole, "the other worker's were answered"
    assert len({reply.body for reply in whole}) == 1
    assert [again(reply) for reply in whole].count(False) == 1
    late = run(many(port, request, 4))
    assert {(reply.body, again(reply)) for reply in late} == {(whole[0].body, True)}
    assert bill(simulator).requests == 2, "the lost one, and one more"


def test_two_nodes_make_one_answer(
    postgres: PostgresServer, tmp_path: Path, simulator: SimulatorProcess
) -> None:
    where, nodes = postgres.new_database(), []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        nodes.append(GatewayProcess(tmp_path / name, config_for(simulator.url), where))
    with nodes[0] as one, nodes[1] as other:
        for number, stream in enumerate((False, True)):
            body = chat("sim-fast", 7 + number, stream=stream, simulate=SLOW)
            request = asking(body, one.key, f"order-{number}")

            async def both(request: bytes = request) -> list[Reply]:
                asked = (many(port_of(node.url), request, 6) for node in (one, other))
                return [reply for replies in await asyncio.gather(*asked) for reply in replies]

            replies = run(both())
            assert all(reply.complete for reply in replies)
            assert len({reply.body for reply in replies}) == 1
            assert [again(reply) for reply in replies].count(False) == 1
        settle(one, simulator)
        assert bill(simulator).requests == 2
