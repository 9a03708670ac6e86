"""What `files` and `batches` of the configuration come to."""

from __future__ import annotations

import msgspec


class Storage(msgspec.Struct, frozen=True):
    """How much is kept of clients' files, and how fast their batches are worked off."""

    keeps: bool = True
    file_max_bytes: int = 512 * 1024 * 1024
    key_max_bytes: int = 10 * 1024**3
    total_max_bytes: int = 100 * 1024**3
    retention_s: float = 30 * 86_400.0
    per_batch: int = 8
    overall: int = 32
    lines_max: int = 50_000
    running_max: int = 16
    waiting_max: int = 1000
