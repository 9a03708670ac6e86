"""A file that a client keeps at the gateway. Its content is on the disk, under its id."""

from __future__ import annotations

import msgspec


class StoredFile(msgspec.Struct, frozen=True):
    """What is known of one file. Times are Unix seconds, sizes bytes."""

    file_id: str
    key_id: str
    """Whose it is: no other key can see it, but an operator's."""
    purpose: str
    filename: str
    size: int
    created_at: float
    expires_at: float | None = None
    """When it is deleted by itself; None: never."""


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is wanted."""

    limit: int
    after: str = ""
    """The id behind which it begins; empty: at the beginning."""
    newest_first: bool = True
    key_id: str | None = None
    """Only what is this key's; None: everybody's."""
    purpose: str | None = None
    """Only files for this purpose; None: for any."""
