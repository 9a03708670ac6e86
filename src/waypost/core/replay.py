"""An answer that is kept so that a request that comes again, under the same idempotency key, gets it again; and who
makes one that is not there yet."""

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


class Claim(msgspec.Struct, frozen=True):
    """An answer that is being made for an idempotency key. Times are Unix seconds."""

    key_id: str
    digest: bytes
    fingerprint: bytes
    """As those of a `Replay`."""
    exchange_id: str
    """The exchange that makes it."""
    made_at: float
    expires_at: float
    """When it would have ended, whatever became of it."""
    node: str = ""
    """Where; set by whoever keeps it."""
