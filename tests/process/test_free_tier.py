"""The free tier over two gateways that share a database: exact under load, and still so after a `kill -9`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from postgres_server import PostgresServer
from process.books import settle, simulating, until
from process.talk import port_of, run
from process.test_shared_books import DOLLAR, Cluster, ask, ask_all
from waypost.core.scope import EXCHANGE

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

FREE = 40
TERMS = f"\ncredits: {{free_tier: {{requests: {FREE}, per: month}}}}\n"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with PostgresServer(durable=True) as server, simulating() as simulator:
        made = Cluster(server, simulator, tmp_path_factory.mktemp("cluster"), TERMS)
        yield made
        for node in made.nodes:
            node.stop()
        with made.wire:
            pass


def test_nodes_serve_so_many_requests_and_no_more_and_then_what_is_paid_for(cluster: Cluster) -> None:
    key = cluster.key("new", 20 * DOLLAR, ())
    ports = [port_of(node.url) for node in cluster.nodes]
    told = run(ask_all(cluster, key, 3 * FREE, FREE), 90.0)
    assert set(told) <= {200, 402}, told
    assert FREE // 2 <= told[200] <= FREE
    served = told[200]

    def used_up() -> bool:
        nonlocal served
        statuses = [run(ask(port, key)).status for port in ports]
        served += statuses.count(200)
        return statuses == [402, 402] and served == FREE

    until(used_up, "what one node had set aside is there for the other one", 15.0)

    def books() -> list[list[object]]:
        for node in cluster.nodes:
            settle(node)
        return cluster.rows("SELECT posted_nusd, lines FROM accounts WHERE scope = 'free_requests'")

    assert books() == [[FREE * EXCHANGE, FREE]]
    until(lambda: cluster.leased() == 0, "what is left over went back")
    refused = run(ask(ports[0], key))
    assert refused.code == "free_tier_exhausted"
    assert int(refused.headers["retry-after"]) > 0

    cluster.nodes[0].kill()
    cluster.nodes[0].start()
    until(lambda: run(ask(port_of(cluster.nodes[0].url), key)).status == 402, "it knows what was used")
    cluster.credit("new", DOLLAR)
    for node in cluster.nodes:
        until(lambda node=node: run(ask(port_of(node.url), key)).status == 200, "it is paid for")  # type: ignore[misc]
    assert books() == [[FREE * EXCHANGE, FREE]]
