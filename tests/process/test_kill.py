"""`kill -9` at random moments under load, 20 times on one data folder: no cent is lost or counted twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

import msgspec
import pytest

from gateway import GatewayProcess, config_for
from process.books import (
    Booked,
    bill,
    billed,
    booked,
    metrics,
    one_row_each,
    settle,
    simulating,
    sums_exact,
    until,
)
from process.talk import Reply, chat, exchange, port_of, post, run
from waypost.core.money import parse_usd
from waypost.stores.writer_process import read_writer

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

SEED = 9
KILLS = 20
CLIENTS = 24


class _Usage(msgspec.Struct):
    prompt_tokens: int
    cost: msgspec.Raw


class _Answer(msgspec.Struct):
    usage: _Usage | None = None


class Load:
    """Clients that ask without a pause until the gateway dies. `acknowledged`: exchange id → cost in nano-dollars."""

    def __init__(self, keys: list[str], dice: random.Random) -> None:
        self.keys = keys
        self.dice = dice
        self.number = 0
        self.acknowledged: dict[str, int] = {}
        self.in_doubt = 0
        """Requests that were sent and never answered whole."""

    async def until_killed(self, gateway: GatewayProcess) -> None:
        """Load for a moment, then SIGKILL in the middle of it."""
        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(self._client(port_of(gateway.url)))
            await asyncio.sleep(0.05 + self.dice.random() * 0.5)
            os.kill(gateway.pid, signal.SIGKILL)

    async def _client(self, port: int) -> None:
        while True:
            self.number += 1
            body = self._body(self.number)
            reply = await exchange(port, post(body, key=self.dice.choice(self.keys)))
            if reply.complete:
                self.acknowledged[reply.exchange_id] = _cost(reply)
                continue
            assert reply.status in (0, 200), reply
            self.in_doubt += 1
            return

    def _body(self, number: int) -> dict[str, object]:
        simulate: dict[str, object] = {"tokens": self.dice.randint(1, 12)}
        if self.dice.random() < 0.7:
            simulate |= {"ttft_ms": self.dice.randint(1, 30), "tps": 400}
        return chat("sim-fast", number, stream=self.dice.random() < 0.5, simulate=simulate, max_tokens=50)


def _cost(reply: Reply) -> int:
    """What the client was told that its answer costs."""
    whole = reply.events[-2] if reply.streamed else reply.body
    usage = msgspec.json.decode(whole, type=_Answer).usage
    assert usage is not None
    return parse_usd(bytes(usage.cost).decode())


def test_twenty_kills_under_load(tmp_path: Path) -> None:
    with simulating() as simulator:
        gateway = GatewayProcess(tmp_path, config_for(simulator.url, more="\nmarkup: 2.5%\n"))
        with gateway:
            keys = [gateway.key, gateway.create_key("--name", "rich", "--budget", "1000", "--per", "month")]
            poor = gateway.create_key("--name", "poor", "--budget", "0.001")
            load = Load(keys, random.Random(SEED))
            _spend(gateway, poor)
            for _ in range(KILLS):
                run(load.until_killed(gateway))
                gateway.kill()
                gateway.start()
                settle(gateway, simulator)
                _check(gateway, load)
                assert _ask(gateway, poor).status == 402, "what the key has spent survives"
            _bills_agree(load, billed(bill(simulator)), booked(gateway))
            assert gateway.stop() == 0
            assert [file.name for file in (gateway.data / "intents").iterdir()] == [], (
                "a clean stop leaves nothing"
            )
            gateway.start()
            _check(gateway, load)
            assert all(_ask(gateway, key).status == 200 for key in keys)
            (crashed,) = gateway.query("select count(*) from attempts where error = 'gateway_crashed'")[0]
    assert int(str(crashed)) > KILLS, "the kills did hit attempts under way"
    assert len(load.acknowledged) > KILLS * CLIENTS


def _ask(gateway: GatewayProcess, key: str) -> Reply:
    return run(exchange(port_of(gateway.url), post(chat("sim-fast", max_tokens=20), key=key)))


def _spend(gateway: GatewayProcess, key: str) -> None:
    """Use up a small budget."""
    statuses = [_ask(gateway, key).status for _ in range(60)]
    assert statuses[0] == 200
    assert statuses[-1] == 402


def _check(gateway: GatewayProcess, load: Load) -> None:
    """What has to hold after every start."""
    rows = gateway.query("select exchange_id, cost_nusd from exchanges")
    known = dict(rows)
    assert len(known) == len(rows)
    lost = {one for one, cost in load.acknowledged.items() if known.get(one) != cost}
    assert not lost, "an answer that a client has is on the books at the cost that it was told"
    one_row_each(gateway)
    sums_exact(gateway)
    assert metrics(gateway)["waypost_dispatches_open"] == 0
    crashed = gateway.query(
        "select a.error, a.state, l.usage_source, l.cost_nusd, e.outcome from attempts a "
        "join lines l on a.attempt_id = l.attempt_id join exchanges e on a.exchange_id = e.exchange_id "
        "where a.error is not null"
    )
    assert all(row[:3] == ("gateway_crashed", "settled", "estimated") for row in crashed)
    assert all(row[3] is not None and row[4] == "failed" for row in crashed)
    assert len(crashed) <= load.in_doubt


def _bills_agree(load: Load, theirs: list[Booked], ours: list[Booked]) -> None:
    """Lines that were not estimated are on the bill as they are in the ledger; only those in doubt may differ."""
    differing = len(set(theirs) ^ set(ours))
    assert differing <= 2 * load.in_doubt
    assert load.in_doubt <= KILLS * CLIENTS
    assert len(set(ours) & set(theirs)) >= len(load.acknowledged)


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
                load.number += 1
                reply = await exchange(port, post(load._body(load.number), key=key))
                if reply.complete:
                    load.acknowledged[reply.exchange_id] = _cost(reply)
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
