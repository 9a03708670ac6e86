import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ledger.books import CENT, FakeClock, FlakyJournal, exchange, mark
from waypost.core.record import Exchange
from waypost.errors import Bug, StoreUnavailable
from waypost.ledger.intents import Intents
from waypost.ledger.recovery import recover
from waypost.ledger.segments import listed
from waypost.ledger.writer import Writer
from waypost.ports import Journal
from waypost.stores.memory import MemoryJournal
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.journal import SqlJournal
from waypost.stores.sql.schema import prepare


@asynccontextmanager
async def running(
    folder: Path, journal: Journal, clock: FakeClock | None = None, **options: float
) -> AsyncIterator[tuple[Intents, Writer]]:
    clock = clock or FakeClock()
    intents = Intents(folder, 1, clock=clock, segment_bytes=int(options.pop("segment_bytes", 10_000_000)))
    writer = Writer(journal, intents, clock=clock, delay_s=0.0, **options)
    writer.start()
    try:
        yield intents, writer
    finally:
        await writer.stop(10)
        intents.close()


async def test_everything_queued_is_posted_and_remembered(tmp_path):
    journal = FlakyJournal()
    async with running(tmp_path, journal) as (intents, writer):
        for number in range(1200):
            intents.dispatch(mark(number))
            writer.add(intents.settled(exchange(number, accounts=("key:k1:total",))))
        await writer.flush()

        assert writer.backlog == 0
        assert len(journal.lines) == 1200
        assert journal.applied() == {"0000000001.intents": 2400}
        assert await writer.posted(["key:k1:total", "key:k2:total"]) == {"key:k1:total": 1200 * CENT}
    assert journal.calls <= 1200 // 2


async def test_a_database_that_is_down_loses_nothing_and_heals(tmp_path):
    journal, clock = FlakyJournal(), FakeClock()
    async with running(tmp_path, journal, clock) as (intents, writer):
        journal.down = True
        for number in range(10):
            writer.add(intents.settled(exchange(number)))
        with pytest.raises(StoreUnavailable):
            await writer.posted(["key:k1:total"])
        assert writer.fault is None, "a short outage bothers nobody"
        clock.now += 11
        with pytest.raises(StoreUnavailable):
            await writer.posted(["key:k1:total"])
        assert "does not take settled records" in writer.fault
        assert writer.backlog == 10

        journal.down = False
        await writer.flush()
        assert (writer.backlog, writer.fault, len(journal.lines)) == (0, None, 10)


async def test_a_backlog_over_the_limit_makes_it_unready(tmp_path):
    journal = FlakyJournal()
    async with running(tmp_path, journal, backlog_max=5) as (intents, writer):
        journal.down = True
        for number in range(6):
            writer.add(intents.settled(exchange(number)))
        with pytest.raises(StoreUnavailable):
            await writer.posted([])
        assert writer.fault.startswith("6 settled records wait")
        journal.down = False


async def test_stopping_while_the_database_is_down_says_what_is_left(tmp_path):
    journal = FlakyJournal()
    journal.down = True
    intents = Intents(tmp_path, 1, clock=FakeClock())
    writer = Writer(journal, intents, clock=FakeClock(), delay_s=0.0)
    writer.start()
    writer.add(intents.settled(exchange(1)))

    assert await writer.stop(0.01) == 1
    intents.close()
    writer.sweep()
    assert len(listed(tmp_path)) == 1


async def test_applied_segments_are_deleted_and_forgotten(tmp_path):
    journal = MemoryJournal()
    async with running(tmp_path, journal, segment_bytes=500) as (intents, writer):
        for number in range(100):
            intents.dispatch(mark(number))
            writer.add(intents.settled(exchange(number)))
        await writer.flush()

        assert len(listed(tmp_path)) == 1
        assert list(journal.applied()) == [listed(tmp_path)[0].name]
    assert len(journal.lines) == 100


