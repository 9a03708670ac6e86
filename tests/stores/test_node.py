from __future__ import annotations

from pathlib import Path

import pytest

from waypost.errors import StoreUnavailable
from waypost.stores.node import node_of


def test_a_folder_is_named_once(tmp_path: Path) -> None:
    first = node_of(tmp_path, lambda n: b"\x0a" * n)
    assert first == "0a" * 6
    assert node_of(tmp_path, lambda n: b"\x0b" * n) == first
    assert [path.name for path in tmp_path.iterdir()] == ["node"]


def test_a_name_that_is_none_is_told_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "node").write_text("../x")
    with pytest.raises(StoreUnavailable, match="Restore it"):
        node_of(tmp_path)
    assert (tmp_path / "node").read_text() == "../x"
    (tmp_path / "node").write_bytes(b"\xff\xfe")
    with pytest.raises(StoreUnavailable, match="not text"):
        node_of(tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="No such file"):
        node_of(tmp_path / "none")
