from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from contract.stores.test_claims_contract import ONE, OTHER
from waypost.core.replay import Claim
from waypost.errors import StoreUnavailable
from waypost.stores.sql.claims import ALIVE_S, ClaimRows, SqlClaims
from waypost.stores.sql.engine import Database, open_sqlite
from waypost.stores.sql.kept_tables import CLAIMS
from waypost.stores.sql.leases import LeaseRows
from waypost.stores.sql.schema import prepare
from waypost.telemetry.logs import Log

LONG = msgspec.structs.replace(ONE, expires_at=10_000.0)


def of(database: Database, node: str) -> ClaimRows:
    named = Database(database.engine)
    named.node = node
    return ClaimRows(named)


def later(seconds: float) -> Claim:
    return msgspec.structs.replace(OTHER, made_at=LONG.made_at + seconds, expires_at=10_000.0)


def test_a_node_that_starts_has_made_nothing(database: Database) -> None:
    a, b = of(database, "a"), of(database, "b")
    assert a.take(LONG) is None
    b.begin()
    assert a.held(LONG, 100.0)
    a.begin()
    assert not b.held(LONG, 100.0)


def test_what_a_node_claimed_that_is_not_heard_of_any_more_holds_nothing(database: Database) -> None:
    a, b = of(database, "a"), of(database, "b")
    assert a.take(LONG) is None
    assert b.take(later(ALIVE_S - 1)) is not None, "it may not have been heard of yet"
    LeaseRows(database, "a").seen("host", "1", LONG.made_at + 60)
    assert b.held(LONG, LONG.made_at + 60 + ALIVE_S - 1)
    assert b.take(later(60 + ALIVE_S - 1)) is not None
    assert not b.held(LONG, LONG.made_at + 60 + ALIVE_S)
    assert b.take(later(60 + ALIVE_S)) is None


def test_what_nobody_released_goes_when_it_has_expired(database: Database) -> None:
    rows = of(database, "a")
    assert rows.take(ONE) is None
    assert rows.delete_expired(199.9) == 0
    assert rows.delete_expired(200.0) == 1


async def test_what_could_not_be_released_is_with_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, told = open_sqlite(tmp_path), io.StringIO()
    prepare(database)
    rows = of(database, "a")
    claims = SqlClaims(rows, Log(told, lambda: 0.0))
    second = msgspec.structs.replace(ONE, digest=b"\x05" * 32)
    assert await claims.take(ONE) is None
    assert await claims.take(second) is None

    def away(**_: bool) -> object:
        raise StoreUnavailable("The database does not answer.")

    with monkeypatch.context() as lost:
        lost.setattr(rows._database, "write", away)
        claims.release(ONE)
        assert await claims.held(ONE, 100.0)
    assert "an idempotency key could not be let go" in told.getvalue()
    claims.release(second)
    claims.close()
    with database.read() as connection:
        assert connection.execute(select(CLAIMS)).all() == []
    database.close()
