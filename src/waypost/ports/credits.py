"""Prepaid credit of organizations. Blocking, and raising StoreUnavailable; called in threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from waypost.core.credit import Credit
from waypost.core.deed import Deed


class Credits(Protocol):
    """Entries, which are added and never changed, and what is used of them."""

    def by(self, deed: Deed) -> Credits:
        """The same, for somebody whom the audit log tells of."""
        ...

    def add(self, entry: Credit) -> Credit:
        """Add an entry; the same one again changes nothing. Raises Conflict when its id has another content, and
        NotFound when it names an entry that is not there."""
        ...

    def all(self, organization_id: str) -> Sequence[Credit]:
        """All entries of an organization, oldest first."""
        ...

    def page(self, organization_id: str, after: str, limit: int) -> Sequence[Credit]:
        """Entries of an organization, newest first, from behind the entry `after`."""
        ...

    def used(self, organization_id: str) -> int:
        """Nano-dollars that an organization has used of its credit."""
        ...

    def used_by_day(self, organization_id: str, before: int) -> dict[int, int]:
        """The same for each UTC day, as its number since 1970, that comes before another one."""
        ...

    def used_free(self, scope: str, organization_id: str, window: str) -> dict[str, int]:
        """What an organization's shares of the free tier have used in a window, by their names: at most the hundred
        that used most."""
        ...
