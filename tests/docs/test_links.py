"""Every link inside the repository leads somewhere, and every page can be reached."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from docs.pages import DOCS, ROOT, anchors, links, name, pages


@pytest.mark.parametrize("page", pages(), ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        to = (page.parent / path).resolve() if path else page
        if not to.exists() or (anchor and anchor not in anchors(to)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=name)
def test_a_page_of_the_site_links_only_inside_the_site(page: Path) -> None:
    targets = [
        (page.parent / link.partition("#")[0]).resolve() for link in links(page) if not link.startswith("#")
    ]
    assert [target for target in targets if not target.is_relative_to(DOCS)] == []


def test_the_navigation_names_every_page_and_no_other() -> None:
    def leaves(node: object) -> list[str]:
        if isinstance(node, str):
            return [node]
        children = node.values() if isinstance(node, dict) else node
        return [leaf for child in children for leaf in leaves(child)]  # type: ignore[union-attr] # YAML's shape

    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]
    assert sorted(leaves(nav)) == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))


def test_every_decision_is_in_the_list_of_decisions() -> None:
    listed = (DOCS / "decisions" / "index.md").read_text("utf-8")
    assert [page.name for page in DOCS.glob("decisions/2*.md") if page.name not in listed] == []
