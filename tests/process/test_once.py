"""Requests with an `idempotency-key` against the real gateway: one bill, and an answer that survives `kill -9`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from gateway import GatewayProcess, config_for
from process.books import bill, billed, booked, one_row_each, settle, simulating, sums_exact, until
from process.talk import Reply, chat, exchange, head, port_of, run

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

SLOW: dict[str, object] = {"tokens": 40, "ttft_ms": 300, "tps": 200}


def asking(body: object, key: str, said: str) -> bytes:
    data = msgspec.json.encode(body)
    return head(key=key, length=len(data), more=[f"idempotency-key: {said}"]) + data


async def many(port: int, request: bytes, count: int) -> list[Reply]:
    return list(await asyncio.gather(*(exchange(port, request) for _ in range(count))))


def test_fifty_at_once_are_one_request_on_the_bill(tmp_path: Path) -> None:
    with simulating() as simulator, GatewayProcess(tmp_path, config_for(simulator.url)) as gateway:
        key = gateway.create_key("--name", "app", "--budget", "1")
        port = port_of(gateway.url)
        for number, stream in enumerate((False, True)):
            body = chat("sim-fast", 7 + number, stream=stream, simulate=SLOW)
            replies = run(many(port, asking(body, key, f"order-{number}"), 50))
            assert all(reply.complete for reply in replies)
            assert len({reply.body for reply in replies}) == 1
            assert len({reply.exchange_id for reply in replies}) == 50
            assert sum("x-waypost-replayed" not in reply.headers for reply in replies) == 1
        other = run(exchange(port, asking(chat("sim-fast", 9), key, "order-0")))
        assert (other.status, other.code) == (422, "idempotency_key_reused")
        settle(gateway, simulator)
        page = bill(simulator)
        assert page.requests == page.lines == 2
        assert billed(page) == booked(gateway)
        one_row_each(gateway)
        sums_exact(gateway)
        rows = gateway.query(
            "select outcome, count(*), sum(cost_nusd) from exchanges group by outcome order by 1"
        )
        assert rows == [("ok", 100, page.total_nusd), ("refused", 1, None)]


def test_a_kept_answer_survives_a_kill_and_a_lost_one_is_asked_for_again(tmp_path: Path) -> None:
    with simulating() as simulator, GatewayProcess(tmp_path, config_for(simulator.url)) as gateway:
        kept = [
            asking(chat("sim-fast", 5 + stream, stream=bool(stream)), gateway.key, f"kept-{stream}")
            for stream in (0, 1)
        ]
        before = [run(exchange(port_of(gateway.url), request)) for request in kept]
        assert all(reply.complete for reply in before)
        lost = asking(chat("sim-fast", 11, stream=True, simulate=SLOW), gateway.key, "lost")

        async def cut() -> Reply:
            answer = asyncio.create_task(exchange(port_of(gateway.url), lost))
            await asyncio.to_thread(until, lambda: bill(simulator).open == 1, "the request at the provider")
            gateway.kill()
            return await answer

        assert not run(cut()).complete
        gateway.start()
        after = [run(exchange(port_of(gateway.url), request)) for request in kept]
        assert [reply.body for reply in after] == [reply.body for reply in before]
        assert [reply.headers["x-waypost-original-request-id"] for reply in after] == [
            reply.exchange_id for reply in before
        ]
        assert bill(simulator).requests == 3
        again = run(exchange(port_of(gateway.url), lost))
        assert again.complete
        assert "x-waypost-replayed" not in again.headers
        settle(gateway, simulator)
        assert bill(simulator).requests == 4
        one_row_each(gateway)
        sums_exact(gateway)
