"""Routes of an organization on the real process: made over HTTP, asked by its keys alone, and what a reload does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway import GatewayProcess, config_for
from process.books import simulating, until
from process.talk import Reply, chat, exchange, head, port_of, post, run

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]

ALL = "/api/v1/organizations"
TREE = {"fallback": [{"target": "sim/fault-500", "retries": 0}, {"target": "sim-fast"}]}


class _Lock(msgspec.Struct):
    token: str


class Place:
    def __init__(self, gateway: GatewayProcess) -> None:
        self.gateway = gateway
        self.control = msgspec.json.decode((gateway.data / "waypost.lock").read_bytes(), type=_Lock).token

    def ask(self, method: str, path: str, body: object = None, key: str = "") -> Reply:
        data = b"" if body is None else msgspec.json.encode(body)
        length = None if body is None else len(data)
        more = ("connection: close",)
        lines = head(path, key=key or self.control, length=length, method=method, more=more)
        return run(exchange(port_of(self.gateway.url), lines + data))

    def made(self, method: str, path: str, body: object = None, key: str = "") -> Any:
        reply = self.ask(method, path, body, key)
        assert 200 <= reply.status < 300, (path, reply)
        return msgspec.json.decode(reply.body) if reply.body else None

    def chat(self, model: str, key: str) -> Reply:
        return run(exchange(port_of(self.gateway.url), post(chat(model), key=key)))

    def models(self, key: str) -> list[str]:
        return [each["id"] for each in self.made("GET", "/v1/models", key=key)["data"]]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with simulating() as simulator, GatewayProcess(tmp_path, config_for(simulator.url)) as gateway:
        yield Place(gateway)


def test_from_its_making_to_a_provider_that_is_taken_away(place: Place) -> None:
    keys = {}
    for name in ("acme", "other"):
        place.made("PUT", f"{ALL}/{name}", {})
        keys[name] = place.made("POST", f"{ALL}/{name}/keys", {"name": "app"})["text"]
    smart = f"{ALL}/acme/routes/smart"
    place.made("PUT", smart, {"tree": TREE})

    reply = place.chat("route/smart", keys["acme"])
    assert (reply.status, reply.headers["x-waypost-attempts"]) == (200, "2"), reply
    assert (
        place.chat("policy/smart", keys["other"]).status,
        place.chat("route/smart", keys["other"]).code,
    ) == (
        404,
        "model_not_found",
    )
    assert "route/smart" in place.models(keys["acme"])
    assert "route/smart" not in place.models(keys["other"])
    told = place.made("POST", "/v1/route/explain", chat("route/smart"), keys["acme"])
    assert told["route"] == {"name": "route/smart", "kind": "route"}

    place.made("PATCH", f"{ALL}/acme", {"route": "smart"})
    assert place.chat("whatever", keys["acme"]).status == 200
    refused = place.ask("PUT", f"{ALL}/acme/routes/x", {"tree": {"target": "sin/sim-fast"}})
    assert (refused.status, b"Did you mean 'sim'?" in refused.body) == (422, True)

    place.made("PATCH", f"{ALL}/acme", {"models": ["sim-fast"]})
    (told,) = place.made("GET", smart)["broken"]
    assert told == "tree.fallback[0].target: the organization may not use 'sim/fault-500'"
    assert place.chat("route/smart", keys["acme"]).headers["x-waypost-attempts"] == "1"

    file = place.gateway.config
    text = (
        file.read_text().replace("name: sim\n", "name: moved\n").replace("provider: sim,", "provider: moved,")
    )
    file.write_text(text.replace("name: sim-fast,", "name: gone-fast,"))
    until(lambda: len(place.made("GET", smart)["broken"]) == 2, "the file is read again")
    reply = place.chat("route/smart", keys["acme"])
    assert (reply.status, reply.code) == (404, "no_suitable_target")
    assert b"may not use 'sim/fault-500'" in reply.body
