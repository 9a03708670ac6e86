"""What the data folder holds, opened: the database, the ledger over it, and the keys."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from waypost.app.clock import SystemClock
from waypost.app.started import summary_of
from waypost.ledger.ledger import BookLedger, open_ledger
from waypost.stores.sql.engine import Database
from waypost.stores.sql.journals import open_journal
from waypost.stores.sql.keys import KeyRows
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.sqlite_file import Durability
from waypost.stores.writer_process import WriterLauncher, take_writer_lock
from waypost.telemetry.logs import Log

if TYPE_CHECKING:
    from contextlib import AsyncExitStack


class Books(msgspec.Struct, frozen=True):
    """What the data folder holds, opened."""

    database: Database
    ledger: BookLedger
    recovered: str | None
    """What an earlier process left, in a sentence."""
    keys: KeyRows


def open_books(
    data: Path,
    environ: Mapping[str, str],
    durability: Durability,
    clock: SystemClock,
    log: Log,
    stack: AsyncExitStack,
) -> Books:
    """Open them, recover what an earlier process left, and start the ledger's writer, which the stack does not stop.
    Raises StoreUnavailable and ConfigError."""
    database = open_database(data, environ, durability=durability)
    assert database is not None  # noqa: S101 - it makes one
    stack.callback(database.close)
    lock = take_writer_lock(data)
    stack.callback(lock.let_go)
    with closing(open_journal(data, environ, durability=durability)) as journal:
        fsync = durability == "fsync"
        launch = WriterLauncher(data, lock, fsync=fsync, environ=environ)
        ledger, report = open_ledger(data, journal, clock, launch, fsync=fsync, told=log.error)
    return Books(database, ledger, summary_of(report), KeyRows(database))
