"""`kill -9` at random moments, a hundred times on one data folder: no cent is lost or counted twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from gateway import GatewayProcess, config_for
from process.books import (
    bill,
    billed,
    booked,
    metrics,
    one_row_each,
    settle,
    simulating,
    sums_exact,
)
from process.forked import ForkedGateway, nursery
from process.load import Load
from process.talk import Reply, chat, exchange, port_of, post, run
from waypost.stores.writer_process import read_writer

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

SEED = 9
KILLS = 100
CLIENTS = 12
#: The books are looked at after every so many starts, and at the end.
LOOK = 4
#: What a life comes to, and how often: killed while it starts, under load, with its writer killed a moment before,
#: and while it drains.
ENDS = {"start": 30, "load": 40, "writer": 15, "drain": 15}


class Lives:
    """Of one gateway. The dice decide on the moments."""

    def __init__(self, gateway: ForkedGateway, load: Load, dice: random.Random) -> None:
        self.gateway = gateway
        self.load = load
        self.dice = dice
        self.kills = Counter[str]()
        self.ready = 0

    def one(self, end: str) -> None:
        """Start it, and kill it."""
        gateway = self.gateway
        gateway.begin()
        if end == "start":
            run(asyncio.sleep(self.dice.random() * 0.35))  # the random moment itself
            killed = gateway.kill_hard()
        else:
            gateway.ready()
            self.ready += 1
            if self.ready % LOOK == 0:
                self.check()
            run(self.load.until([gateway.url], lambda: self._under_load(end)))
            killed = gateway.kill_hard()
        self.kills[end] += killed

    async def _under_load(self, end: str) -> None:
        await asyncio.sleep(0.03 + self.dice.random() * 0.2)
        if end == "writer":
            writer = read_writer(self.gateway.data)
            if writer is not None:
                with suppress(ProcessLookupError):
                    os.kill(writer, signal.SIGKILL)
            await asyncio.sleep(self.dice.random() * 0.15)
        elif end == "drain":
            os.kill(self.gateway.pid, signal.SIGTERM)
            await asyncio.sleep(self.dice.random() * 0.1)
        self.gateway.strike()

    def check(self) -> None:
        """What has to hold after a start, however the last life ended."""
        gateway, load = self.gateway, self.load
        settle(gateway)
        rows = gateway.query("select exchange_id, cost_nusd from exchanges")
        known = dict(rows)
        assert len(known) == len(rows)
        lost = {one for one, cost in load.acknowledged.items() if known.get(one) != cost}
        assert not lost, "an answer that a client has is on the books at the cost that it was told"
        one_row_each(gateway)
        sums_exact(gateway)
        assert metrics(gateway)["waypost_dispatches_open"] == 0
        assert gateway.query("select distinct state from attempts where state not in "
                             "('settled', 'voided', 'unknown')") == []  # fmt: skip
        crashed = gateway.query(
            "select a.error, a.state, l.usage_source, l.cost_nusd, e.outcome from attempts a "
            "join lines l on a.attempt_id = l.attempt_id join exchanges e on a.exchange_id = e.exchange_id "
            "where a.error = 'gateway_crashed'"
        )
        assert all(row[1:3] == ("settled", "estimated") for row in crashed)
        assert all(row[3] is not None and row[4] == "failed" for row in crashed)
        assert len(crashed) <= load.in_doubt


def test_a_hundred_kills(tmp_path: Path) -> None:
    """All of them on the real gateway process with its real writer process; only its modules are not read anew each
    time (`process.forked`)."""
    dice = random.Random(SEED)
    with simulating() as simulator, nursery() as made_by:
        gateway = ForkedGateway(made_by, tmp_path, config_for(simulator.url, more="\nmarkup: 2.5%\n"))
        gateway.start()
        keys = [gateway.key, gateway.create_key("--name", "rich", "--budget", "1000", "--per", "month")]
        poor = gateway.create_key("--name", "poor", "--budget", "0.001")
        _spend(gateway, poor)
        gateway.kill()
        lives = Lives(gateway, Load(keys, dice, CLIENTS), dice)
        while (done := sum(lives.kills.values())) < KILLS:
            # One of each kind first, so that all are there whatever the dice say.
            kinds = list(ENDS)
            lives.one(kinds[done] if done < len(kinds) else dice.choices(kinds, list(ENDS.values()))[0])
        with gateway:
            settle(gateway, simulator)
            lives.check()
            _bills_agree(lives.load, gateway, billed(bill(simulator)))
            assert _ask(gateway, poor).status == 402, "what the key has spent survives"
            assert gateway.stop() == 0
            assert list((gateway.data / "intents").iterdir()) == [], "a clean stop leaves nothing"
            gateway.start()
            lives.check()
            assert all(_ask(gateway, key).status == 200 for key in keys)
            (crashed,) = gateway.query("select count(*) from attempts where error = 'gateway_crashed'")[0]
    assert int(str(crashed)) > KILLS, "the kills did hit attempts under way"
    assert len(lives.load.acknowledged) > 10 * KILLS
    assert min(lives.kills[end] for end in ENDS) >= 3


def _ask(gateway: GatewayProcess, key: str) -> Reply:
    return run(exchange(port_of(gateway.url), post(chat("sim-fast", max_tokens=20), key=key)))


def _spend(gateway: GatewayProcess, key: str) -> None:
    """Use up a small budget."""
    statuses = [_ask(gateway, key).status for _ in range(60)]
    assert statuses[0] == 200
    assert statuses[-1] == 402


def _bills_agree(load: Load, gateway: GatewayProcess, theirs: list[tuple[int, ...]]) -> None:
    """What is not an estimate is on the provider's bill, line for line; what else is there was in doubt."""
    ours = Counter(booked(gateway, source="reported"))
    bill = Counter(theirs)
    assert not ours - bill, "no line that the provider did not bill"
    estimated = booked(gateway, source="estimated")
    assert (bill - ours).total() <= load.in_doubt
    assert len(estimated) <= load.in_doubt
    assert ours.total() >= len(load.acknowledged)
    assert ours.total() + len(estimated) == len(booked(gateway))
