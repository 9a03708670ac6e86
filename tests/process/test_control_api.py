"""The control API of a real gateway: from the first organization to a key that is revoked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.command_line import documents
from cli.command_line import run as command_line
from gateway import GatewayProcess, config_for
from process.books import simulating, until
from process.talk import Reply, chat, exchange, head, port_of, post, run

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]

ACME = "/api/v1/organizations/acme"
PASSWORD = "four words in a row"
#: "Within a second", and what the machine may add.
SOON_S = 1.0 + 1.5


class _Lock(msgspec.Struct):
    token: str


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with (
        simulating() as simulator,
        GatewayProcess(tmp_path_factory.mktemp("control"), config_for(simulator.url)) as running,
    ):
        yield running


def _ask(
    gateway: GatewayProcess,
    method: str,
    path: str,
    body: object = None,
    *,
    key: str = "",
    more: tuple[str, ...] = (),
) -> Reply:
    data = b"" if body is None else msgspec.json.encode(body)
    length = None if body is None else len(data)
    more = (*more, "connection: close")  # the answer to HEAD, and a 204, have no body to end with
    return run(
        exchange(port_of(gateway.url), head(path, key=key, length=length, method=method, more=more) + data)
    )


def _made(gateway: GatewayProcess, method: str, path: str, body: object = None, **more: Any) -> Any:
    reply = _ask(gateway, method, path, body, **more)
    assert 200 <= reply.status < 300, (path, reply)
    return msgspec.json.decode(reply.body) if reply.body else None


def test_from_an_organization_to_a_revoked_key(gateway: GatewayProcess) -> None:
    control = msgspec.json.decode((gateway.data / "waypost.lock").read_bytes(), type=_Lock).token
    assert _ask(gateway, "GET", ACME).status == 401
    _made(gateway, "PUT", ACME, {"title": "Acme"}, key=control)
    _made(gateway, "PUT", f"{ACME}/teams/search", {"models": ["sim-*"]}, key=control)
    link = _made(
        gateway, "POST", f"{ACME}/invitations", {"email": "ann@example.com", "role": "owner"}, key=control
    )
    accepted = {"token": link["token"], "password": PASSWORD, "name": "Ann"}
    assert _made(gateway, "POST", "/api/v1/invitations/accept", accepted)["role"] == "owner"

    reply = _ask(gateway, "POST", "/api/v1/session", {"email": "ann@example.com", "password": PASSWORD})
    assert reply.status == 201, reply
    cookie = "cookie: " + reply.headers["set-cookie"].partition(";")[0]
    assert "Secure" in reply.headers["set-cookie"], "the test's Host is no loopback address"
    assert reply.headers["cache-control"] == "no-store"
    signed_in = {"more": (cookie, "sec-fetch-site: same-origin")}
    me = _made(gateway, "GET", "/api/v1/me", **signed_in)
    assert [place["organization"] for place in me["organizations"]] == ["acme"]

    budget = {"scope": "organization", "limit": "1.00", "period": "day"}
    _made(gateway, "PUT", f"{ACME}/budgets/all", budget, **signed_in)
    made = _made(gateway, "POST", f"{ACME}/keys", {"name": "ci", "team": "search"}, **signed_in)
    reply = run(exchange(port_of(gateway.url), post(chat("sim-fast"), key=made["text"])))
    assert reply.status == 200, reply
    stands = _made(gateway, "GET", f"{ACME}/budgets/all", **signed_in)
    assert (stands["limit"], stands["held"], float(stands["spent"]) > 0) == ("1", "0", True)
    assert float(stands["spent"]) + float(stands["left"]) == pytest.approx(1)
    assert _ask(gateway, "GET", ACME, key=made["text"]).status == 401, "a client's key opens nothing here"

    path = f"{ACME}/keys/{made['key']['id']}"
    assert _ask(gateway, "DELETE", path, more=(cookie,)).status == 403, "another site may have sent it"
    _made(gateway, "DELETE", path, **signed_in)
    asked = post(chat("sim-fast"), key=made["text"])
    until(lambda: run(exchange(port_of(gateway.url), asked)).status == 401, "it is revoked", SOON_S)
    log = gateway.log_file.read_text()
    assert '"action":"revoke_key"' in log
    for secret in (PASSWORD, made["text"], link["token"], control, cookie.partition("=")[2]):
        assert secret not in log


def test_the_http_side(gateway: GatewayProcess) -> None:
    reply = _ask(gateway, "HEAD", "/api/openapi.json")
    assert (reply.status, int(reply.headers["content-length"]) > 10_000) == (200, True)
    reply = _ask(gateway, "OPTIONS", "/api/v1/me")
    assert (reply.status, reply.headers["allow"]) == (204, "GET, HEAD, OPTIONS, PATCH")
    reply = _ask(gateway, "PATCH", "/api/openapi.json", {})
    assert (reply.status, reply.headers["content-type"]) == (405, "application/problem+json")
    reply = _ask(gateway, "POST", "/api/v1/session", {"email": "x" * 2_000_000, "password": "x"})
    assert (reply.status, reply.headers["content-type"]) == (413, "application/problem+json")
    assert reply.headers["x-waypost-request-id"] == msgspec.json.decode(reply.body)["request_id"]
    assert _ask(gateway, "GET", "/api/v1/models", key=gateway.key).status == 200
    reply = run(
        exchange(port_of(gateway.url), post(chat("sim-fast"), "/api/v1/chat/completions", key=gateway.key))
    )
    assert reply.status == 200


def test_an_organization_is_applied_and_exported_from_elsewhere(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    token = documents(
        command_line("tokens", "create", "ci", "--gateway", "--data", str(gateway.data), "--json")
    )
    there = ("--url", gateway.url.removesuffix("/v1"), "--token", str(token[0]["token"]))
    file = tmp_path / "org.yaml"
    file.write_text(
        "organizations:\n"
        "  - name: remote\n"
        "    teams: [{name: web}]\n"
        "    members: [{email: eve@example.com, title: Eve, teams: [{team: web}]}]\n"
        "    keys: [{name: app, team: web}]\n"
        "    limits: [{name: l, unit: requests, amount: 600, scope: key, subject: app}]\n"
    )
    dry = ("apply", "-f", str(file), "--dry-run", *there)
    until(lambda: command_line(*dry).exit_code == 3, "the new token is known", SOON_S)
    done = command_line("apply", "-f", str(file), "--yes", "--json", *there)
    assert done.exit_code == 0, done.stderr
    plan, key, end = documents(done)
    assert (plan["create"], end["applied"]) == (6, 6)
    reply = run(exchange(port_of(gateway.url), post(chat("sim-fast"), key=str(key["key"]))))
    assert reply.status == 200, reply
    exported = command_line("export", "--org", "remote", *there)
    file.write_text(exported.stdout)
    for where in (there, ("--data", str(gateway.data))):
        again = command_line("apply", "-f", str(file), "--dry-run", "--prune", *where)
        assert (again.exit_code, again.stderr) == (0, ""), again.stdout
