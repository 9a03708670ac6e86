"""A stop lets what runs come to its end; a reload lets nobody notice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import GatewayProcess, config_for
from process.books import (
    bill,
    billed,
    booked,
    get,
    metrics,
    one_row_each,
    settle,
    simulating,
    sums_exact,
    until,
)
from process.talk import Reply, chat, exchange, port_of, post, run
from simulated import SimulatorProcess

pytestmark = [pytest.mark.process, pytest.mark.timeout(60)]

STREAMS = 200
RELOADS = 8


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with simulating() as running:
        yield running


def _active(gateway: GatewayProcess) -> int:
    return int(metrics(gateway)["waypost_exchanges_active"])


async def _streams(gateway: GatewayProcess, first: int, tokens: int) -> list[asyncio.Task[Reply]]:
    """That many tokens, 25 a second, to each of 200 clients; returns when all of them have begun."""
    simulate: dict[str, object] = {"tokens": tokens, "tps": 25}
    tasks = [
        asyncio.create_task(
            exchange(
                port_of(gateway.url),
                post(chat("sim-fast", first + number, stream=True, simulate=simulate), key=gateway.key),
                limit_s=40,
            )
        )
        for number in range(STREAMS)
    ]
    await asyncio.to_thread(until, lambda: _active(gateway) == STREAMS, "all streams begun")
    return tasks


def _wait(gateway: GatewayProcess) -> int:
    process = gateway.process
    assert process is not None
    return process.wait(30)


def test_a_stop_lets_streams_end(tmp_path: Path, simulator: SimulatorProcess) -> None:
    environ = {"WAYPOST_DRAIN_DELAY": "500ms"}
    with GatewayProcess(tmp_path, config_for(simulator.url), environ) as gateway:
        request = post(chat("sim-fast", 99), key=gateway.key)
        port = port_of(gateway.url)

        async def main() -> tuple[list[Reply], Reply, list[Reply]]:
            streams = await _streams(gateway, 100, 50)
            os.kill(gateway.pid, signal.SIGTERM)
            await asyncio.to_thread(until, lambda: not _ready(gateway), "unready")
            meanwhile = await exchange(port, request)
            late = []
            while not late or late[-1].status:
                late.append(await exchange(port, request))
                await asyncio.sleep(0.02)
            assert not any(task.done() for task in streams), "it is closed to new work while streams run"
            return [await task for task in streams], meanwhile, late

        done, meanwhile, late = run(main())
        assert _wait(gateway) == 0
        assert all(reply.complete for reply in done)
        assert meanwhile.status == 200, "load balancers are given time to see that it is unready"
        assert {reply.status for reply in late} <= {200, 503, 0}
        assert late[-1].end == "rst", "nothing listens any more"
        one_row_each(gateway)
        rows = gateway.query("select outcome, count(*) from exchanges where stream group by outcome")
        assert rows == [("ok", STREAMS)]
        assert billed(bill(simulator)) == booked(gateway)
        assert list((gateway.data / "intents").iterdir()) == []


def _ready(gateway: GatewayProcess) -> bool:
    try:
        get(gateway.url + "/readyz")
    except urllib.error.HTTPError as error:
        error.close()
        return error.code != 503
    return True


def test_a_stop_cuts_streams_that_take_too_long(tmp_path: Path, simulator: SimulatorProcess) -> None:
    with GatewayProcess(tmp_path, config_for(simulator.url, more="server: {drain: 1s}")) as gateway:

        async def main() -> tuple[list[Reply], float]:
            streams = await _streams(gateway, 200, 500)
            began = time.monotonic()
            os.kill(gateway.pid, signal.SIGTERM)
            return [await task for task in streams], time.monotonic() - began

        cut, seconds = run(main())
        assert _wait(gateway) == 0
        assert 0.9 <= seconds < 6
        assert {(reply.status, reply.end, reply.stream_error) for reply in cut} == {
            (200, "whole", "draining")
        }
        assert not any(b"[DONE]" in reply.body for reply in cut)
        one_row_each(gateway)
        sums_exact(gateway)
        rows = gateway.query(
            "select e.outcome, e.error, a.state, l.usage_source, count(*), min(l.output_tokens) from exchanges e "
            "join attempts a on a.exchange_id = e.exchange_id join lines l on l.attempt_id = a.attempt_id "
            "group by 1, 2, 3, 4"
        )
        assert [row[:5] for row in rows] == [("cut", "draining", "settled", "partial", STREAMS)]
        assert int(str(rows[0][5])) >= 15, "a second and more of tokens was counted"
        assert list((gateway.data / "intents").iterdir()) == []


def test_reloads_under_load(tmp_path: Path, simulator: SimulatorProcess) -> None:
    """By SIGHUP, by `waypost reload` and by the file alone: no request fails, and each change is in force."""
    base = config_for(simulator.url)
    with GatewayProcess(tmp_path, base) as gateway:
        port = port_of(gateway.url)
        replies: list[Reply] = []

        async def client(stop: asyncio.Event, number: int) -> None:
            while not stop.is_set():
                number += 1
                simulate: dict[str, object] = {"tokens": 8, "tps": 100} if number % 2 else {}
                body = chat("sim-fast", number, stream=bool(number % 2), simulate=simulate)
                replies.append(await exchange(port, post(body, key=gateway.key)))

        async def in_force(model: str) -> None:
            body = post(chat(model), key=gateway.key)
            end = time.monotonic() + 10
            while (reply := await exchange(port, body)).status == 404:
                assert time.monotonic() < end, f"{model} did not come into force"
                await asyncio.sleep(0.02)
            assert reply.status == 200

        async def main() -> None:
            stop = asyncio.Event()
            clients = [asyncio.create_task(client(stop, 100_000 * lane)) for lane in range(1, 9)]
            for number in range(RELOADS):
                model = f"new-{number}"
                extra = f"  - {{name: {model}, targets: [{{provider: sim, model: sim-fast}}]}}\ndiscovery:"
                gateway.config.write_text(base.replace("discovery:", extra))
                if number % 3 == 0:
                    os.kill(gateway.pid, signal.SIGHUP)
                elif number % 3 == 1:
                    await asyncio.to_thread(_reload, gateway)
                await in_force(model)
            version = metrics(gateway)["waypost_config_version"]
            gateway.config.write_text(base + "\nnonsense: 1\n")
            os.kill(gateway.pid, signal.SIGHUP)
            await asyncio.to_thread(
                until, lambda: "nonsense" in gateway.log_file.read_text(), "the fault in the log"
            )
            refused = await asyncio.to_thread(_reload, gateway)
            assert refused.returncode != 0
            assert b"nonsense" in refused.stdout + refused.stderr
            await in_force(f"new-{RELOADS - 1}")
            assert metrics(gateway)["waypost_config_version"] == version, "the old one stays in force"
            stop.set()
            await asyncio.gather(*clients)

        run(main())
        settle(gateway, simulator)
        assert len(replies) > 200
        assert [reply for reply in replies if not reply.complete] == []
        assert gateway.stop() == 0


def _reload(gateway: GatewayProcess) -> subprocess.CompletedProcess[bytes]:
    command = [*gateway.command("reload"), "--config", str(gateway.config)]
    return subprocess.run(command, capture_output=True, timeout=20)
