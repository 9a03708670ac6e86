import asyncio
import errno
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.books import CENT, FakeClock, FlakyJournal, exchange, in_thread, mark
from waypost.core.record import Exchange
from waypost.errors import Bug, StoreUnavailable
from waypost.ledger.intents import Intents
from waypost.ledger.recovery import recover
from waypost.ledger.segments import listed
from waypost.ledger.writer import Posting, Writer
from waypost.ports import Journal
from waypost.stores.memory import MemoryJournal
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.schema import prepare


class Books:
    """A writer and its intents, used as the ledger uses them."""

    def __init__(self, intents: Intents, writer: Writer) -> None:
        self.intents = intents
        self.writer = writer

    def settle(self, record: Exchange) -> None:
        pins = self.intents.settled(record)
        if pins is not None or record.request_body is not None:
            self.writer.carry(record, pins)
        else:
            self.writer.nudge()


async def until(condition: Callable[[], bool]) -> None:
    """Give the loop its turns until another thread has brought it about."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - another thread brings it about
            await asyncio.sleep(0)


@asynccontextmanager
async def running(
    folder: Path,
    journal: Journal,
    clock: FakeClock | None = None,
    *,
    segment_bytes: int = 10_000_000,
    patience_s: float = 10,
    **options: Any,
) -> AsyncIterator[tuple[Books, Writer]]:
    clock = clock or FakeClock()
    intents = Intents(folder, 1, clock=clock, segment_bytes=segment_bytes)
    writer = Writer(intents, in_thread(folder, journal), clock=clock, **options)
    writer.start()
    try:
        yield Books(intents, writer), writer
    finally:
        await writer.stop(patience_s)


async def test_everything_queued_is_posted_and_remembered(tmp_path):
    journal = FlakyJournal()
    async with running(tmp_path, journal) as (books, writer):
        for number in range(1200):
            books.intents.dispatch(mark(number))
            books.settle(exchange(number, accounts=("key:k1:total",)))
        await writer.flush()

        assert writer.backlog == 0
        assert len(journal.lines) == 1200
        assert journal.applied() == {"0000000001.intents": 2400}
        assert await writer.posted(["key:k1:total", "key:k2:total"]) == {"key:k1:total": 1200 * CENT}
    assert journal.calls <= 1200 // 2


async def test_a_database_that_is_down_loses_nothing_and_heals(tmp_path):
    journal, clock = FlakyJournal(), FakeClock()
    async with running(tmp_path, journal, clock) as (books, writer):
        journal.down = True
        for number in range(10):
            books.settle(exchange(number))
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
    async with running(tmp_path, journal, backlog_max=5) as (books, writer):
        journal.down = True
        for number in range(6):
            books.settle(exchange(number))
        with pytest.raises(StoreUnavailable):
            await writer.posted([])
        assert writer.fault.startswith("6 settled records wait")
        assert writer.fullness == 6 / 5
        journal.down = False


async def test_stopping_while_the_database_is_down_says_what_is_left(tmp_path):
    journal = FlakyJournal()
    journal.down = True
    async with running(tmp_path, journal, patience_s=0.01) as (books, writer):
        books.settle(exchange(1))

        assert await writer.stop(0.01) == 1
    assert len(listed(tmp_path)) == 1


async def test_applied_segments_are_deleted_and_forgotten(tmp_path):
    journal = MemoryJournal()
    async with running(tmp_path, journal, segment_bytes=500) as (books, writer):
        for number in range(100):
            books.intents.dispatch(mark(number))
            books.settle(exchange(number))
        await writer.flush()
        await writer.posted([])  # answered after what was said before it

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
    async with running(tmp_path, journal, segment_bytes=1) as (books, writer):
        for number in range(1, 7):
            books.settle(exchange(number))
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
    async with running(tmp_path, journal) as (books, writer):
        for number in range(1, 7):
            books.settle(exchange(number))
            await writer.flush()
    assert journal.applied() == {"0000000001.intents": 2}
    journal.picky = False

    assert recover(tmp_path, journal).lines == 1
    assert "att-3" in journal.lines


async def test_a_record_that_is_there_already_is_not_posted_twice(tmp_path):
    journal = MemoryJournal()
    journal.repost([exchange(1, accounts=("key:k1:total",))])
    async with running(tmp_path, journal) as (books, writer):
        for number in (1, 2):
            books.settle(exchange(number, accounts=("key:k1:total",)))
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
    async with running(tmp_path, journal) as (books, _):
        for number in range(200):
            books.settle(exchange(number))
            await asyncio.wait_for(posted.wait(), 10)
            posted.clear()
    assert len(journal.lines) == 200


async def test_a_locked_sqlite_file_is_waited_for(tmp_path):
    database = open_sqlite(tmp_path)
    prepare(database)
    journal = SqliteJournal(tmp_path, busy_s=0.001)
    other = sqlite3.connect(tmp_path / "waypost.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with running(tmp_path, journal) as (books, writer):
        books.settle(exchange(1, accounts=("key:k1:total",)))
        with pytest.raises(StoreUnavailable):
            await writer.posted(["key:k1:total"])
        assert writer.backlog == 1
        other.execute("ROLLBACK")
        await writer.flush()
        assert await writer.posted(["key:k1:total"]) == {"key:k1:total": CENT}
    other.close()
    journal.close()
    database.close()


async def test_a_number_no_store_can_hold_is_set_aside(tmp_path):
    database = open_sqlite(tmp_path)
    prepare(database)
    journal = SqliteJournal(tmp_path)
    async with running(tmp_path, journal) as (books, writer):
        books.settle(exchange(1, 2**70))
        books.settle(exchange(2, 7, ("key:k1:total",)))
        await writer.flush()
        assert writer.stuck == 1
    assert journal.posted(["key:k1:total"]) == {"key:k1:total": 7}
    journal.close()
    database.close()


class BrokenJournal(MemoryJournal):
    """Fails in a way that nobody foresaw."""

    def post(self, segment: str, upto: int, exchanges: Sequence[Exchange]) -> None:
        raise KeyError(segment)


async def test_nobody_waits_for_a_writer_that_has_died(tmp_path):
    told = []
    journal = BrokenJournal()
    async with running(tmp_path, journal, patience_s=0.01, told=told.append) as (books, writer):
        books.settle(exchange(1))
        waiting = [asyncio.create_task(writer.posted(["key:k1:total"])) for _ in range(3)]
        for each in waiting:  # whether it was heard before the writer died, or came after
            with pytest.raises(StoreUnavailable):
                await asyncio.wait_for(each, 5)
        assert writer.fault is not None
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(writer.posted(["key:k1:total"]), 5)
    assert "KeyError" in told[0]
    assert "started again" in told[1]


async def test_a_writer_that_dies_is_started_again_and_nothing_is_lost(tmp_path):
    journal = FlakyJournal()
    account = ("key:k1:total",)
    async with running(tmp_path, journal, segment_bytes=4000) as (books, writer):
        for life in range(5):
            for number in range(life * 40, life * 40 + 40):
                books.intents.dispatch(mark(number, account))
                books.settle(exchange(number, 7, account))
                if number % 13 == 0:
                    await asyncio.sleep(0)
            writer._posting.kill()
            await until(lambda life=life: writer.starts == life + 2)
        await writer.flush()
        assert (writer.fault, writer.backlog, writer.stuck) == (None, 0, 0)
    # A file whose deletion died with a writer is the next start's to delete; it posts nothing again.
    recover(tmp_path, journal)
    assert journal.accounts == {account[0]: 200 * 7}
    assert len(journal.lines) == 200
    assert listed(tmp_path) == []


async def test_while_it_is_started_again_it_says_so(tmp_path):
    async with running(tmp_path, FlakyJournal()) as (_, writer):
        await writer.posted([])
        assert writer.fault is None
        writer._posting.kill()
        await until(lambda: writer.fault is not None)
        assert "is being started again" in writer.fault
        await until(lambda: writer.fault is None)
        assert writer.starts == 2


async def test_a_writer_that_can_not_be_started_at_all(tmp_path):
    def refuse(link: socket.socket) -> Posting:
        raise OSError(errno.EAGAIN, "no more processes")

    writer = Writer(Intents(tmp_path, 1, clock=FakeClock()), refuse, clock=FakeClock())
    with pytest.raises(StoreUnavailable, match="no more processes"):
        writer.start()


async def test_a_second_writer_waits_for_the_end_of_the_first(tmp_path):
    """One that closed its link and lives on is ended before another is started."""
    posted = asyncio.Event()
    killed = []

    class Lingering:
        def wait(self, timeout_s: float) -> bool:
            return bool(killed)

        def kill(self) -> None:
            killed.append(True)

    journal = FlakyJournal()
    honest = in_thread(tmp_path, journal)
    starts = []

    def launch(link: socket.socket) -> Posting:
        starts.append(bool(killed))
        if len(starts) == 1:
            return Lingering()  # its end of the link is closed at once
        posted.set()
        return honest(link)

    writer = Writer(Intents(tmp_path, 1, clock=FakeClock()), launch, clock=FakeClock())
    writer.start()
    await asyncio.wait_for(posted.wait(), 10)
    assert starts == [False, True]
    await writer.stop(10)


async def test_content_is_posted_with_its_exchange_though_no_file_has_it(tmp_path):
    journal = FlakyJournal()
    async with running(tmp_path, journal) as (books, writer):
        for number in range(50):
            bodies = {"request_body": b"ask %d" % number, "response_body": b"\x00"}
            books.settle(msgspec.structs.replace(exchange(number), **bodies))
            if number % 7 == 0:
                await asyncio.sleep(0.001)  # so that files and link are read in different orders
        await writer.flush()
        assert (writer.backlog, writer.stuck) == (0, 0)
    kept = [journal.contents.get(f"exc-{number}") for number in range(50)]
    assert kept == [(b"ask %d" % number, b"\x00") for number in range(50)]
    assert len(journal.lines) == 50


async def test_what_was_carried_is_carried_again_after_a_death(tmp_path):
    journal = FlakyJournal()
    async with running(tmp_path, journal) as (books, writer):
        journal.down = True
        books.settle(msgspec.structs.replace(exchange(1), request_body=b"ask"))
        with pytest.raises(StoreUnavailable):
            await writer.posted([])
        writer._posting.kill()
        await until(lambda: writer.starts == 2)
        journal.down = False
        await writer.flush()
    assert journal.contents == {"exc-1": (b"ask", None)}
    assert sorted(journal.lines) == ["att-1"]


async def test_a_carried_record_that_the_database_refuses_is_counted(tmp_path):
    class Picky(MemoryJournal):
        def repost(self, exchanges: Sequence[Exchange]) -> int:
            raise Bug("no")

    async with running(tmp_path, Picky()) as (books, writer):
        books.intents.dispatch(mark(1))
        writer.carry(exchange(1), ())
        await writer.flush()
        assert (writer.backlog, writer.stuck) == (1, 1)
        writer.carry(exchange(2, 2**70), ())  # a number that no message holds either
        assert (writer.backlog, writer.stuck) == (2, 2)
