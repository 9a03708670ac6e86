from __future__ import annotations

from pathlib import Path

import pytest

from waypost.cli.options import chosen_config


def test_a_named_file_wins_over_the_usual_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert chosen_config(None) is None
    (tmp_path / "waypost.yaml").touch()
    assert chosen_config(None) == Path("waypost.yaml")
    assert chosen_config(Path("other.yaml")) == Path("other.yaml")
