"""One suite for every `ports.Batches`."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from waypost.core.batch import Batch, Fault
from waypost.core.file import Page
from waypost.ports import Batches
from waypost.stores.memory import MemoryBatches
from waypost.stores.sql.batches import BatchRows, SqlBatches
from waypost.stores.sql.opening import open_database

ONE = Batch(
    batch_id="batch_1",
    key_id="k1",
    endpoint="/v1/embeddings",
    input_file_id="file-1",
    window="24h",
    created_at=1.5,
    expires_at=99.5,
    exchange_id="wp-1",
    metadata={"a": "ä"},
    faults=(Fault("c", "m", 3, "p"),),
)


def another(number: int, **changes: object) -> Batch:
    return msgspec.structs.replace(ONE, batch_id=f"batch_{number}", **changes)


def memory(_folder: Path) -> Iterator[Batches]:
    yield MemoryBatches()


def sql(folder: Path, where: dict[str, str]) -> Iterator[Batches]:
    database = open_database(folder, where)
    assert database is not None
    batches = SqlBatches(BatchRows(database))
    yield batches
    batches.close()
    database.close()


@pytest.fixture
def batches(where: dict[str, str] | None, tmp_path: Path) -> Iterator[Batches]:
    yield from memory(tmp_path) if where is None else sql(tmp_path, where)


async def test_a_batch_is_its_keys_and_an_operators(batches):
    await batches.put(ONE)

    assert await batches.get("batch_1", "k1") == ONE
    assert await batches.get("batch_1", None) == ONE
    assert await batches.get("batch_1", "k2") is None
    assert await batches.get("batch_2", None) is None


async def test_a_change_leaves_it_where_it_stood(batches):
    for number in range(3):
        await batches.put(another(number))
    changed = another(1, status="completed", completed=7)
    await batches.put(changed, 50.0)

    assert await batches.get("batch_1", "k1") == changed
    assert [one.batch_id for one in await batches.page(Page(10))] == ["batch_2", "batch_1", "batch_0"]


async def test_pages(batches):
    for number in range(4):
        await batches.put(another(number, key_id=("k1", "k2")[number == 3]))

    async def ids(**asked: object) -> list[str]:
        return [
            one.batch_id[6:] for one in await batches.page(Page(**{"limit": 10, "key_id": "k1", **asked}))
        ]

    assert await ids() == ["2", "1", "0"]
    assert await ids(limit=1, after="batch_2") == ["1"]
    assert await ids(key_id=None) == ["3", "2", "1", "0"]
    assert await ids(after="batch_3") == []


@pytest.mark.parametrize("status", ["failed", "completed", "expired", "cancelled"])
async def test_those_that_are_over_are_not_taken_up(batches, status):
    await batches.put(another(1, status="in_progress"))
    await batches.put(another(2))
    await batches.put(another(3, status="cancelling", input_file_id="file-3"))
    assert [one.batch_id for one in await batches.unfinished()] == ["batch_1", "batch_2", "batch_3"]
    assert await batches.working_on("file-3") == "batch_3"

    for number in (1, 3):
        await batches.put(another(number, status=status, input_file_id="file-3"), 50.0)
    assert [one.batch_id for one in await batches.unfinished()] == ["batch_2"]
    assert await batches.working_on("file-3") is None
    assert await batches.working_on("file-1") == "batch_2"


async def test_nothing_is_dispatched_of_a_new_batch(batches):
    assert await batches.dispatched("wp-1") == frozenset()
