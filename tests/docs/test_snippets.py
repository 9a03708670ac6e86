"""What the pages tell people to paste is at least well-formed, and the gateway takes the configurations."""

from __future__ import annotations

import ast
import re
import subprocess

import pytest
import yaml

from docs.pages import ROOT, Snippet, snippets
from waypost.config.load import load_bytes
from waypost.config.org_load import load_org_bytes


def place(snippet: object) -> str:
    return f"{snippet.page}:{snippet.line}" if isinstance(snippet, Snippet) else ""


@pytest.mark.parametrize("snippet", snippets("bash", "sh"), ids=place)
def test_commands_parse(snippet: Snippet) -> None:
    done = subprocess.run(
        ["bash", "-n"], input=snippet.text.encode(), capture_output=True, timeout=10, check=False
    )
    assert done.stderr == b""


@pytest.mark.parametrize("snippet", snippets("yaml"), ids=place)
def test_configurations_have_the_right_shape(snippet: Snippet) -> None:
    assert isinstance(yaml.safe_load(snippet.text), dict)
    load = load_org_bytes if "\norganizations:" in f"\n{snippet.text}" else load_bytes
    load(snippet.text.encode(), place(snippet))


@pytest.mark.parametrize("snippet", snippets("python"), ids=place)
def test_python_compiles(snippet: Snippet) -> None:
    ast.parse(snippet.text)


def test_make_is_only_told_to_make_what_it_can() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    told = {
        word
        for snippet in snippets("bash")
        for word in re.findall(r"^make ([a-z-]+)", snippet.text, re.MULTILINE)
    }
    assert {"setup", "run", "check", "test", "bench", "docs", "lock", "clean"} <= targets
    assert told <= targets
