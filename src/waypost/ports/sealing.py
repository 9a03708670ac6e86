"""How secrets are kept that have to be read again."""

from __future__ import annotations

from typing import Protocol


class Sealing(Protocol):
    """Seals and opens. Thread-safe. What is sealed is bound to its purpose and to its row."""

    def seal(self, purpose: str, row: str, plain: bytes) -> bytes:
        """Under the newest root key."""
        ...

    def open(self, purpose: str, row: str, sealed: bytes) -> bytes:
        """What was sealed. Raises StoreUnavailable when its root key is not here, or when it was not sealed for this
        purpose and row."""
        ...

    def is_stale(self, sealed: bytes) -> bool:
        """Whether it is sealed with an older root key than the newest."""
        ...
