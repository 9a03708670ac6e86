from __future__ import annotations

import io
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from waypost.app.books import open_books
from waypost.app.clock import SystemClock
from waypost.errors import ConfigError
from waypost.stores.seat import Seat
from waypost.stores.writer_process import read_writer
from waypost.telemetry.logs import Log

LOG = Log(io.StringIO(), lambda: 0.0)


async def test_what_is_opened_is_closed_with_the_stack(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        books = open_books(Seat(tmp_path), {}, "process", SystemClock(), LOG, stack)
        assert books.recovered is None
        assert books.keys.list() == []
        assert read_writer(tmp_path) is not None
        assert await books.ledger.stop() == 0
    assert read_writer(tmp_path) is None


async def test_an_address_that_is_none_leaves_nothing_open(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="WAYPOST_DATABASE_URL"):
        async with AsyncExitStack() as stack:
            open_books(Seat(tmp_path), {"WAYPOST_DATABASE_URL": "x://"}, "process", SystemClock(), LOG, stack)
    assert read_writer(tmp_path) is None
