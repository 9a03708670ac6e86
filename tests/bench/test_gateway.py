"""What the gateway is given: a config with every model the runs ask for, and none of the caller's environment."""

from __future__ import annotations

import pytest
import yaml

from bench.gateway import LATE, PACED, environment, render_config
from bench.peers import PEERS
from bench.subject import STATIC_MODEL, Subject
from waypost.config.load import load_bytes


def test_the_config_sends_streams_to_the_paced_upstream_and_prices_everything() -> None:
    config = yaml.safe_load(render_config(Subject("direct", 1001, [], stream_port=1002), 3))
    assert [provider["base_url"] for provider in config["providers"]] == [
        "http://127.0.0.1:1001/v1",
        "http://127.0.0.1:1002/v1",
    ]
    targets = {model["name"]: model["targets"][0]["provider"] for model in config["models"]}
    assert targets == {
        "other-0": "static",
        "other-1": "static",
        STATIC_MODEL: "static",
        **dict.fromkeys((*PACED, LATE), "paced"),
    }
    assert all(model["prices"] for model in config["models"])


def test_the_config_is_one_that_the_gateway_takes() -> None:
    loaded = load_bytes(render_config(Subject("direct", 1001, [], stream_port=1002), 3).encode())
    assert not loaded.config.discovery.environment


def test_a_provider_key_of_the_caller_is_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real")
    assert "sk-real" not in environment().values()


@pytest.mark.parametrize("name", sorted(PEERS))
def test_a_peer_that_is_not_installed_says_how_to(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("BENCH_LITELLM", "BENCH_TENSORZERO"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("BENCH_PORTKEY", "/nonexistent")
    monkeypatch.setenv("PATH", "/nonexistent")
    with PEERS[name].start(Subject("direct", 1, [])) as subject:
        assert subject is None
    assert "install" in PEERS[name].how_to
