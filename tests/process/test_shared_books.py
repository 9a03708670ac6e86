"""Several gateways, one PostgreSQL: one set of books. Budgets hold across nodes, whatever becomes of them and of the
server."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import GatewayProcess, config_for
from postgres_server import PostgresServer
from process.books import metrics, settle, simulating, until
from process.talk import Reply, chat, exchange, port_of, post, run
from severed import Wire
from simulated import SimulatorProcess
from waypost.core.budget import Budget
from waypost.core.credit import entry, used_of
from waypost.core.people import Organization, Project, Team
from waypost.core.scope import ScopeKind
from waypost.stores.sql.credits import CreditRows
from waypost.stores.sql.keys import KeyRows, NewKey
from waypost.stores.sql.objects import ObjectRows
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.variables import URL

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

DOLLAR = 1_000_000_000
DEAR = """
  - {name: dear, targets: [{provider: sim, model: sim-fast}], prices: {input: 100, output: 400}}
discovery:"""
SIX: tuple[tuple[ScopeKind, str], ...] = (
    ("organization", "org"),
    ("team", "team"),
    ("project", "proj"),
    ("tag", "beta"),
    ("model", "sim-fast"),
    ("route", "dear"),
)


class Cluster:
    """A server, a simulator and two gateways, of which the second one asks the server over a wire that can be cut."""

    def __init__(
        self, server: PostgresServer, simulator: SimulatorProcess, folder: Path, more: str = ""
    ) -> None:
        self.server = server
        self.simulator = simulator
        self.where = server.new_database()
        self.folder = folder
        config = config_for(simulator.url, more=more).replace("\ndiscovery:", DEAR, 1)
        self.nodes = []
        self.wire = Wire(server.port)
        for name, port in (("a", server.port), ("b", self.wire.port)):
            (folder / name).mkdir()
            where = {**self.where, URL: self.where[URL].replace(str(server.port), str(port))}
            self.nodes.append(GatewayProcess(folder / name, config, where))
        for node in self.nodes:
            node.start()

    def rows(self, sql: str) -> list[list[object]]:
        with self.server.connection(self.where[URL].rpartition("/")[2]) as connection:
            return [list(row) for row in connection.run(sql)]

    def credit(self, name: str, nusd: int) -> None:
        """Add to what an organization has paid beforehand."""
        database = open_database(self.folder, self.where)
        assert database is not None
        rows = CreditRows(database)
        number = len(rows.all(f"org_{name}"))
        rows.add(entry(f"{name}-{number}", f"org_{name}", 1.0 + number, "topup", nusd))
        database.close()

    def key(self, name: str, limit_nusd: int, scopes: tuple[tuple[ScopeKind, str], ...]) -> str:
        """A new key, in an organization of its own, whose scopes have this budget each."""
        database = open_database(self.folder, self.where)
        assert database is not None
        objects, keys = ObjectRows(database, lambda: 1.0), KeyRows(database)
        home, team, project = f"org_{name}", f"team_{name}", f"proj_{name}"
        for each in (Organization(home, name), Team(team, home, "web"), Project(project, home, "search")):
            objects.put(each)
        for scope, told in scopes:
            scope_id = f"{told}_{name}" if told in ("org", "team", "proj") else told
            objects.put(Budget(f"bud_{name}_{scope}", home, scope, scope, scope_id, limit_nusd, "total"))
        new = NewKey(name, organization_id=home, team_id=team, project_id=project, tags=("beta",))
        issued, _ = keys.create(new, 1.0, os.urandom)
        wanted = objects.version()
        database.close()
        for node in self.nodes:
            until(
                lambda node=node: metrics(node)["waypost_directory_version"] >= wanted, "its rules are known"
            )  # type: ignore[misc]
        return issued.text

    def leased(self) -> int:
        return int(str(self.rows("SELECT coalesce(sum(leased_nusd), 0) FROM accounts")[0][0]))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with PostgresServer(durable=True) as server, simulating() as simulator:
        made = Cluster(server, simulator, tmp_path_factory.mktemp("cluster"))
        yield made
        for node in made.nodes:
            node.stop()
        with made.wire:
            pass


async def ask(port: int, key: str, model: str = "dear") -> Reply:
    return await exchange(port, post(chat(model, max_tokens=20), key=key), limit_s=100.0)


async def ask_again(port: int, key: str) -> Reply:
    """As clients do that are told to come again, since the database was slow: two processors are busy with all of it,
    and a lease that takes more than a second is not waited for."""
    reply = await ask(port, key)
    for _ in range(60):
        if reply.status != 503 or reply.headers.get("retry-after") is None:
            break
        await asyncio.sleep(0.1)
        reply = await ask(port, key)
    return reply


async def ask_all(
    cluster: Cluster, key: str, times: int, at_once: int = 100, *, again: bool = False
) -> Counter[int]:
    """So many requests, to each node in turn."""
    ports, places, told = (
        [port_of(node.url) for node in cluster.nodes],
        asyncio.Semaphore(at_once),
        Counter[int](),
    )

    async def one(number: int) -> None:
        async with places:
            told[(await (ask_again if again else ask)(ports[number % len(ports)], key)).status] += 1

    await asyncio.gather(*(one(number) for number in range(times)))
    return told


def test_six_scopes_of_a_dollar_and_500_requests_at_once(cluster: Cluster) -> None:
    key = cluster.key("six", DOLLAR, SIX)
    told = run(ask_all(cluster, key, 500, 500, again=True), 150.0)
    for node in cluster.nodes:
        settle(node)
    assert set(told) == {200, 402}
    accounts = cluster.rows("SELECT posted_nusd, lines FROM accounts WHERE scope <> 'key'")
    assert len(accounts) == 6
    (posted, lines), *others = accounts
    assert all(each == [posted, lines] for each in others)
    assert lines == told[200]
    assert 0.95 * DOLLAR <= int(str(posted)) <= DOLLAR
    until(lambda: cluster.leased() == 0, "what is left over went back")


def test_credit_holds_across_nodes_and_more_of_it_reaches_all(cluster: Cluster) -> None:
    key = cluster.key("paid", 20 * DOLLAR, (("team", "team"),))
    cluster.credit("paid", 1)
    ports = [port_of(node.url) for node in cluster.nodes]

    def answers(status: int) -> bool:
        return all(run(ask(port, key)).status == status for port in ports)

    until(lambda: answers(402), "each node knows that there is next to none")
    cluster.credit("paid", DOLLAR - 1)
    until(lambda: answers(200), "more of it is known to each node", 2.5)
    told = run(ask_all(cluster, key, 500, 500, again=True), 150.0)
    for node in cluster.nodes:
        settle(node)
    assert set(told) == {200, 402}
    rows = cluster.rows(f"SELECT posted_nusd FROM accounts WHERE account_id = '{used_of('org_paid')}'")
    assert 0.95 * DOLLAR <= int(str(rows[0][0])) <= DOLLAR
    until(lambda: cluster.leased() == 0, "what is left over went back")


def test_kill_9_of_a_node_loses_nothing_and_frees_what_it_had(cluster: Cluster) -> None:
    key, node = cluster.key("kill", 20 * DOLLAR, (("team", "team"),)), cluster.nodes[0]

    def lines() -> int:
        return int(str(cluster.rows("SELECT count(*) FROM lines")[0][0]))

    before = lines()

    async def killed() -> Counter[int]:
        asking = asyncio.ensure_future(ask_all(cluster, key, 300, 20))
        await asyncio.to_thread(until, lambda: lines() >= before + 60, "both are at work")
        node.kill()
        return await asking

    told = run(killed(), 90.0)
    assert told[200] >= 150, "the other one went on"
    node.start()
    for each in cluster.nodes:
        settle(each)
    assert lines() - before >= told[200]
    assert cluster.rows(
        "SELECT count(*) FROM accounts JOIN LATERAL (SELECT coalesce(sum(cost_nusd), 0) AS spent FROM lines "
        "WHERE accounts.account_id IN (SELECT json_array_elements_text(lines.accounts::json))) AS summed ON true "
        "WHERE spent <> posted_nusd"
    ) == [[0]]
    until(lambda: cluster.leased() == 0, "what the killed one had is free")


def test_the_server_dies_under_load_and_nobody_who_is_known_notices(cluster: Cluster) -> None:
    key = cluster.key("away", 50 * DOLLAR, (("project", "proj"),))
    run(ask_all(cluster, key, 40, 4))

    port = port_of(cluster.nodes[0].url)

    async def outage() -> list[int]:
        cluster.server.kill()
        told = [(await ask(port, key)).status for _ in range(5)]
        cluster.server.start()
        return told

    assert set(run(outage())) <= {200, 503}, "served from what is leased, or told to come again: never 401"

    async def healed() -> bool:
        return set(await ask_all(cluster, key, 10, 2)) == {200}

    until(lambda: run(healed()), "it heals by itself", 5.0)
    for node in cluster.nodes:
        settle(node)
    assert cluster.rows("SELECT count(*) FROM lines GROUP BY attempt_id HAVING count(*) > 1") == []


def test_a_node_that_ends_leaves_nothing_set_aside(cluster: Cluster) -> None:
    key = cluster.key("end", 50 * DOLLAR, (("team", "team"),))
    run(ask_all(cluster, key, 40, 4))
    assert cluster.nodes[1].stop() == 0
    mine = (cluster.nodes[1].data / "node").read_text()
    assert cluster.rows(f"SELECT coalesce(sum(amount_nusd), 0) FROM leases WHERE node = '{mine}'") == [[0]]
    cluster.nodes[1].start()


def test_a_server_that_hangs_is_503_within_a_moment_and_heals(cluster: Cluster) -> None:
    key = cluster.key("hang", DOLLAR, (("team", "team"),))
    run(ask_all(cluster, key, 4, 1))
    port = port_of(cluster.nodes[0].url)

    async def hanging() -> list[Reply]:
        cluster.server.pause()
        try:
            return await asyncio.gather(*(ask(port, key) for _ in range(20)))
        finally:
            cluster.server.go_on()

    for reply in run(hanging()):
        assert reply.status in (200, 503)
        assert reply.status == 200 or (reply.code, reply.headers["retry-after"]) == ("store_unavailable", "1")
        assert reply.seconds < 5.0
    until(lambda: set(run(ask_all(cluster, key, 4, 1))) == {200}, "it heals by itself", 5.0)


def test_a_node_that_is_cut_off_spends_what_it_had_and_no_more(cluster: Cluster) -> None:
    one, other = cluster.nodes
    key = cluster.key("cut", DOLLAR // 10, (("team", "team"), ("project", "proj")))
    run(ask_all(cluster, key, 2, 1))
    cluster.wire.cut()

    async def cut_off() -> tuple[Counter[int], Counter[int]]:
        told: list[Counter[int]] = []
        for node in (other, one):
            asked = (ask(port_of(node.url), key) for _ in range(30))
            told.append(Counter(reply.status for reply in await asyncio.gather(*asked)))
        return told[0], told[1]

    there, here = run(cut_off())
    assert set(there) <= {200, 503}
    assert there[503] > 0, "it can not know what is left"
    assert set(here) == {200, 402}
    cluster.wire.mend()
    for node in cluster.nodes:
        settle(node)
    accounts = cluster.rows("SELECT posted_nusd FROM accounts WHERE scope_id IN ('team_cut', 'proj_cut')")
    assert len(accounts) == 2
    assert all(int(str(posted)) <= DOLLAR // 10 for (posted,) in accounts)
    until(lambda: cluster.leased() == 0, "what it had left went back")
