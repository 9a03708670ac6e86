from __future__ import annotations

import io
from contextlib import AsyncExitStack
from pathlib import Path

from contract.stores.test_claims_contract import ONE
from waypost.app.once import keep_answers
from waypost.stores.sql.claims import ClaimRows
from waypost.stores.sql.opening import open_database
from waypost.telemetry.logs import Log

LOG = Log(io.StringIO(), lambda: 0.0)


async def test_who_is_alone_claims_nothing(tmp_path: Path) -> None:
    database = open_database(tmp_path, {})
    assert database is not None
    async with AsyncExitStack() as stack:
        kept = keep_answers(database, None, LOG, stack)
        assert kept["claims"] is None
        assert await kept["replays"].get("k1", b"", 0.0) is None
    database.close()


async def test_one_of_several_begins_without_claims_of_its_own(tmp_path: Path) -> None:
    database = open_database(tmp_path, {}, worker=2)
    assert database is not None
    assert ClaimRows(database).take(ONE) is None
    async with AsyncExitStack() as stack:
        claims = keep_answers(database, None, LOG, stack)["claims"]
        assert claims is not None
        assert not await claims.held(ONE, 120.0)
        assert await claims.take(ONE) is None
        assert await claims.follow(ONE) is None
    database.close()
