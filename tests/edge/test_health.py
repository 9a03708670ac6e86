"""Health bodies."""

from __future__ import annotations

import msgspec

from waypost.edge import health
from waypost.edge.routes import Routes


def test_ready_names_what_is_missing() -> None:
    assert health.ready([])[0] == 200
    status, body = health.ready(["the ledger's disk is full"])
    assert status == 503
    assert msgspec.json.decode(body) == {"status": "unready", "missing": ["the ledger's disk is full"]}


def test_live_and_hello_carry_the_version() -> None:
    assert msgspec.json.decode(health.live("9.8.7"))["version"] == "9.8.7"
    hello = msgspec.json.decode(health.hello("9.8.7", "docs/", Routes([])))
    assert (hello["version"], hello["docs"]) == ("9.8.7", "docs/")
    assert "GET /v1/models" in hello["endpoints"]
