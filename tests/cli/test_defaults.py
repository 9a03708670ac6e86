from __future__ import annotations

from pathlib import Path

import pytest

from waypost.cli.defaults import chosen_config


def test_the_usual_file_is_taken_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert chosen_config(None) is None
    assert chosen_config(Path("other.yaml")) == Path("other.yaml"), "one that is named has to be there"
    Path("waypost.yaml").touch()
    assert chosen_config(None) == Path("waypost.yaml")
    assert chosen_config(Path("other.yaml")) == Path("other.yaml")
