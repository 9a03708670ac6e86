"""An answer of the Responses dialect that is kept, so that a client can fetch it or go on from it."""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]


class StoredResponse(msgspec.Struct, frozen=True):
    """One answer with all that led to it. Times are Unix seconds."""

    response_id: str
    key_id: str
    """Whose it is: no other key can see it."""
    created_at: float
    expires_at: float
    status: Status
    provider: str | None
    """The provider that made it in this dialect and may know it by its id; None when it was of another dialect."""
    record: bytes
    """The dialect's own: what was asked, the whole input, the answer."""
