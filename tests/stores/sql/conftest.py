from collections.abc import Iterator
from pathlib import Path

import pytest

from waypost.stores.sql.engine import Database
from waypost.stores.sql.journals import AnyJournal, open_journal
from waypost.stores.sql.opening import open_database


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.process)])
def where(request: pytest.FixtureRequest) -> dict[str, str]:
    """What the environment says of the database."""
    if request.param == "sqlite":
        return {}
    return dict(request.getfixturevalue("postgres").new_database(prepared=True))


@pytest.fixture
def database(where: dict[str, str], tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path, where)
    assert opened is not None
    yield opened
    opened.close()


@pytest.fixture
def journal(where: dict[str, str], database: Database, tmp_path: Path) -> Iterator[AnyJournal]:
    opened = open_journal(tmp_path, where)
    yield opened
    opened.close()
