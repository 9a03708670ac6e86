from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.golden_view import render_case, surroundings
from effort import examples
from waypost.config.load import load_bytes, load_defaults, load_file
from waypost.config.problems import ConfigProblem, problems_of
from waypost.config.resolve import resolve
from waypost.config.schema import Config
from waypost.errors import ConfigError, ConfigInvalid

WORDS = st.sampled_from(
    [
        "providers", "models", "server", "name", "targets", "prices", "input", "api_key", "env:X", "deadlines", "10s",
        "port", "1", "-1", "0.25", "null", "true", "on", "~", "'", '"', "&a", "*a", "!t", "---", "...", "%", "@", "|",
        ">", "<<", "a/b", "é", "#", "\t", "\x85", "https://x", "32MiB", "1e9", ".5", "0x1F", "\ufeff",
    ]
)  # fmt: skip
GLUE = st.sampled_from(
    [": ", ":", "\n", "\n  ", "\n    ", "\n- ", "\n  - ", "{", "}", "[", "]", ", ", " ", "\r\n", ""]
)


@st.composite
def yamlish(draw: st.DrawFn) -> bytes:
    parts = draw(st.lists(st.tuples(WORDS, GLUE), max_size=30))
    return "".join(word + glue for word, glue in parts).encode()


@settings(max_examples=examples(400), deadline=None)
@given(yamlish() | st.binary(max_size=200))
def test_any_bytes_are_a_configuration_or_a_config_error(data: bytes) -> None:
    refused: ConfigInvalid | None = None
    try:
        resolve(load_bytes(data), surroundings(), version=1)
    except ConfigInvalid as error:
        refused = error
    if refused is not None:
        assert refused.problems
        for problem in problems_of(refused):
            assert problem.message
            assert problem.line is None or problem.line >= 1


@settings(max_examples=examples(100), deadline=None)
@given(st.decimals(min_value=0, max_value=1000, places=9, allow_nan=False))
def test_a_price_is_exactly_what_was_written(price: Decimal) -> None:
    text = format(price, "f")
    data = (
        f"models: [{{name: m, targets: [{{provider: a, model: b}}], prices: {{input: {text}, output: 0}}}}]"
    )
    prices = load_bytes(data.encode()).config.models[0].prices
    assert prices is not None
    assert prices.input == Decimal(text)


def test_an_empty_file_is_all_defaults() -> None:
    assert load_bytes(b"").config == load_bytes(b"# nothing\n").config == load_defaults().config == Config()


def test_problems_come_in_the_order_of_the_file() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        load_bytes(b"server: {port: x}\nserver: {}\nlog: 1\nnope: 2\n")
    assert [problem.line for problem in problems_of(caught.value)] == [1, 2, 3, 4]


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    def message(path: Path) -> str:
        with pytest.raises(ConfigError) as caught:
            load_file(path)
        (problem,) = problems_of(caught.value)
        assert problem.file == str(path)
        return problem.message

    assert message(tmp_path / "none.yaml") == "there is no such file"
    assert message(tmp_path) == "this is a folder"
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (1024 * 1024 + 1))
    assert message(large) == "the file is larger than 1024 KiB"
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"log:\n  format: \xe4\n")
    assert message(latin) == "the file is not in UTF-8"


def test_the_place_of_a_bad_byte() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        load_bytes(b"log:\n  format: \xe4\n", "f.yaml")
    assert problems_of(caught.value) == (
        ConfigProblem("f.yaml", 2, 11, "", "the file is not in UTF-8", hint="Save it in the encoding UTF-8."),
    )


def test_a_literal_key_is_refused_and_not_echoed() -> None:
    ending, text = render_case(b"providers: [{name: a, preset: openai, api_key: 'sk-very-secret'}]")
    assert ending == ".error"
    assert "sk-very-secret" not in text
    assert "env:OPENAI_API_KEY" in text