async def test_a_record_the_database_refuses_stops_no_other_and_is_kept(tmp_path):
    class Picky(MemoryJournal):
        def repost(self, exchanges: Sequence[Exchange]) -> int:
            if any(each.exchange_id == "exc-3" for each in exchanges):
                raise Bug("no")
            return super().repost(exchanges)

    journal = Picky()
    async with running(tmp_path, journal, segment_bytes=1) as (intents, writer):
        for number in range(1, 7):
            writer.add(intents.settled(exchange(number)))
        await writer.flush()

        assert sorted(journal.lines) == ["att-1", "att-2", "att-4", "att-5", "att-6"]
        assert (writer.backlog, writer.stuck, writer.fault) == (1, 1, None)
    assert "0000000003.intents" in [path.name for path in listed(tmp_path)]
    assert "0000000003.intents" not in journal.applied(), "recovery must meet the record again"


async def test_a_record_set_aside_is_met_again_by_the_next_start(tmp_path):
    class Picky(MemoryJournal):
        picky = True

        def repost(self, exchanges: Sequence[Exchange]) -> int:
            if self.picky and any(each.exchange_id == "exc-3" for each in exchanges):
                raise Bug("no")
            return super().repost(exchanges)

    journal = Picky()
    async with running(tmp_path, journal) as (intents, writer):
        for number in range(1, 7):
            writer.add(intents.settled(exchange(number)))
            await writer.flush()
    assert journal.applied() == {"0000000001.intents": 2}
    journal.picky = False

    assert recover(tmp_path, journal).lines == 1
    assert "att-3" in journal.lines


async def test_a_record_that_is_there_already_is_not_posted_twice(tmp_path):
    journal = MemoryJournal()
    journal.repost([exchange(1, accounts=("key:k1:total",))])
    async with running(tmp_path, journal) as (intents, writer):
        for number in (1, 2):
            writer.add(intents.settled(exchange(number, accounts=("key:k1:total",))))
        await writer.flush()

    assert journal.accounts == {"key:k1:total": 2 * CENT}


async def test_records_added_one_by_one_are_each_posted_without_a_flush(tmp_path):
    """The wake-up is never lost: each record is waited for before the next one is added."""
    posted = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Telling(MemoryJournal):
        def post(self, segment: str, upto: int, exchanges: Sequence[Exchange]) -> None:
            super().post(segment, upto, exchanges)
            loop.call_soon_threadsafe(posted.set)

    journal = Telling()
    async with running(tmp_path, journal) as (intents, writer):
        for number in range(200):
            writer.add(intents.settled(exchange(number)))
            await asyncio.wait_for(posted.wait(), 10)
            posted.clear()
    assert len(journal.lines) == 200


async def test_a_locked_sqlite_file_is_waited_for(tmp_path):
    database = open_sqlite(tmp_path, busy_s=0.001)
    prepare(database)
    journal = SqlJournal(database)
    other = sqlite3.connect(tmp_path / "waypost.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with running(tmp_path, journal) as (intents, writer):
        writer.add(intents.settled(exchange(1, accounts=("key:k1:total",))))
        with pytest.raises(StoreUnavailable):
            await writer.posted(["key:k1:total"])
        assert writer.backlog == 1
        other.execute("ROLLBACK")
        await writer.flush()
        assert await writer.posted(["key:k1:total"]) == {"key:k1:total": CENT}
    other.close()
    database.close()


async def test_a_number_no_store_can_hold_is_set_aside(tmp_path):
    database = open_sqlite(tmp_path)
    prepare(database)
    journal = SqlJournal(database)
    async with running(tmp_path, journal) as (intents, writer):
        writer.add(intents.settled(exchange(1, 2**70)))
        writer.add(intents.settled(exchange(2, 7, ("key:k1:total",))))
        await writer.flush()
        assert writer.stuck == 1
    assert journal.posted(["key:k1:total"]) == {"key:k1:total": 7}
    database.close()


class BrokenJournal(MemoryJournal):
    """Fails in a way that nobody foresaw."""

    def post(self, segment: str, upto: int, exchanges: Sequence[Exchange]) -> None:
        raise KeyError(segment)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_nobody_waits_for_a_thread_that_has_died(tmp_path):
    async with running(tmp_path, BrokenJournal()) as (intents, writer):
        writer.add(intents.settled(exchange(1)))
        waiting = [asyncio.create_task(writer.posted(["key:k1:total"])) for _ in range(3)]
        for each in waiting:  # whether it was taken before the thread died, or came after
            with pytest.raises(StoreUnavailable):
                await asyncio.wait_for(each, 5)
        assert writer.fault is not None
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(writer.posted(["key:k1:total"]), 5)
