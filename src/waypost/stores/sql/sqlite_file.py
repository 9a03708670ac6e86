"""The SQLite file of a data folder and how it is opened: the same for the gateway and for the ledger's writer process.

Nothing here needs SQLAlchemy, which the writer process does without.
"""

from __future__ import annotations

from typing import Final, Literal

FILE_NAME: Final = "waypost.db"

Durability = Literal["process", "fsync"]
"""With `process` a commit survives `kill -9`; with `fsync` it survives a power cut too."""


def pragmas(durability: Durability) -> tuple[str, ...]:
    """What every connection is set to."""
    synchronous = "FULL" if durability == "fsync" else "NORMAL"
    return ("journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON", "temp_store=MEMORY")
