from __future__ import annotations

import sys
from base64 import b64encode
from pathlib import Path

import pytest

from waypost.errors import ConfigError
from waypost.stores.root_key import root_keys

A, B = b"a" * 32, b"b" * 32
TEXT_A, TEXT_B = b64encode(A).decode(), b64encode(B).decode()


def test_without_a_word_it_is_made_once_for_its_owner(tmp_path: Path) -> None:
    (made,) = root_keys(tmp_path, {})
    assert root_keys(tmp_path, {}) == (made,)
    assert [path.name for path in tmp_path.iterdir()] == ["root.key"]
    assert (tmp_path / "root.key").stat().st_mode & 0o777 == 0o600


def test_where_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / "k").write_text(f"{TEXT_B}\n{TEXT_A}\n")
    assert root_keys(tmp_path, {"WAYPOST_ROOT_KEY": TEXT_A}) == (A,)
    assert root_keys(tmp_path, {"WAYPOST_ROOT_KEY": f"{TEXT_A},{TEXT_B}"}) == (A, B)
    assert root_keys(tmp_path, {"WAYPOST_ROOT_KEY_FILE": str(tmp_path / "k")}) == (B, A)
    command = f"{sys.executable} -c 'print(\"{TEXT_B}\")'"
    assert root_keys(tmp_path, {"WAYPOST_ROOT_KEY_COMMAND": command}) == (B,)
    assert not (tmp_path / "root.key").exists()


@pytest.mark.parametrize(
    "environ",
    [
        {"WAYPOST_ROOT_KEY": "c2VjcmV0"},
        {"WAYPOST_ROOT_KEY": "no base64 at all!"},
        {"WAYPOST_ROOT_KEY": f"{TEXT_A},c2VjcmV0"},
        {"WAYPOST_ROOT_KEY_FILE": "/none"},
        {"WAYPOST_ROOT_KEY_COMMAND": "false"},
        {"WAYPOST_ROOT_KEY_COMMAND": "'"},
    ],
)
def test_what_is_none_is_refused_and_not_quoted(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as told:
        root_keys(tmp_path, environ)
    assert "c2VjcmV0" not in str(told.value)
    assert not (tmp_path / "root.key").exists()


def test_a_file_that_was_damaged_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "root.key").write_text("")
    with pytest.raises(ConfigError, match="openssl rand"):
        root_keys(tmp_path, {})
    assert (tmp_path / "root.key").read_text() == ""


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can not be made"):
        root_keys(tmp_path / "none", {})
