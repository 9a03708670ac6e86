from __future__ import annotations

import pytest

from waypost.core.keytext import issue
from waypost.errors import NotFound
from waypost.stores.sql.engine import Database
from waypost.stores.sql.key_columns import (
    KEY,
    add_secret,
    by_digest,
    by_id,
    encoded,
    key_of,
    newest,
    raise_version,
)
from waypost.stores.sql.keys import KeyRows, NewKey


def test_only_lists_are_written_as_text() -> None:
    assert encoded({"models": ("a", "b"), "tags": (), "rpm": 5, "route": None}) == {
        "models": '["a","b"]', "tags": "[]", "rpm": 5, "route": None
    }  # fmt: skip


def test_the_newest_secret_stands_for_the_key(database: Database) -> None:
    first, key = KeyRows(database).create(NewKey("app", models=("a",)), 1.0, lambda n: b"\x01" * n)
    second = issue(lambda n: b"\x02" * n, key.key_id)
    with database.write() as connection:
        add_secret(connection, second, 2.0)
        assert [each.digest for each in newest(connection, KEY)] == [second.digest]
        assert by_id(connection, key.key_id).hint == second.hint
        assert by_digest(connection, first.digest) == key
        assert {key_of(row).digest for row in connection.execute(KEY).mappings()} == {
            first.digest,
            second.digest,
        }
        assert raise_version(connection) == 2
        with pytest.raises(NotFound):
            by_id(connection, "nobody")
