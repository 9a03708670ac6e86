"""An answer that is kept so that a request that comes again, under the same idempotency key, gets it again."""

from __future__ import annotations

import msgspec


class Replay(msgspec.Struct, frozen=True):
    """One complete answer, as it went to the client. `expires_at` is Unix seconds."""

    key_id: str
    """Whose it is: no other key can get it."""
    digest: bytes
    """SHA-256 of the `idempotency-key`, 32 bytes; its text is not kept."""
    fingerprint: bytes
    """SHA-256 of the request, 32 bytes: another request under the same idempotency key is refused."""
    exchange_id: str
    """The exchange that made it."""
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    """Those that are said again; names in lower case."""
    body: bytes
    streamed: bool
    expires_at: float
