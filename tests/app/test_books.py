from __future__ import annotations

import io
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from waypost.app.books import open_books
from waypost.app.clock import SystemClock
from waypost.errors import StoreUnavailable
from waypost.telemetry.logs import Log


async def test_a_folder_is_opened_once_and_given_back(tmp_path: Path) -> None:
    log = Log(io.StringIO(), lambda: 0.0)
    for _ in range(2):
        async with AsyncExitStack() as stack:
            books = open_books(tmp_path, {}, "process", SystemClock(), log, stack)
            assert books.keys.list() == []
            assert books.recovered is None
            assert books.ledger.ready is None
            assert await books.ledger.stop() == 0


async def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    async with AsyncExitStack() as stack:
        with pytest.raises(StoreUnavailable):
            open_books(
                tmp_path / "data", {}, "process", SystemClock(), Log(io.StringIO(), lambda: 0.0), stack
            )
