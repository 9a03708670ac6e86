"""What was used and spent. Blocking, and raising StoreUnavailable; called in threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from waypost.core.spend import Group, Wanted


class UsageBook(Protocol):
    """Sums over keys, people, models and time."""

    def page(self, wanted: Wanted, after: tuple[str | int, ...] | None, limit: int) -> Sequence[Group]:
        """Lines in the order of what they are of, from behind the one that is of `after`."""
        ...
