"""What the client may hold and how long it may hold it. Values, set once at start."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Bounds of the upstream client. Bytes and seconds."""

    connections: int = 1024
    """Open connections per origin. A stream holds one for its whole life, so this bounds streams too. A gateway has as
    many as `open_files` says."""
    wait_s: float = 5.0
    """How long a request waits in line for a connection when all of them are in use."""
    idle_s: float = 30.0
    """An unused connection is closed after this: below the 60 s at which common load balancers close theirs."""
    stale_s: float = 2.0
    """A reused connection that closes within this of the request was dead before it; later, the provider may have
    worked, and the request is not repeated here."""
    resolve_s: float = 2.0
    stagger_s: float = 0.25
    """Head start of one address over the next (RFC 8305 section 5, read 2026-11-21)."""
    head_max_bytes: int = 64 * 1024
    body_max_bytes: int = 64 * 1024 * 1024
    """Of a whole answer, after decompression."""
    queue_bytes: int = 256 * 1024
    """Of a streamed answer waiting to be read; above it the socket is not read any more."""
    burst_bytes: int = 8 * 1024 * 1024
    """What one read of a streamed answer may decompress to."""
    ratio_max: int = 100
    """Decompressed to compressed bytes, held from `ratio_from_bytes` of output on."""
    ratio_from_bytes: int = 1024 * 1024
