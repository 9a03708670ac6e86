from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest

from ledger.books import FakeClock, in_thread
from waypost.app import shared_books
from waypost.app.shared_books import SharedBooks
from waypost.core.lease import Granted, Move, Want
from waypost.errors import StoreUnavailable
from waypost.ledger.ledger import BookLedger, open_ledger
from waypost.stores.memory import MemoryJournal
from waypost.stores.sql.engine import Database, open_sqlite
from waypost.telemetry.logs import Log


class Leases:
    def __init__(self, _database: Database) -> None:
        self.ended = 0
        self.away = False

    def begin(self) -> int:
        self.end()
        return 0

    def grant(self, wants: Sequence[Want], nodes: int, move: Move) -> Sequence[Granted]:
        return []

    def change(self, move: Move) -> None: ...

    def reached(self, number: int) -> bool:
        return True

    def end(self) -> Mapping[str, int]:
        if self.away:
            raise StoreUnavailable("away")
        self.ended += 1
        return {}

    def seen(self, name: str, version: str, at: float) -> None: ...

    def live(self, since: float) -> int:
        return 3


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[BookLedger]:
    journal = MemoryJournal()
    made, _ = open_ledger(tmp_path, journal, FakeClock(), in_thread(tmp_path, journal))
    yield made
    await made.stop()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_sqlite(tmp_path / "db")


async def test_a_gateway_of_its_own_shares_nothing(ledger: BookLedger, database: Database) -> None:
    books = SharedBooks(database, ledger, Log(io.StringIO(), lambda: 0.0))
    assert ledger.leasing is None
    assert books.gauges() == {"waypost_nodes": 1, "waypost_leased_nano_usd": 0}
    await books.end(0)


async def test_one_of_several_gives_back_at_its_start_and_at_its_end(
    ledger: BookLedger, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases, log = Leases(database), io.StringIO()
    monkeypatch.setattr(shared_books, "LeaseRows", lambda _: leases)
    database.node = "a"
    books = SharedBooks(database, ledger, Log(log, lambda: 0.0))
    assert leases.ended == 1
    assert ledger.leasing is not None
    await ledger.leasing.tick()
    assert books.gauges() == {"waypost_nodes": 3, "waypost_leased_nano_usd": 0}
    await books.end(0)
    assert leases.ended == 2
    assert log.getvalue() == ""


@pytest.mark.parametrize(("left", "away", "told"), [(5, False, False), (0, True, True)])
async def test_what_can_not_be_given_back_is_left_to_the_next_start(
    ledger: BookLedger,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    left: int,
    away: bool,
    told: bool,
) -> None:
    leases, log = Leases(database), io.StringIO()
    monkeypatch.setattr(shared_books, "LeaseRows", lambda _: leases)
    database.node = "a"
    books = SharedBooks(database, ledger, Log(log, lambda: 0.0))
    leases.away = away
    await books.end(left)
    assert leases.ended == 1
    assert ("stays set aside" in log.getvalue()) is told
