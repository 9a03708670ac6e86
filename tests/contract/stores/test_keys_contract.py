"""One suite for every `ports.Keys`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.books import AT
from waypost.core.key import Key
from waypost.ports import Keys
from waypost.stores.memory import MemoryKeys
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.keys import KeyRows, NewKey, SqlKeys
from waypost.stores.sql.schema import prepare

Made = tuple[Keys, Key]


def memory(_folder: Path) -> Iterator[Made]:
    key = Key("k1", "app", b"1" * 32, "hint", AT, rpm=60, route="cheap", priority="low", operator=True)
    keys = MemoryKeys()
    keys.put(key)
    yield keys, key


def sqlite(folder: Path) -> Iterator[Made]:
    database = open_sqlite(folder)
    prepare(database)
    rows = KeyRows(database)
    _, key = rows.create(
        NewKey("app", rpm=60, route="cheap", priority="low", operator=True), AT, lambda n: b"\x07" * n
    )
    keys = SqlKeys(rows)
    yield keys, key
    keys.close()
    database.close()


@pytest.fixture(params=[memory, sqlite], ids=["memory", "sqlite"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Made]:
    make: Callable[[Path], Iterator[Made]] = request.param
    yield from make(tmp_path)


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
