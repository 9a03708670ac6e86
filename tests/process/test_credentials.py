"""Credentials that people bring, at a real gateway: which key reaches the provider, and that it is left nowhere."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway import GatewayProcess, config_for
from process.books import get, settle, simulating, until
from process.talk import Reply, chat, exchange, head, port_of, post, run
from simulated import SimulatorProcess
from waypost.simulator.asks import fingerprint

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

OPERATORS = "sk-of-the-operator-0123456789"
ACMES = "sk-canary-of-acme-0123456789ab"
NEWER = "sk-canary-newer-of-acme-012345"
OTHERS = "sk-canary-of-others-0123456789"
CANARIES = (ACMES, NEWER, OTHERS)
ONE = "/api/v1/organizations/acme/credentials/main"


class _Lock(msgspec.Struct):
    token: str


class _Asks(msgspec.Struct):
    asks: list[dict[str, Any]]


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with simulating() as running:
        yield running


@pytest.fixture
def gateway(tmp_path: Path, simulator: SimulatorProcess) -> Iterator[GatewayProcess]:
    config = config_for(simulator.url, provider="api_key: env:OPERATORS_SECRET")
    with GatewayProcess(
        tmp_path, config, {"OPERATORS_SECRET": OPERATORS, "OTHERS_SECRET": OTHERS}
    ) as running:
        yield running


def _command(gateway: GatewayProcess, *words: str) -> Any:
    line = [*gateway.command(*words), "--json"]
    done = subprocess.run(line, stdout=subprocess.PIPE, check=True, env=gateway._environ)
    return msgspec.json.decode(done.stdout)


def _control(gateway: GatewayProcess, method: str, path: str, body: object = None) -> Reply:
    token = msgspec.json.decode((gateway.data / "waypost.lock").read_bytes(), type=_Lock).token
    data = b"" if body is None else msgspec.json.encode(body)
    lines = head(
        path,
        key=token,
        length=None if body is None else len(data),
        method=method,
        more=("connection: close",),
    )
    return run(exchange(port_of(gateway.url), lines + data))


def _shown(gateway: GatewayProcess, simulator: SimulatorProcess, key: str) -> str:
    """What the provider was shown for a request with this key."""
    reply = run(exchange(port_of(gateway.url), post(chat("sim-fast", max_tokens=5), key=key)))
    assert reply.status == 200, reply
    last = msgspec.json.decode(get(f"{simulator.root}/asks?last=1"), type=_Asks).asks[-1]
    shown: str = last["headers"]["authorization"]
    return shown


def _bearer(secret: str) -> str:
    return f"Bearer {fingerprint(secret.encode())}"


def test_each_tenants_key_reaches_the_provider_and_stays_nowhere(
    gateway: GatewayProcess, simulator: SimulatorProcess
) -> None:
    for name in ("acme", "others"):
        _command(gateway, "orgs", "create", name)
    acme, others = (gateway.create_key("--name", name, "--org", name) for name in ("acme", "others"))
    until(lambda: _shown(gateway, simulator, acme) == _bearer(OPERATORS), "a new key of a new organization")

    told = _control(gateway, "PUT", ONE, {"provider": "sim", "secret": ACMES})
    assert told.status == 201, told
    assert _shown(gateway, simulator, acme) == _bearer(ACMES), "at once"
    assert _shown(gateway, simulator, others) == _bearer(OPERATORS)
    answers = [told.body, _control(gateway, "GET", ONE).body]

    options = ("--org", "others", "--provider", "sim", "--config", str(gateway.config))
    _command(gateway, "credentials", "set", "own", *options, "--secret", "env:OTHERS_SECRET", "--use", "only")
    until(lambda: _shown(gateway, simulator, others) == _bearer(OTHERS), "one that another process set")
    assert _shown(gateway, simulator, acme) == _bearer(ACMES)

    answers.append(_control(gateway, "PATCH", ONE, {"secret": NEWER}).body)
    assert _shown(gateway, simulator, acme) == _bearer(NEWER)

    gateway.kill()
    gateway.start()
    assert _shown(gateway, simulator, acme) == _bearer(NEWER), "after a crash"
    assert _shown(gateway, simulator, others) == _bearer(OTHERS)

    _move(gateway, simulator)
    until(lambda: _shown(gateway, simulator, acme) == _bearer(OPERATORS), "a provider that moved")
    state = _control(gateway, "GET", ONE)
    assert msgspec.json.decode(state.body)["state"] == "unbound"
    refused = run(exchange(port_of(gateway.url), post(chat("sim-fast"), key=others)))
    assert refused.status == 404, refused
    assert b"another address" in refused.body
    answers += [state.body, refused.body, get(gateway.url + "/metrics")]

    settle(gateway)
    gateway.stop()
    answers.append(gateway.log_file.read_bytes())
    answers += [each.read_bytes() for each in gateway.data.rglob("*") if each.is_file()]
    for canary in CANARIES:
        assert not any(canary.encode() in answer for answer in answers), canary


@pytest.mark.parametrize("workers", ["1", "2"])
def test_without_credit_ones_own_key_goes_on(
    tmp_path: Path, simulator: SimulatorProcess, workers: str
) -> None:
    config = config_for(simulator.url, provider="api_key: env:OPERATORS_SECRET")
    where = {"OPERATORS_SECRET": OPERATORS, "WAYPOST_WORKERS": workers}
    with GatewayProcess(tmp_path, config, where) as gateway:
        _command(gateway, "orgs", "create", "acme")
        _command(gateway, "credits", "add", "0.000001", "--org", "acme")
        acme = gateway.create_key("--name", "acme", "--org", "acme")

        def asked() -> Reply:
            return run(exchange(port_of(gateway.url), post(chat("sim-fast", max_tokens=5), key=acme)))

        until(lambda: asked().code == "credits_exhausted", "it is in force")
        assert _control(gateway, "PUT", ONE, {"provider": "sim", "secret": ACMES}).status == 201
        assert {_shown(gateway, simulator, acme) for _ in range(8)} == {_bearer(ACMES)}
        assert _control(gateway, "PATCH", ONE, {"disabled": True}).status == 200
        assert {asked().code for _ in range(8)} == {"credits_exhausted"}
        settle(gateway)
        assert _command(gateway, "credits", "show", "--org", "acme")["balance"] == "0.000001"
        told = gateway.query("select count(*) from lines where accounts like '%:credit%'")
        assert told == [(0,)]


def _move(gateway: GatewayProcess, simulator: SimulatorProcess) -> None:
    """The operator points the provider to another address, behind which the same server is."""
    moved = gateway.config.read_text().replace("127.0.0.1", "localhost")
    assert "localhost" in moved, simulator.url
    gateway.config.write_text(moved)
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGHUP)
