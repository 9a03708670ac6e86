"""One suite for every `ports.Keys`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.books import AT
from waypost.core.key import Key
from waypost.ports import Keys
from waypost.stores.memory import MemoryKeys
from waypost.stores.sql.keys import KeyRows, NewKey, SqlKeys
from waypost.stores.sql.opening import open_database

Made = tuple[Keys, Key]


def memory(_folder: Path) -> Iterator[Made]:
    key = Key("k1", "app", b"1" * 32, "hint", AT, rpm=60, route="cheap", priority="low", operator=True)
    keys = MemoryKeys()
    keys.put(key)
    yield keys, key


def sql(folder: Path, where: dict[str, str]) -> Iterator[Made]:
    database = open_database(folder, where)
    assert database is not None
    rows = KeyRows(database)
    _, key = rows.create(
        NewKey("app", rpm=60, route="cheap", priority="low", operator=True), AT, lambda n: b"\x07" * n
    )
    keys = SqlKeys(rows)
    yield keys, key
    keys.close()
    database.close()


@pytest.fixture
def made(where: dict[str, str] | None, tmp_path: Path) -> Iterator[Made]:
    yield from memory(tmp_path) if where is None else sql(tmp_path, where)


async def test_a_key_that_was_looked_up_is_in_memory(made):
    keys, key = made

    assert await keys.lookup(key.digest) == key
    assert keys.cached(key.digest) == key
    assert keys.cached(key.digest) is keys.cached(key.digest), (
        "the same object: it is cached by identity elsewhere"
    )


async def test_an_unknown_key_is_none(made):
    keys, _ = made

    assert keys.cached(b"0" * 32) is None
    assert await keys.lookup(b"0" * 32) is None
    assert keys.cached(b"0" * 32) is None


async def test_a_key_keeps_its_route_its_priority_and_whether_it_is_an_operators(made):
    keys, key = made
    found = await keys.lookup(key.digest)

    assert (found.route, found.priority, found.operator) == ("cheap", "low", True)
