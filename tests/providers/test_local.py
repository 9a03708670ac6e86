"""Where local servers listen."""

from __future__ import annotations

from waypost.providers.local import local_servers


def test_usual_ports() -> None:
    assert {(server.spec.name, server.port) for server in local_servers()} == {
        ("ollama", 11434),
        ("vllm", 8000),
        ("lmstudio", 1234),
        ("llamacpp", 9931),
        ("llamacpp", 8080),
        ("sglang", 30000),
    }


def test_the_first_port_is_that_of_the_rows_base_url() -> None:
    first = {server.spec.name: server for server in reversed(local_servers())}
    assert all(server.base_url == server.spec.base_url for server in first.values())


def test_the_gateways_own_port_is_not_asked() -> None:
    assert "vllm" not in {server.spec.name for server in local_servers(frozenset({8000}))}
