"""Which of the processes that serve from a data folder this is.

Alone, it has all of the folder; of several workers each has a folder of its own in it for what only it may touch: its
intents files and the lock of its writer.

The first worker's is the data folder itself. So a gateway that is started with another number of workers than before
finds everything in its place, but for workers there are not any more (`waypost.app.workers.vacated`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from waypost.errors import StoreUnavailable

FOLDER: Final = "workers"
#: As many as fit the names of nodes in the database.
MOST: Final = 64


class Seat(msgspec.Struct, frozen=True):
    """A process's place in a data folder."""

    data: Path
    worker: int = 0
    """0: nobody else serves from this folder. From 1: which of several workers."""

    @property
    def leads(self) -> bool:
        """It does what has to be done once for the folder."""
        return self.worker <= 1

    @property
    def folder(self) -> Path:
        """What only this process touches is in there."""
        return self.data if self.leads else self.data / FOLDER / str(self.worker)

    def node(self, name: str) -> str:
        """Its name among nodes; `name`: that of the folder."""
        return name if self.leads else f"{name}-{self.worker}"

    def prepare(self) -> None:
        """Make its folder, for the owner only. Raises StoreUnavailable."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                f"The folder {self.folder} can not be made ({error.strerror}). Check the data folder and its owner."
            ) from None


def vacant(data: Path, workers: int) -> list[Seat]:
    """Seats of workers there were, and will not be with so many."""
    try:
        names = [entry.name for entry in (data / FOLDER).iterdir()]
    except FileNotFoundError:
        return []
    numbers = sorted(int(name) for name in names if name.isascii() and name.isdigit())
    return [Seat(data, number) for number in numbers if number > max(1, workers)]
