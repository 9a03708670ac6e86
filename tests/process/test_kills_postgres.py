"""`kill -9` of gateways that share a PostgreSQL server, at random moments under load: the same sums as on SQLite."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from gateway import config_for
from postgres_server import PostgresServer
from process.books import bill, billed, booked, metrics, one_row_each, settle, simulating, sums_exact, until
from process.forked import nursery
from process.load import Load
from process.nodes import Node
from process.talk import run
from simulated import SimulatorProcess

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

SEED = 5
KILLS = 20


class Pair:
    """Two gateways, and what the clients of both were told."""

    def __init__(
        self, nodes: list[Node], simulator: SimulatorProcess, load: Load, dice: random.Random
    ) -> None:
        self.nodes = nodes
        self.simulator = simulator
        self.load = load
        self.dice = dice
        self.kills = 0

    def kill_some(self) -> None:
        """One of them or both, under load; they start again."""
        victims = self.nodes if self.dice.random() < 0.25 else [self.dice.choice(self.nodes)]

        async def killed() -> None:
            await asyncio.sleep(0.05 + self.dice.random() * 0.35)
            for node in victims:
                node.strike()

        run(self.load.until([node.url for node in self.nodes], killed))
        for node in victims:
            self.kills += node.kill_hard()
        for node in victims:
            node.start()

    def check(self) -> None:
        """What has to hold once all of them run again."""
        node = self.nodes[0]
        for each in self.nodes:
            settle(each, self.simulator)
            assert metrics(each)["waypost_dispatches_open"] == 0
        rows = node.query("select exchange_id, cost_nusd from exchanges")
        known = dict(rows)
        assert len(known) == len(rows)
        lost = {one for one, cost in self.load.acknowledged.items() if known.get(one) != cost}
        assert not lost, "an answer that a client has is on the books at the cost that it was told"
        one_row_each(node)
        sums_exact(node)
        ours, theirs = Counter(booked(node, source="reported")), Counter(billed(bill(self.simulator)))
        assert not ours - theirs, "no line that the provider did not bill"
        estimated = booked(node, source="estimated")
        assert ours.total() + len(estimated) == len(booked(node))
        assert max(len(estimated), (theirs - ours).total()) <= self.load.in_doubt
        odd = "select account_id from accounts a where leased_nusd <> (select coalesce(sum(amount_nusd), 0) " \
            "from leases l where l.account_id = a.account_id) or leased_nusd < 0"  # fmt: skip
        assert node.query(odd) == [], "what is set aside is what is leased"

    def leased(self) -> int:
        return int(str(self.nodes[0].query("select coalesce(sum(leased_nusd), 0) from accounts")[0][0]))


def test_twenty_kills_of_two_gateways_on_postgresql(tmp_path: Path, postgres: PostgresServer) -> None:
    dice = random.Random(SEED)
    where = postgres.new_database(prepared=True)
    with simulating() as simulator, nursery() as made_by:
        config = config_for(simulator.url)
        nodes = [Node(made_by, tmp_path / name, config, postgres, where) for name in ("a", "b")]
        with nodes[0], nodes[1]:
            key = nodes[0].create_key("--name", "rich", "--budget", "1000", "--per", "month")
            pair = Pair(nodes, simulator, Load([nodes[0].key, key], dice, 16), dice)
            for number in range(KILLS):
                pair.kill_some()
                if number % 5 == 4:
                    pair.check()
                if pair.kills >= KILLS:
                    break
            pair.check()
            until(lambda: pair.leased() == 0, "what the killed ones had leased is free")
            assert [node.stop() for node in nodes] == [0, 0]
            for node in nodes:
                assert list((node.data / "intents").iterdir()) == []
            (crashed,) = nodes[0].query("select count(*) from attempts where error = 'gateway_crashed'")[0]
    assert pair.kills >= KILLS
    assert int(str(crashed)) >= KILLS, "the kills did hit attempts under way"
    assert len(pair.load.acknowledged) > 10 * KILLS
