"""One suite for every `ports.Replays`."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from waypost.core.replay import Replay
from waypost.ports import Replays
from waypost.stores.memory import MemoryReplays
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.replays import ReplayRows, SqlReplays

HEADERS = ((b"content-type", b"application/json"), (b"x-waypost-model", b"m\xc3\xa9"))
ONE = Replay("k1", b"\x01" * 32, b"\x02" * 32, "x1", 200, HEADERS, b'{"id":"\xff\x00"}', False, 200.0)
ROOM = 1 << 20


def memory(_folder: Path) -> Iterator[Replays]:
    yield MemoryReplays()


def sql(folder: Path, where: dict[str, str]) -> Iterator[Replays]:
    database = open_database(folder, where)
    assert database is not None
    replays = SqlReplays(ReplayRows(database))
    yield replays
    replays.close()
    database.close()


@pytest.fixture
def replays(where: dict[str, str] | None, tmp_path: Path) -> Iterator[Replays]:
    yield from memory(tmp_path) if where is None else sql(tmp_path, where)


async def test_what_was_kept_comes_back_as_it_was(replays):
    await replays.put(ONE, ROOM)
    streamed = msgspec.structs.replace(ONE, digest=b"\x03" * 32, streamed=True, headers=(), body=b"")
    await replays.put(streamed, ROOM)

    assert await replays.get("k1", ONE.digest, 150.0) == ONE
    assert await replays.get("k1", streamed.digest, 150.0) == streamed


async def test_it_is_for_its_key_alone(replays):
    await replays.put(ONE, ROOM)
    other = msgspec.structs.replace(ONE, key_id="k2", body=b"other")
    await replays.put(other, ROOM)

    assert await replays.get("k1", ONE.digest, 150.0) == ONE
    assert await replays.get("k2", ONE.digest, 150.0) == other
    assert await replays.get("k3", ONE.digest, 150.0) is None
    assert await replays.get("k1", b"\x09" * 32, 150.0) is None


async def test_it_is_gone_the_moment_it_expires(replays):
    await replays.put(ONE, ROOM)

    assert await replays.get("k1", ONE.digest, 199.9) == ONE
    assert await replays.get("k1", ONE.digest, 200.0) is None


async def test_a_later_one_takes_the_place_of_an_earlier_one(replays):
    await replays.put(ONE, ROOM)
    later = msgspec.structs.replace(ONE, body=b"later", fingerprint=b"\x07" * 32, expires_at=300.0)
    await replays.put(later, ROOM)

    assert await replays.get("k1", ONE.digest, 250.0) == later


async def test_those_that_expire_first_give_way(replays):
    """Not at once: an adapter may look only now and then, but it never holds a sixteenth more than it may."""
    size, limit = 100, 3200
    for number in range(200):
        row = msgspec.structs.replace(
            ONE, digest=number.to_bytes(32, "big"), body=b"x" * size, expires_at=1000.0 + number
        )
        await replays.put(row, limit)
        held = [
            old
            for old in range(number + 1)
            if await replays.get("k1", old.to_bytes(32, "big"), 0.0) is not None
        ]
        assert len(held) * size <= limit + limit // 16
        assert held == list(range(number + 1 - len(held), number + 1)), "the newest ones are left"
        assert number < 20 or len(held) >= 20
