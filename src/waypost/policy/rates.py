"""Requests per minute, per key, by the generic cell rate algorithm: exact, one number of state, no timer.

A key with `rpm: 60` may send 60 requests at once; after that one is admitted each second. A refused request
consumes nothing, and one that a later stage refuses is given back.
"""

from __future__ import annotations

from waypost.core.key import Key
from waypost.errors import RateLimited

_WINDOW_S = 60.0


class Rates:
    """In-process limits. Times are monotonic seconds."""

    __slots__ = ("_due",)

    def __init__(self) -> None:
        #: Per key, the moment at which its allowance is full again.
        self._due: dict[str, float] = {}

    def take(self, key: Key, now: float) -> None:
        """Count one request. Raises RateLimited with the seconds until the next one is admitted."""
        rpm = key.rpm
        if rpm is None:
            return
        interval = _WINDOW_S / rpm
        due = self._due.get(key.key_id, now)
        if due < now:
            due = now
        wait = due + interval - _WINDOW_S - now
        if wait > 1e-9:
            raise RateLimited(
                f"The key {key.name!r} may send {rpm} requests per minute. Try again in {wait:.2f} s.",
                retry_after_s=wait,
            )
        self._due[key.key_id] = due + interval

    def give_back(self, key: Key) -> None:
        """Undo one `take`."""
        if key.rpm is not None and key.key_id in self._due:
            self._due[key.key_id] -= _WINDOW_S / key.rpm

    def prune(self, now: float) -> int:
        """Forget keys whose allowance is full; returns how many are left."""
        self._due = {key_id: due for key_id, due in self._due.items() if due > now}
        return len(self._due)
