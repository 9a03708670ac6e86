from __future__ import annotations

from pathlib import Path

import pytest

from waypost.errors import ConfigError
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.variables import URL


def test_without_a_word_it_is_the_folders_own(tmp_path: Path) -> None:
    assert open_database(tmp_path, {}, create=False) is None
    made = open_database(tmp_path, {})
    assert made is not None
    assert made.engine.dialect.name == "sqlite"
    made.close()
    again = open_database(tmp_path, {}, create=False)
    assert again is not None
    again.close()


def test_an_address_that_is_none_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="WAYPOST_DATABASE_URL"):
        open_database(tmp_path, {URL: "sqlite://x"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.process
def test_a_server_that_is_named(tmp_path: Path, where: dict[str, str]) -> None:
    database = open_database(tmp_path, where, create=False)
    if where:
        assert database is not None
        assert database.engine.dialect.name == "postgresql"
        assert database.node == (tmp_path / "node").read_text()
        database.close()
