"""The desk of a real gateway: explanations, generations and targets, over HTTP and by the command line."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import msgspec
import pytest

from gateway import GatewayProcess, config_for
from process.talk import Reply, chat, exchange, head, port_of, post, run
from simulated import SimulatorProcess, simulating
from waypost.stores.lock import read_running

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with simulating() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, simulator: SimulatorProcess
) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("desk"), config_for(simulator.url)) as running:
        yield running


def _get(gateway: GatewayProcess, path: str, key: str | None = None) -> Reply:
    return run(exchange(port_of(gateway.url), head(path, key=key or gateway.key, method="GET")))


def test_an_explanation_sends_nothing_and_is_the_same_on_the_command_line(gateway: GatewayProcess) -> None:
    before = gateway.query("select count(*) from exchanges")
    asked = post(chat("sim-fast", max_tokens=10), "/v1/route/explain", key=gateway.key)
    reply = run(exchange(port_of(gateway.url), asked))
    assert reply.status == 200
    told = msgspec.json.decode(reply.body)
    (candidate,) = told["candidates"]
    assert (candidate["target"], candidate["rule"], told["key"]) == ("sim/sim-fast", "only", "first")
    assert float(candidate["expected_cost_usd"]) > 0
    command = gateway.command("route", "explain", "--model", "sim-fast", "--json")
    done = subprocess.run(command, capture_output=True, check=True, timeout=30)
    again = msgspec.json.decode(done.stdout)
    assert again["candidates"][0]["target"] == "sim/sim-fast"
    assert again["key"] == "the command line"
    assert gateway.query("select count(*) from exchanges") == before


def test_a_generation_is_found_by_the_key_that_asked_and_by_the_operator(gateway: GatewayProcess) -> None:
    reply = run(exchange(port_of(gateway.url), post(chat("sim-fast", 20), key=gateway.key)))
    told = msgspec.json.decode(_get(gateway, f"/v1/generations/{reply.exchange_id}").body)
    assert (told["id"], told["outcome"], told["provider"]) == (reply.exchange_id, "ok", "sim")
    assert told["cost_usd"] == reply.headers["x-waypost-cost"]
    assert told["attempts"][0]["role"] == "first"
    data = msgspec.json.decode(_get(gateway, f"/api/v1/generation?id={reply.exchange_id}").body)["data"]
    assert data["native_tokens_prompt"] == told["tokens"]["input"]
    other = gateway.create_key("--name", "other")
    assert _get(gateway, f"/v1/generations/{reply.exchange_id}", other).code == "not_found"
    assert _get(gateway, "/v1/generations/none").status == 404
    running = read_running(gateway.data)
    assert running is not None
    assert _get(gateway, f"/v1/generations/{reply.exchange_id}", running.token).status == 200


def test_targets(gateway: GatewayProcess) -> None:
    rows = msgspec.json.decode(_get(gateway, "/v1/targets").body)["data"]
    assert "sim/sim-fast" in {row["target"] for row in rows}
    narrow = gateway.create_key("--name", "narrow", "--models", "sim-echo")
    rows = msgspec.json.decode(_get(gateway, "/v1/targets", narrow).body)["data"]
    assert [row["target"] for row in rows] == ["sim/sim-echo"]


def test_a_request_that_would_be_refused_is_refused_here_too(gateway: GatewayProcess) -> None:
    narrow = gateway.create_key("--name", "narrower", "--models", "sim-echo")
    port = port_of(gateway.url)
    assert (
        run(exchange(port, post(chat("sim-fast"), "/v1/route/explain", key=narrow))).code
        == "permission_denied"
    )
    assert (
        run(exchange(port, post(chat("none"), "/v1/route/explain", key=gateway.key))).code
        == "model_not_found"
    )
    assert run(exchange(port, post(chat("sim-fast"), "/v1/route/explain"))).status == 401
