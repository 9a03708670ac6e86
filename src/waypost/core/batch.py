"""A batch: requests out of a file, worked off without anybody waiting."""

from __future__ import annotations

from typing import Literal

import msgspec

BatchStatus = Literal[
    "validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
]
#: How a batch that was begun may end.
Ending = Literal["completed", "expired", "cancelled"]
#: Nothing happens to these any more.
OVER: frozenset[str] = frozenset(("failed", "completed", "expired", "cancelled"))


class Fault(msgspec.Struct, frozen=True):
    """What keeps a file from being worked off. `line` counts from 1; None: it is the file."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None


class Batch(msgspec.Struct, frozen=True):
    """One batch. Times are Unix seconds."""

    batch_id: str
    key_id: str
    """In whose name its lines are asked."""
    endpoint: str
    input_file_id: str
    window: str
    """As the client wrote it: `24h`."""
    created_at: float
    expires_at: float
    """When the window closes: lines that have no answer by then get none."""
    exchange_id: str
    """What the ids of its lines' exchanges begin with: `{this}-{line}`."""
    metadata: dict[str, str] | None = None
    life: int = 0
    """How many processes have begun to ask its lines. Part of the exchanges' ids, of which none may come twice."""
    output_expires_s: int | None = None
    """How long its results are kept; None: as long as any file."""
    status: BatchStatus = "validating"
    ending: Ending | None = None
    """Set once every line has its result: what is left is to hand over the files."""
    total: int = 0
    completed: int = 0
    failed: int = 0
    """Lines, and those of them that have ended well or badly."""
    faults: tuple[Fault, ...] = ()
    output_file_id: str | None = None
    error_file_id: str | None = None
    in_progress_at: float | None = None
    finalizing_at: float | None = None
    completed_at: float | None = None
    failed_at: float | None = None
    expired_at: float | None = None
    cancelling_at: float | None = None
    cancelled_at: float | None = None


class Counts(msgspec.Struct, frozen=True):
    """How far a batch is."""

    total: int
    completed: int
    failed: int


def line_exchange(batch: Batch, line: int, tries: int) -> str:
    """The id of the exchange of a line, for its first try and any later one."""
    first = f"{batch.exchange_id}-{line}"
    return first if batch.life == tries == 1 else f"{first}-{batch.life}-{tries}"


def line_of(exchange_id: str, of_line: str) -> int | None:
    """Which line an exchange answered; None: it is none of this batch."""
    if not of_line.startswith(f"{exchange_id}-"):
        return None
    number = of_line[len(exchange_id) + 1 :].partition("-")[0]
    return int(number) if number.isdigit() else None
