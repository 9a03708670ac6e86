"""One suite for every `ports.Files`."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from waypost.core.file import Page, StoredFile
from waypost.ports import Files
from waypost.stores.memory import MemoryFiles
from waypost.stores.sql.files import FileRows, SqlFiles
from waypost.stores.sql.opening import open_database

ONE = StoredFile("file-1", "k1", "batch", "ä.jsonl", 100, 10.5, 200.0)


def another(number: int, **changes: object) -> StoredFile:
    return msgspec.structs.replace(ONE, file_id=f"file-{number}", **changes)


def memory(_folder: Path) -> Iterator[Files]:
    yield MemoryFiles()


def sql(folder: Path, where: dict[str, str]) -> Iterator[Files]:
    database = open_database(folder, where)
    assert database is not None
    files = SqlFiles(FileRows(database))
    yield files
    files.close()
    database.close()


@pytest.fixture
def files(where: dict[str, str] | None, tmp_path: Path) -> Iterator[Files]:
    yield from memory(tmp_path) if where is None else sql(tmp_path, where)


async def test_a_file_is_its_keys_and_an_operators_until_it_expires(files):
    assert await files.put(ONE)

    assert await files.get("file-1", "k1", 199.9) == ONE
    assert await files.get("file-1", None, 199.9) == ONE
    assert await files.get("file-1", "k2", 199.9) is None
    assert await files.get("file-2", "k1", 199.9) is None
    assert await files.get("file-1", "k1", 200.0) is None
    assert await files.page(Page(10), 200.0) == []


async def test_one_without_an_end_stays(files):
    lasting = another(2, expires_at=None)
    await files.put(lasting)

    assert await files.get("file-2", "k1", 1e12) == lasting


async def test_putting_it_again_changes_nothing(files):
    await files.put(ONE)
    assert await files.put(msgspec.structs.replace(ONE, size=999), key_max=1)

    assert await files.get("file-1", "k1", 0.0) == ONE


async def test_bounds_of_a_key_and_of_all(files):
    assert await files.put(ONE, 100, 100)
    assert not await files.put(another(2), 199, 1000)
    assert not await files.put(another(3, key_id="k2"), 1000, 199)
    assert await files.put(another(4), 200, 200)

    assert await files.used("k1") == (200, 200)
    assert await files.used("k2") == (0, 200)


async def test_pages(files):
    for number in range(6):
        await files.put(another(number, purpose=("batch", "vision")[number % 2], created_at=5.0))
    await files.put(another(9, key_id="k2"))

    async def ids(**asked: object) -> list[str]:
        page = Page(**{"limit": 10, "key_id": "k1", **asked})
        return [one.file_id[5:] for one in await files.page(page, 0.0)]

    assert await ids() == ["5", "4", "3", "2", "1", "0"]
    assert await ids(limit=2) == ["5", "4"]
    assert await ids(limit=2, after="file-4") == ["3", "2"]
    assert await ids(newest_first=False, limit=2, after="file-4") == ["5"]
    assert await ids(purpose="vision") == ["5", "3", "1"]
    assert await ids(key_id=None, limit=2) == ["9", "5"]
    assert await ids(after="file-9") == [], "another key's file is no place to begin"
    assert await ids(after="file-7") == []


async def test_deleting(files):
    await files.put(ONE)

    assert await files.delete("file-1")
    assert not await files.delete("file-1")
    assert await files.get("file-1", "k1", 0.0) is None
