"""What workers left that there are not any more: the gateway was started with fewer of them than before.

What they had settled is posted, what they had leased goes back, answers they were making have failed. After a clean
stop there is nothing of it, and only their folders go.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import closing, suppress

from waypost.app.shelf import end_lost
from waypost.ledger.recovery import open_folder, recover
from waypost.stores.node import node_of
from waypost.stores.seat import FOLDER, Seat, vacant
from waypost.stores.sql.engine import Database
from waypost.stores.sql.journals import open_journal
from waypost.stores.sql.leases import LeaseRows
from waypost.stores.sql.responses import ResponseRows
from waypost.stores.sql.sqlite_file import Durability
from waypost.stores.sql.status import drop_node
from waypost.stores.writer_process import take_writer_lock
from waypost.telemetry.logs import Log


def take_over(
    seat: Seat, workers: int, environ: Mapping[str, str], durability: Durability, database: Database, log: Log
) -> None:
    """For the process that leads, before it opens its own books. Blocking. Raises StoreUnavailable."""
    if not (seat.data / FOLDER).exists():
        return
    name = node_of(seat.data)
    for each in vacant(seat.data, workers):
        lock = take_writer_lock(each.folder)
        try:
            _post(each, environ, durability, log)
            _end(database, each.node(name))
        finally:
            lock.let_go()
        _remove(each)
    if not database.node:
        # Alone from now on, with the file in the folder: it has no name, and leases nothing.
        _end(database, name)
    elif not database.home:
        end_lost(ResponseRows(database, node=""))
    if not seat.worker:
        with suppress(OSError):  # something that was set aside is in it
            (seat.data / FOLDER).rmdir()


def _post(seat: Seat, environ: Mapping[str, str], durability: Durability, log: Log) -> None:
    with closing(open_journal(seat.data, environ, durability=durability, worker=seat.worker)) as journal:
        report = recover(open_folder(seat.folder / "intents"), journal)
    if not report.clean:
        log.info(
            "what a former worker had not posted is posted",
            former=seat.worker,
            settled=report.settled,
            estimated=report.estimated,
            set_aside=report.set_aside,
        )


def _end(database: Database, node: str) -> None:
    LeaseRows(database, node).end()
    end_lost(ResponseRows(database, node=node))
    drop_node(database, node)


def _remove(seat: Seat) -> None:
    """Files that were set aside for the operator stay."""
    if not any((seat.folder / "intents").iterdir()):
        shutil.rmtree(seat.folder)
