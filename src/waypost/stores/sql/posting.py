"""The ledger's writer process: `python -m waypost.stores.sql.posting TASK`, started by the gateway and by nothing else.

It ends when the gateway's end of the link closes, also when the gateway was killed; signals that are meant for the
gateway (Ctrl-C in a terminal, a service manager's SIGTERM to all processes) do not end it, for the gateway still
settles then.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import msgspec

from waypost.ledger.messages import Ended, Task, render
from waypost.ledger.poster import Poster
from waypost.stores.seat import Seat
from waypost.stores.sql.journals import open_journal
from waypost.stores.sql.sqlite_file import Durability

_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: A little behind the gateway and the clients when all of them want the processor: a batch can wait.
_NICE = 5


class Courtesy:
    """Gives the processor away between rows while the writer keeps up. One that has fallen behind keeps what it is
    given: on one processor for both, a gateway that is kept busy would else let it post a few rows per turn, and what
    waits to be posted would grow until the gateway could take nothing new."""

    def __init__(self, give_away: Callable[[], object]) -> None:
        self._give_away = give_away
        self._behind = False

    def behind(self, much_waits: bool) -> None:
        """Whether it has fallen behind."""
        self._behind = much_waits

    def __call__(self) -> None:
        """Some rows are done."""
        if not self._behind:
            self._give_away()


def main(arguments: list[str]) -> int:
    """Post until the gateway has ended. The exit status is 1 after a fault."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICE)
    task = msgspec.json.decode(arguments[0], type=Task)
    seat = Seat(Path(task.data), task.worker)
    link = socket.socket(fileno=task.link)
    try:
        durability: Durability = "fsync" if task.fsync else "process"
        courtesy = Courtesy(os.sched_yield)
        journal = open_journal(
            seat.data, os.environ, durability=durability, pause=courtesy, worker=seat.worker
        )
        poster = Poster(
            seat.folder / "intents",
            journal,
            link,
            monotonic=time.monotonic,
            delay_s=task.delay_s,
            behind=courtesy.behind,
        )
        gc.freeze()
        poster.run()
        journal.close()
    except Exception as error:  # noqa: BLE001 - the last frame: told to the gateway, which starts another writer
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__} in {where.name}, line {where.lineno} of {Path(where.filename).name}"
        link.sendall(render(Ended(reason)))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
