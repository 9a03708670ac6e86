"""PostgreSQL and Valkey that are slow, or restarted, under load: requests go on, the books are exact, and all heals."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from forwarded import Forwarder
from gateway import config_for
from postgres_server import PostgresServer
from process.books import bill, billed, booked, metrics, one_row_each, settle, simulating, sums_exact, until
from process.forked import nursery
from process.load import Load
from process.nodes import Node
from process.talk import Reply, chat, each, exchange, port_of, post, run
from simulated import SimulatorProcess
from valkey_server import valkey
from waypost.stores.sql.variables import URL

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

#: How long each piece is held back, each way: a database on another continent, and a Valkey that takes some times what
#: a request may wait for it.
DATABASE_S = 0.05
STORE_S = 0.3


class Rig:
    """A gateway that asks both servers over wires which can be slow."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.server = stack.enter_context(PostgresServer())
        self.simulator: SimulatorProcess = stack.enter_context(simulating())
        made_by = stack.enter_context(nursery())
        self.shared = ExitStack()
        store = self.shared.enter_context(valkey())
        stack.callback(self.shared.close)
        self.store_port = store.port
        self.to_database = stack.enter_context(Forwarder(self.server.port))
        self.to_store = stack.enter_context(Forwarder(store.port))
        where = self.server.new_database(prepared=True)
        where = {**where, URL: where[URL].replace(str(self.server.port), str(self.to_database.port))}
        shared = f"\nshared: {{url: 'redis://127.0.0.1:{self.to_store.port}'}}\n"
        self.node = Node(
            made_by, folder / "node", config_for(self.simulator.url, more=shared), self.server, where
        )
        stack.enter_context(self.node)
        self.plain = self.node.create_key("--name", "plain", "--rpm", "1000000")
        self.budgeted = self.node.create_key("--name", "rich", "--budget", "1000", "--per", "month")
        self.unknown = self.node.create_key("--name", "unknown", "--budget", "1")
        until(self.connected, "limits are counted there")

    def connected(self) -> bool:
        now = metrics(self.node)
        return bool(now["waypost_shared_connected"] and now["waypost_shared_limits_connected"])

    def fallbacks(self) -> float:
        return metrics(self.node)["waypost_shared_limits_fallbacks_total"]

    async def ask(self, key: str, times: int, at_once: int = 8) -> list[Reply]:
        """So many requests."""
        replies: list[Reply] = []

        async def one(_: int) -> None:
            request = post(chat("sim-fast", max_tokens=20), key=key)
            replies.append(await exchange(port_of(self.node.url), request))

        await each(times, at_once, one)
        return replies

    def restart_store(self) -> None:
        """Another server in its place, which knows nothing."""
        self.shared.close()
        self.shared.enter_context(valkey(self.store_port))

    def check(self) -> None:
        """The books are those of the provider."""
        settle(self.node, self.simulator)
        one_row_each(self.node)
        sums_exact(self.node)
        assert Counter(booked(self.node)) == Counter(billed(bill(self.simulator))), "line by line"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with ExitStack() as stack:
        yield Rig(tmp_path_factory.mktemp("rig"), stack)


def told(replies: list[Reply]) -> Counter[int]:
    return Counter(reply.status for reply in replies)


def test_a_slow_database_is_not_waited_for_by_those_who_are_known(rig: Rig) -> None:
    for key in (rig.plain, rig.budgeted):
        until(lambda key=key: told(run(rig.ask(key, 10))) == {200: 10}, "it is known")  # type: ignore[misc]
    rig.to_database.delay_s = DATABASE_S
    assert told(run(rig.ask(rig.plain, 100))) == {200: 100}, "no request waits for the database"
    assert set(told(run(rig.ask(rig.budgeted, 100)))) <= {200, 503}, (
        "leases are asked for, or it is to come again"
    )
    assert metrics(rig.node)["waypost_dispatches_open"] == 0
    until(
        lambda: told(run(rig.ask(rig.unknown, 1))) == {200: 1},
        "one that is not known is looked up, in its time",
    )
    rig.to_database.delay_s = 0.0
    until(lambda: told(run(rig.ask(rig.budgeted, 20))) == {200: 20}, "all is as before")
    rig.check()


def test_a_slow_valkey_costs_a_request_what_is_allowed_and_no_more(rig: Rig) -> None:
    assert told(run(rig.ask(rig.plain, 10))) == {200: 10}
    before = rig.fallbacks()
    rig.to_store.delay_s = STORE_S
    assert told(run(rig.ask(rig.plain, 50))) == {200: 50}, "held to the node's share, which has room"
    assert rig.fallbacks() > before
    rig.to_store.delay_s = 0.0

    def counted() -> bool:
        known = rig.fallbacks()
        return told(run(rig.ask(rig.plain, 5, 1))) == {200: 5} and rig.fallbacks() == known

    until(counted, "they are counted there again")
    until(rig.connected, "and health is shared")
    rig.check()


def test_both_are_restarted_under_load(rig: Rig) -> None:
    load = Load([rig.plain, rig.budgeted], random.Random(3), 8)

    async def restarts() -> None:
        await asyncio.to_thread(until, lambda: len(load.acknowledged) > 50, "there is load")
        rig.to_database.delay_s = rig.to_store.delay_s = 0.02  # and slow while they come back
        await asyncio.to_thread(rig.server.stop)
        await asyncio.to_thread(rig.restart_store)
        await asyncio.to_thread(rig.server.start)
        reached = len(load.acknowledged)
        await asyncio.to_thread(until, lambda: len(load.acknowledged) > reached + 50, "it goes on by itself")
        rig.to_database.delay_s = rig.to_store.delay_s = 0.0

    run(load.until([rig.node.url], restarts), 120.0)
    assert load.in_doubt == 0, "every request was answered, or told to come again"
    until(rig.connected, "both are asked again")
    until(lambda: told(run(rig.ask(rig.budgeted, 20))) == {200: 20}, "budgets are leased again")
    rig.check()
    known = dict(rig.node.query("select exchange_id, cost_nusd from exchanges"))
    assert {one: known.get(one) for one in load.acknowledged} == load.acknowledged
