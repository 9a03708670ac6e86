"""One suite for every `ports.Claims`: two processes that could make the same answer."""

import io
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from waypost.core.replay import Claim, Replay
from waypost.ports import Claims
from waypost.stores.memory import MemoryClaims, MemoryReplays
from waypost.stores.sql.claims import ClaimRows, SqlClaims
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.replays import ReplayRows
from waypost.telemetry.logs import Log

ONE = Claim("k1", b"\x01" * 32, b"\x02" * 32, "x1", 100.0, 200.0)
OTHER = msgspec.structs.replace(ONE, exchange_id="y1", fingerprint=b"\x03" * 32)


def sql(folder: Path, where: dict[str, str]) -> Iterator[tuple[Claims, Claims]]:
    databases, made = [], []
    for node in ("a", "b"):
        database = open_database(folder, where)
        assert database is not None
        database.node = node
        databases.append(database)
        made.append(SqlClaims(ClaimRows(database), Log(io.StringIO(), lambda: 0.0)))
    yield made[0], made[1]
    for claims, database in zip(made, databases, strict=True):
        claims.close()
        database.close()


@pytest.fixture
def two(where: dict[str, str] | None, tmp_path: Path) -> Iterator[tuple[Claims, Claims]]:
    if where is not None:
        yield from sql(tmp_path, where)
    else:
        first = MemoryClaims("a")
        yield first, MemoryClaims("b", first.rows)


async def test_the_first_has_it_and_the_other_is_told_who(two: tuple[Claims, Claims]) -> None:
    a, b = two
    assert await a.take(ONE) is None
    assert await b.take(OTHER) == msgspec.structs.replace(ONE, node="a")


async def test_it_is_for_one_key_and_one_digest(two: tuple[Claims, Claims]) -> None:
    a, b = two
    assert await a.take(ONE) is None
    assert await b.take(msgspec.structs.replace(OTHER, key_id="k2")) is None
    assert await b.take(msgspec.structs.replace(OTHER, digest=b"\x09" * 32)) is None


async def test_released_it_is_anybodys(two: tuple[Claims, Claims]) -> None:
    a, b = two
    assert await a.take(ONE) is None
    assert await b.held(ONE, 120.0)
    b.release(OTHER)  # it has none, so nothing happens
    assert await b.held(ONE, 120.0)
    a.release(ONE)
    assert not await a.held(ONE, 120.0)
    assert not await b.held(ONE, 120.0)
    assert await b.take(OTHER) is None


async def test_a_processes_own_from_before_holds_nothing(two: tuple[Claims, Claims]) -> None:
    a, b = two
    assert await a.take(ONE) is None
    assert await a.take(OTHER) is None
    held = await b.take(msgspec.structs.replace(ONE, exchange_id="z1"))
    assert held is not None
    assert held.exchange_id == "y1"


async def test_what_is_void_is_taken_over_and_nothing_else(two: tuple[Claims, Claims]) -> None:
    a, b = two
    assert await a.take(ONE) is None
    assert await b.take(OTHER, void="x0") is not None
    assert await b.take(OTHER, void="x1") is None
    assert not await b.held(ONE, 120.0)
    a.release(ONE)
    assert await a.held(OTHER, 120.0)


async def test_it_expires(two: tuple[Claims, Claims]) -> None:
    a, b = two
    assert await a.take(ONE) is None
    assert not await b.held(ONE, 200.0)
    assert await b.take(msgspec.structs.replace(OTHER, made_at=200.0, expires_at=300.0)) is None


async def test_with_the_answer_its_claim_is_let_go_and_no_other(
    where: dict[str, str] | None, tmp_path: Path
) -> None:
    replay = Replay(ONE.key_id, ONE.digest, ONE.fingerprint, ONE.exchange_id, 200, (), b"{}", False, 300.0)
    for there in (ONE, OTHER):
        if where is None:
            claims = MemoryClaims("a")
            assert await claims.take(there) is None
            await MemoryReplays(claims).put(replay, 1000)
            assert await claims.held(there, 120.0) is (there is OTHER)
            continue
        database = open_database(tmp_path, where)
        assert database is not None
        database.node = "a"
        rows = ClaimRows(database)
        assert rows.take(there) is None
        ReplayRows(database).put(replay, 1000)
        assert rows.held(there, 120.0) is (there is OTHER)
        database.close()


async def test_without_somebody_near_nothing_is_told(two: tuple[Claims, Claims]) -> None:
    assert await two[0].follow(ONE) is None
