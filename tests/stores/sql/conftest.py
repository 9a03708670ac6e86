from collections.abc import Iterator
from pathlib import Path

import pytest

from waypost.stores.sql.engine import Database, open_sqlite
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.schema import prepare


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_sqlite(tmp_path)
    prepare(opened)
    yield opened
    opened.close()


@pytest.fixture
def journal(database: Database, tmp_path: Path) -> Iterator[SqliteJournal]:
    opened = SqliteJournal(tmp_path)
    yield opened
    opened.close()
