from __future__ import annotations

from pathlib import Path

import pytest

from cli.command_line import documents, run

CONFIG = """
providers:
  - {name: openai, preset: openai, api_key: env:A_KEY_THAT_CI_HAS_NOT}
  - {name: anthropic, preset: anthropic}
  - {name: lab, dialect: openai_chat, base_url: http://127.0.0.1:9/v1, api_key: file:/nowhere/key}
models:
  - name: fast
    targets:
      - {provider: openai, model: gpt-5-mini, priority: 1}
      - {provider: lab, model: qwen3, priority: 2}
discovery: {environment: false, local: false, local_model: "off"}
"""

GOOD = """
cases:
  - name: the usual way
    request: {model: fast}
    expect: {order: [openai/gpt-5-mini, lab/qwen3]}
  - name: openai is down
    request: {model: fast}
    down: [openai]
    expect: {first: lab/qwen3, excluded: {openai/gpt-5-mini: ejected}}
  - name: a key that may not
    request: {model: fast}
    key: {models: [slow]}
    expect: {error: permission_denied}
"""

WRONG = """
- name: as it is
  request: {model: fast}
  expect: {first: openai/gpt-5-mini}
- name: as it is not
  request: {model: fast}
  expect: {first: lab/qwen3}
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "waypost.yaml"
    file.write_text(CONFIG)
    return str(file)


def cases(tmp_path: Path, text: str) -> str:
    file = tmp_path / "cases.yaml"
    file.write_text(text)
    return str(file)


def test_a_table_that_holds_needs_no_secrets(config: str, tmp_path: Path) -> None:
    done = run("routes", "test", cases(tmp_path, GOOD), "--config", config)
    assert done.exit_code == 0, done.output
    assert "✓ openai is down" in done.stdout
    assert "3 cases, all as expected" in done.stdout


def test_what_is_not_as_expected_is_shown_like_a_diff_and_fails(config: str, tmp_path: Path) -> None:
    done = run("routes", "test", cases(tmp_path, WRONG), "--config", config)
    assert done.exit_code == 1
    assert "✓ as it is" in done.stdout
    assert "✗ as it is not" in done.stdout
    assert "- lab/qwen3" in done.stdout
    assert "+ openai/gpt-5-mini" in done.stdout
    assert "2 cases, 1 not as expected" in done.stdout


def test_json(config: str, tmp_path: Path) -> None:
    done = run("routes", "test", cases(tmp_path, WRONG), "--config", config, "--json")
    first, second = documents(done)
    assert (first["passed"], second["passed"], done.exit_code) == (True, False, 1)
    assert second["differences"] == [{"what": "first", "expected": "lab/qwen3", "got": "openai/gpt-5-mini"}]


@pytest.mark.parametrize(("text", "code"), [("{", 2), ("nonsense: 1", 1), ("- {name: x}", 1)])
def test_a_table_that_is_none(config: str, tmp_path: Path, text: str, code: int) -> None:
    done = run("routes", "test", cases(tmp_path, text), "--config", config)
    assert (done.exit_code, done.stdout) == (code, "")


def test_files_that_are_not_there_or_faulty(config: str, tmp_path: Path) -> None:
    assert run("routes", "test", str(tmp_path / "none.yaml"), "--config", config).exit_code == 2
    Path(config).write_text("nonsense: 1")
    assert run("routes", "test", cases(tmp_path, GOOD), "--config", config).exit_code == 1
