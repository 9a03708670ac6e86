"""The commands of the page about people do what it says, from an empty folder on."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from cli.command_line import documents, run
from docs.pages import DOCS, snippets


def test_the_example_works_from_its_first_line_to_its_last(tmp_path: Path) -> None:
    blocks = [each.text for each in snippets("sh") if each.page == "docs/people.md"]
    example = next(block for block in blocks if "waypost orgs create" in block)
    lines = [line for block in (example, *blocks) for line in block.splitlines() if line.strip()]
    inline = re.findall(r"`(waypost [^`]* --[^`]+)`", (DOCS / "people.md").read_text("utf-8"))
    kept: set[str] = set()
    for line in [*lines, *(each for each in inline if "…" not in each)]:
        if line in kept:
            continue
        kept.add(line)
        done = run(*shlex.split(line)[1:], "--data", str(tmp_path), "--json")
        assert done.exit_code == 0, (line, done.stderr)
    keys = documents(run("keys", "list", "--org", "acme", "--data", str(tmp_path), "--json"))
    assert [(key["name"], key["team"], key["user"]) for key in keys] == [
        ("shop", "web", None),
        ("ann", "web", "ann@acme.example"),
    ]
    assert keys[0]["rpm"] == 120
