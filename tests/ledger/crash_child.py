"""Runs a ledger until it is killed. Prints the id of every exchange whose settlement it was told of, one a line."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import msgspec

from ledger.books import AT, attempt, both_providers, checkpoint, exchange, mark, served_by
from waypost.ledger.ledger import open_ledger
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.schema import prepare
from waypost.stores.writer_process import WriterLauncher, take_writer_lock


class RealClock:
    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


async def work(data: Path, first: int) -> None:
    database = open_sqlite(data)
    prepare(database)
    launch = WriterLauncher(data, take_writer_lock(data), fsync=False, delay_s=0.002)
    ledger, _ = open_ledger(data, SqliteJournal(data), RealClock(), launch, segment_bytes=20_000)
    who = both_providers()
    await ledger.load(who, AT)
    print("ready", flush=True)
    running = []
    for number in range(first, first + 1_000_000):
        hold = ledger.try_reserve(who, 1000, AT)
        assert hold is not None
        sent = mark(number, hold.accounts, floor=3)
        ledger.dispatch(msgspec.structs.replace(sent, provider=served_by(number)))
        running.append((number, hold))
        if number % 7 == 0:
            ledger.checkpoint(checkpoint(number, 11))
        if len(running) > 5:  # a few are always under way, and they end out of order
            known, old = running.pop(number % 5)
            done = msgspec.structs.replace(attempt(known, 7), provider=served_by(known))
            ledger.settle(old, exchange(known, 7, old.accounts, (done,)))
            sys.stdout.write(f"{known}\n")
            sys.stdout.flush()
        if number % 50 == 0:
            await asyncio.sleep(0)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), int(sys.argv[2])))
