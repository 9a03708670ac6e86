"""`kill -9` of a gateway at chosen moments, and of its writer. At random ones: `test_kills.py`."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from gateway import GatewayProcess, config_for
from process.books import metrics, one_row_each, settle, simulating, sums_exact, until
from process.load import Load, cost_of
from process.talk import Reply, chat, exchange, port_of, post, run
from waypost.stores.writer_process import read_writer

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

SEED = 9


def test_a_killed_stream_is_settled_at_its_last_checkpoint(tmp_path: Path) -> None:
    simulate: dict[str, object] = {"tokens": 1000, "tps": 50}
    with simulating() as simulator, GatewayProcess(tmp_path, config_for(simulator.url)) as gateway:
        body = chat("sim-fast", 7, stream=True, simulate=simulate)
        request = post(body, key=gateway.create_key("--name", "streamer", "--budget", "1"))

        def checkpointed() -> bool:
            files = (gateway.data / "intents").iterdir()
            return any(b" C " in line[:16] for file in files for line in file.read_bytes().splitlines())

        async def main() -> Reply:
            answer = asyncio.create_task(exchange(port_of(gateway.url), request))
            await asyncio.to_thread(until, checkpointed, "a checkpoint in the intents file")
            os.kill(gateway.pid, signal.SIGKILL)
            return await answer

        reply = run(main())
        delivered = sum(b'"content":' in event for event in reply.events)
        gateway.kill()
        gateway.start()
        sums_exact(gateway)
        rows = gateway.query("select exchange_id, output_tokens, usage_source, cost_nusd from lines")
        assert len(rows) == 1
        exchange_id, output, source, cost = rows[0]
        assert (exchange_id, source) == (reply.exchange_id, "estimated")
        assert 50 <= int(str(output)) <= delivered, "some two seconds of 50 tokens each"
        assert int(str(cost)) >= int(str(output)) * 2000


def test_killing_the_writer_under_load_costs_nothing(tmp_path: Path) -> None:
    """The gateway goes on, says for a moment that it is not ready, and starts another writer."""
    with simulating() as simulator, GatewayProcess(tmp_path, config_for(simulator.url)) as gateway:
        key = gateway.create_key("--name", "rich", "--budget", "1000", "--per", "month")
        load = Load([key], random.Random(SEED))
        port = port_of(gateway.url)
        refused = 0

        async def client() -> int:
            nonlocal refused
            for _ in range(60):
                reply = await exchange(port, post(load.body(), key=key))
                if reply.complete:
                    load.acknowledged[reply.exchange_id] = cost_of(reply)
                else:
                    assert (reply.status, reply.end) == (503, "whole")
                    refused += 1
                    await asyncio.sleep(0.01)
            return 1

        async def main() -> None:
            clients = [asyncio.create_task(client()) for _ in range(8)]
            for _ in range(3):
                before = metrics_of("waypost_ledger_writer_starts")
                pid = await asyncio.to_thread(writer_of, gateway)
                os.kill(pid, signal.SIGKILL)
                await asyncio.to_thread(
                    until,
                    lambda before=before: metrics_of("waypost_ledger_writer_starts") == before + 1,
                    "another writer",
                )
            assert sum(await asyncio.gather(*clients)) == 8

        def metrics_of(name: str) -> float:
            return metrics(gateway)[name]

        run(main())
        settle(gateway, simulator)
        rows = dict(gateway.query("select exchange_id, cost_nusd from exchanges where status = 200"))
        assert rows == load.acknowledged
        one_row_each(gateway)
        sums_exact(gateway)
        assert len(load.acknowledged) + refused == 8 * 60
        assert gateway.stop() == 0
        assert list((gateway.data / "intents").iterdir()) == []


def writer_of(gateway: GatewayProcess) -> int:
    """The process id of the gateway's writer, once there is one."""
    until(lambda: read_writer(gateway.data) is not None, "a writer")
    pid = read_writer(gateway.data)
    assert pid is not None
    return pid


def test_the_writer_ends_with_its_gateway(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, config_for("http://127.0.0.1:9/v1"))
    with gateway:
        pid = writer_of(gateway)
        assert gateway.stop() == 0
        assert not Path(f"/proc/{pid}").exists(), "a clean stop waits for it"
        gateway.start()
        pid = writer_of(gateway)
        gateway.kill()
        until(lambda: read_writer(gateway.data) is None, "the writer gone")
        until(lambda: not Path(f"/proc/{pid}").exists(), "its process gone")
