"""Prepaid credit of a real gateway: from the starter grant to the last cent, and on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from gateway import GatewayProcess, config_for
from process.books import settle, simulating, sums_exact, until
from process.talk import Reply, chat, exchange, port_of, post, run
from simulated import SimulatorProcess

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]

STARTER = "0.001"
#: "Within a second", and what the machine may add.
SOON_S = 1.0 + 1.5


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with simulating() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, simulator: SimulatorProcess
) -> Iterator[GatewayProcess]:
    more = f'\ncredits: {{enabled: true, starter: "{STARTER}"}}\n'
    folder = tmp_path_factory.mktemp("credits")
    with GatewayProcess(folder, config_for(simulator.url, more=more)) as running:
        yield running


def _command(gateway: GatewayProcess, *words: str) -> Any:
    done = subprocess.run([*gateway.command(*words), "--json"], stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout)


def _ask(gateway: GatewayProcess, key: str) -> Reply:
    body = chat("sim-fast", max_tokens=20)
    return run(exchange(port_of(gateway.url), post(body, key=key)))


def test_from_the_starter_grant_to_the_last_cent_and_on(
    gateway: GatewayProcess, simulator: SimulatorProcess
) -> None:
    _command(gateway, "orgs", "create", "acme")
    key = gateway.create_key("--name", "shop", "--org", "acme")
    replies = [_ask(gateway, key) for _ in range(60)]
    statuses = [reply.status for reply in replies]
    paid = statuses.count(200)
    assert statuses == [200] * paid + [402] * (60 - paid)
    assert paid > 20
    told = replies[-1]
    assert (told.code, told.headers["x-should-retry"]) == ("credits_exhausted", "false")
    assert "retry-after" not in told.headers
    settle(gateway, simulator)
    sums_exact(gateway)
    shown = _command(gateway, "credits", "show", "--org", "acme")
    assert shown["given"] == STARTER
    assert 0 <= float(shown["balance"]) < 0.0001

    assert _ask(gateway, gateway.key).status == 200, "the built-in organization pays afterwards"

    added = _command(gateway, "credits", "add", "1.00", "--org", "acme", "--id", "inv-1")
    until(lambda: _ask(gateway, key).status == 200, "the credit is in force", SOON_S)
    assert added["balance"] == _sum(shown["balance"], 1.0)
    settle(gateway, simulator)
    told = _command(gateway, "credits", "statement", "--org", "acme")
    assert [item["kind"] for item in told["items"]] == ["grant", "topup", "used"]
    assert told["closing"] == _command(gateway, "credits", "show", "--org", "acme")["balance"]


def _sum(balance: str, more: float) -> str:
    from waypost.core.money import parse_usd, render_usd

    return render_usd(parse_usd(balance) + parse_usd(str(more)))
