"""The audit log, as it is read. Blocking, and raising StoreUnavailable; called in threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from waypost.core.deed import Deed, Done, Kept, Wanted


class AuditLog(Protocol):
    """Rows are written by the stores, with what they change; here they are read, and what was refused is told."""

    def by(self, deed: Deed) -> AuditLog:
        """The same, for somebody whom the audit log tells of."""
        ...

    def add(self, done: Done) -> None:
        """Tell of something that changed nothing in the database."""
        ...

    def page(self, wanted: Wanted, before: int | None, limit: int) -> Sequence[Kept]:
        """Rows, newest first, from before the one with the number `before`."""
        ...
