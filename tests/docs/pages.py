"""The project's Markdown pages, read the way the tests need them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w+)[^\n]*\n(?P<text>.*?)^(?P=indent)```\s*$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(?P<text>.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """A fenced block: its language, its text without the fence's indentation, and where it stands."""

    page: str
    line: int
    kind: str
    text: str


def pages() -> list[Path]:
    """Every page of the site and of the root."""
    return sorted(
        [
            *DOCS.rglob("*.md"),
            *ROOT.glob("*.md"),
            ROOT / "bench" / "README.md",
            ROOT / "changelog.d" / "README.md",
        ]
    )


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def snippets(*kinds: str) -> list[Snippet]:
    """The fenced blocks of these languages, over all pages."""
    found = []
    for page in pages():
        text = page.read_text("utf-8")
        for block in _FENCE.finditer(text):
            if block["kind"] in kinds:
                indent = len(block["indent"])
                body = "\n".join(line[indent:] for line in block["text"].splitlines())
                line = text.count("\n", 0, block.start()) + 1
                found.append(Snippet(name(page), line, block["kind"], body + "\n"))
    return found


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", page.read_text("utf-8"))


def links(page: Path) -> list[str]:
    """Targets of the page's links that stay inside the repository."""
    found = [link["target"] for link in _LINK.finditer(prose(page))]
    return [target for target in found if "://" not in target and not target.startswith("mailto:")]


def anchors(page: Path) -> set[str]:
    """The anchors that the site's generator makes of the page's headings, for plain headings."""
    texts = (heading["text"] for heading in _HEADING.finditer(prose(page)))
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", text.lower())).strip("-") for text in texts}
