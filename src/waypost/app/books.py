"""What a data folder holds, or the database that the environment names: opened, and recovered from an unclean end."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack, closing
from typing import TYPE_CHECKING

import msgspec

from waypost.app.started import summary_of
from waypost.app.workers.vacated import take_over
from waypost.ledger.ledger import BookLedger, open_ledger
from waypost.ports import Clock
from waypost.stores.seat import Seat
from waypost.stores.sql.engine import Database
from waypost.stores.sql.journals import open_journal, open_node_lock
from waypost.stores.sql.keys import KeyRows
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.sqlite_file import Durability
from waypost.stores.writer_process import WriterLauncher, take_writer_lock
from waypost.telemetry.logs import Log

if TYPE_CHECKING:
    from waypost.stores.sql.node_lock import NodeLock


class Books(msgspec.Struct, frozen=True):
    """Everything durable. Closed by the stack that it was opened on."""

    database: Database
    ledger: BookLedger
    recovered: str | None
    """What an unclean end left to do, in a sentence."""
    keys: KeyRows
    node_lock: NodeLock | None = None
    """Where others share the database."""


def open_books(
    seat: Seat,
    environ: Mapping[str, str],
    durability: Durability,
    clock: Clock,
    log: Log,
    stack: AsyncExitStack,
    workers: int = 1,
) -> Books:
    """`workers`: how many serve from the data folder, this one included.

    Needs a running event loop, and blocks: call it before serving. Raises StoreUnavailable and ConfigError."""
    database = open_database(seat.data, environ, durability=durability, worker=seat.worker)
    assert database is not None  # noqa: S101 - it makes one
    stack.callback(database.close)
    seat.prepare()
    lock = take_writer_lock(seat.folder)
    stack.callback(lock.let_go)
    node_lock = open_node_lock(environ, database.node)
    if node_lock is not None:
        stack.callback(node_lock.close)
        node_lock.take()
    if seat.leads:
        take_over(seat, workers, environ, durability, database, log)
    with closing(open_journal(seat.data, environ, durability=durability, worker=seat.worker)) as journal:
        fsync = durability == "fsync"
        launch = WriterLauncher(seat.data, lock, fsync=fsync, environ=environ, worker=seat.worker)
        ledger, report = open_ledger(seat.folder, journal, clock, launch, fsync=fsync, told=log.error)
    return Books(database, ledger, summary_of(report), KeyRows(database), node_lock)
