"""Fold the fragments of changelog.d/ into CHANGELOG.md at a release.

    python -m tools.changelog VERSION YYYY-MM-DD     writes the new section and removes the fragments
    python -m tools.changelog --check                says what is wrong with the fragments

A fragment is `changelog.d/<slug>.<kind>.md`: one change, told to the person who runs the gateway. Two people who
work at the same time never edit the same file.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: Kind of a fragment → its heading, in the order of the sections.
KINDS = {
    "security": "Security",
    "breaking": "Breaking",
    "added": "Added",
    "changed": "Changed",
    "fixed": "Fixed",
    "removed": "Removed",
}

_NAME = re.compile(r"^[a-z0-9][a-z0-9-]*\.(?P<kind>[a-z]+)\.md$")
_VERSION = re.compile(r"^\d+\.\d+\.\d+$")
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_NEWEST = "<!-- the newest release goes below this line -->\n"


def fragments(root: Path) -> list[Path]:
    """The fragments, in order of their names."""
    return sorted(file for file in (root / "changelog.d").glob("*.md") if file.name != "README.md")


def faults(root: Path) -> list[str]:
    """What is wrong with the fragments, one sentence each."""
    found = []
    for file in fragments(root):
        named = _NAME.match(file.name)
        if named is None or named["kind"] not in KINDS:
            found.append(f"{file.name}: the name is <slug>.<kind>.md, with a kind of {', '.join(KINDS)}")
        text = file.read_text("utf-8").strip()
        if not text or text.startswith(("#", "-", "*")):
            found.append(f"{file.name}: holds plain sentences, without a heading or a bullet")
    return found


def section(root: Path, version: str, date: str) -> str:
    """The new release's section, in Markdown."""
    parts = [f"## {version}, {date}\n"]
    for kind, heading in KINDS.items():
        told = [file for file in fragments(root) if file.name.endswith(f".{kind}.md")]
        if told:
            lines = "\n".join(f"- {' '.join(file.read_text('utf-8').split())}" for file in told)
            parts.append(f"### {heading}\n\n{lines}\n")
    return "\n".join(parts)


def fold(root: Path, version: str, date: str) -> None:
    """Write the section at the top of the releases, then remove the fragments."""
    changelog = root / "CHANGELOG.md"
    head, newest, rest = changelog.read_text("utf-8").partition(_NEWEST)
    changelog.write_text(f"{head}{newest}\n{section(root, version, date)}{rest}", "utf-8")
    for file in fragments(root):
        file.unlink()


def main(arguments: list[str], root: Path = ROOT) -> int:
    """See the module's own text."""
    wrong = faults(root)
    for fault in wrong:
        print(fault, file=sys.stderr)
    if wrong or arguments == ["--check"]:
        return 1 if wrong else 0
    if len(arguments) != 2 or not _VERSION.match(arguments[0]) or not _DATE.match(arguments[1]):
        print("usage: python -m tools.changelog VERSION YYYY-MM-DD | --check", file=sys.stderr)
        return 2
    fold(root, *arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
