from __future__ import annotations

import pytest

from waypost.config.conform import find_faults
from waypost.config.schema import Config
from waypost.config.tree import parse_yaml


def faults(text: str) -> list[tuple[str, str]]:
    root, _ = parse_yaml(text.encode(), "f")
    return [(problem.path, problem.message) for problem in find_faults(root, Config, "f")]


def test_what_fits_has_no_fault() -> None:
    assert faults("server: {port: 0}\nproviders: []\nlog: {content: true}\n") == []


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("server: {port: true}", "server.port", "this is true or false"),
        ("server: {port: 1.0}", "server.port", "this value is not allowed"),
        ("server: {port: '80'}", "server.port", "this is a text"),
        ("server: [1]", "server", "this is a list"),
        ("server: {host: ''}", "server.host", "this value is not allowed"),
        ("cors: {origins: [https://a.example/path]}", "cors.origins[0]", "this value is not allowed"),
        ("cors: {origins: [{a: 1}]}", "cors.origins[0]", "this is a mapping"),
        ("providers: [null]", "providers[0]", "this is nothing"),
        ("providers: [{name: a, headers: {x: 1}}]", "providers[0].headers.x", "this is a number"),
        ("providers: [{name: A}]", "providers[0].name", "this value is not allowed"),
        ("providers: [{name: a, retries: 99}]", "providers[0].retries", "this value is not allowed"),
    ],
)
def test_what_does_not_fit(text: str, path: str, message: str) -> None:
    assert faults(text) == [(path, message)]


@pytest.mark.parametrize("price", ["-0.01", "nan", "1e9", "true", "[1]", "1,5"])
def test_prices_are_finite_amounts(price: str) -> None:
    text = (
        f"models: [{{name: m, targets: [{{provider: a, model: b}}], prices: {{input: {price}, output: 0}}}}]"
    )
    if price == "1,5":
        text = text.replace("1,5", "'1,5'")
    assert [path for path, _ in faults(text)] == ["models[0].prices.input"]


def test_a_null_in_a_place_of_a_header_is_a_fault_and_elsewhere_a_default() -> None:
    assert faults("providers: [{name: a, headers: {x: }, tls: }]") == [
        ("providers[0].headers.x", "this is nothing")
    ]
