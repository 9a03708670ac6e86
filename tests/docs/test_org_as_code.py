"""The example of the page about organizations as a file does what it says."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from cli.command_line import documents, run
from docs.pages import snippets


def test_the_example_is_applied_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (text,) = [each.text for each in snippets("yaml") if each.page == "docs/org-as-code.md"]
    (commands,) = [each.text for each in snippets("sh") if each.page == "docs/org-as-code.md"]
    Path("org.yaml").write_text(text)
    codes = [run(*shlex.split(line)[1:][: _end(line)]).exit_code for line in commands.splitlines()]
    assert codes == [0, 3, 0]
    assert len(Path("keys.jsonl").read_text().splitlines()) == 2
    assert run("apply", "-f", "org.yaml", "--dry-run").exit_code == 0
    Path("org.yaml").write_text(run("export", "--org", "acme").stdout)
    assert run("apply", "-f", "org.yaml", "--dry-run", "--prune").exit_code == 0
    keys = documents(run("keys", "list", "--org", "acme", "--json"))
    assert {key["name"]: key["service_account"] for key in keys} == {"shop": "shop", "bob": None}


def _end(line: str) -> int | None:
    """Where the words of a command end, and what the shell does begins."""
    words = shlex.split(line)[1:]
    return words.index(">") if ">" in words else None
