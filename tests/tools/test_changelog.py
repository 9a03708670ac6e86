"""Fragments become one section, newest first, and are gone afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import changelog


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "changelog.d").mkdir()
    (tmp_path / "changelog.d" / "README.md").write_text("# About\n", "utf-8")
    (tmp_path / "CHANGELOG.md").write_text(
        f"# Changelog\n\n{changelog._NEWEST}\n## 0.1.0, 2026-11-21\n", "utf-8"
    )
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / "changelog.d" / name).write_text(text, "utf-8")


def test_a_release_folds_the_fragments_above_the_older_ones(root: Path) -> None:
    write(root, "streams.fixed.md", "Streams end\nproperly.\n")
    write(root, "azure.added.md", "Azure.\n")
    assert changelog.main(["0.2.0", "2026-12-01"], root) == 0
    text = (root / "CHANGELOG.md").read_text("utf-8")
    assert "## 0.2.0, 2026-12-01\n\n### Added\n\n- Azure.\n\n### Fixed\n\n- Streams end properly.\n" in text
    assert text.index("0.2.0") < text.index("0.1.0")
    assert changelog.fragments(root) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Streams.fixed.md", "Fine."),
        ("streams.md", "Fine."),
        ("a.improved.md", "Fine."),
        ("a.fixed.md", "- Bullet"),
    ],
)
def test_a_wrong_fragment_stops_the_release(root: Path, name: str, text: str) -> None:
    write(root, name, text)
    before = (root / "CHANGELOG.md").read_text("utf-8")
    assert changelog.main(["0.2.0", "2026-12-01"], root) == 1
    assert (root / "CHANGELOG.md").read_text("utf-8") == before


@pytest.mark.parametrize("arguments", [[], ["0.2"], ["0.2", "2026-12-01"], ["0.2.0", "today"]])
def test_wrong_arguments_are_told_the_right_ones(
    root: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert changelog.main(arguments, root) == 2
    assert "usage" in capsys.readouterr().err


def test_the_fragments_of_this_tree_are_good() -> None:
    assert changelog.faults(changelog.ROOT) == []
