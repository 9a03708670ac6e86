"""A data folder that nobody serves from, kept so for as long as something is done to it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from waypost.stores.lock import take_lock
from waypost.stores.seat import Seat, vacant
from waypost.stores.writer_process import WriterLock, take_writer_lock

_WRITER_S: Final = 5.0


class StoppedFolder:
    """The locks of a data folder: that of its gateway, and those of the ledger's writers, which may live a little
    longer. Held until `close` or the end of the process."""

    def __init__(self, data: Path, writer_s: float = _WRITER_S) -> None:
        """Raises ConfigError when a gateway serves from the folder, StoreUnavailable when a writer still posts after
        `writer_s`."""
        self._folder = take_lock(data)
        self._writers: list[WriterLock] = []
        try:
            for seat in (Seat(data), *vacant(data, 1)):
                self._writers.append(take_writer_lock(seat.folder, writer_s))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Idempotent."""
        for writer in self._writers:
            writer.let_go()
        self._folder.give_back()
