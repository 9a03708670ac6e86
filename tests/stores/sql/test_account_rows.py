from __future__ import annotations

from pathlib import Path

from sqlalchemy import insert

from waypost.stores.sql.account_rows import AccountRows
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.schema import prepare
from waypost.stores.sql.tables import ACCOUNTS


def test_what_was_posted(tmp_path: Path) -> None:
    database = open_sqlite(tmp_path)
    prepare(database)
    row = {"account_id": "key:k:total", "scope": "key", "scope_id": "k", "window_start": "", "posted_nusd": 7}
    with database.write() as connection:
        connection.execute(insert(ACCOUNTS).values(**row, lines=1))
    rows = AccountRows(database)
    assert (rows.posted("key:k:total"), rows.posted("key:other:total")) == (7, 0)
    database.close()
