"""What is left of the rate limits of a credential for one model, as its provider's answers told."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from waypost.routing.health.rate_headers import Dimension, Names, read

#: Headers are read at most this often while all limits have more than `_AMPLE` of them left: reading costs more than
#: all else that is done for a request here.
_EVERY_S = 0.1
_AMPLE = 0.1


class _Limit:
    __slots__ = ("left", "limit", "until")

    def __init__(self) -> None:
        self.limit = 0
        self.left = 0
        self.until = 0.0


class Quota:
    """One target's. It owns its state; times are monotonic seconds.

    Advisory: limits that are not told, or whose reset has passed, do not count. Headers are kept as they came until
    somebody asks what they say.
    """

    __slots__ = ("_due", "_headers", "_limits", "_seen", "_wall", "silent")

    def __init__(self) -> None:
        self.silent = True
        """Nothing was told yet: all of it is left."""
        self._limits: dict[Dimension, _Limit] = {}
        self._headers: Sequence[tuple[bytes, bytes]] = ()
        self._seen = -inf
        self._wall = 0.0
        self._due = -inf

    def told(self, headers: Sequence[tuple[bytes, bytes]], seen: float, wall: float) -> None:
        """Take the headers of an answer, which came in at `seen`: `wall` in Unix seconds. Later news is not replaced by
        older."""
        if seen >= self._seen:
            self.silent = False
            self._headers = headers
            self._seen = seen
            self._wall = wall

    def read(self, names: Names, now: float) -> None:
        """Read what was taken. `names`: where the provider tells it."""
        limits = self._limits
        ample = True
        for dimension, limit, left, reset_s in read(names, self._headers, self._wall):
            known = limits.get(dimension)
            if known is None:
                known = limits[dimension] = _Limit()
            if limit is not None:
                known.limit = limit
            known.left = left
            known.until = self._seen + reset_s
            ample = ample and left > _AMPLE * known.limit
        self._headers = ()
        self._due = now + _EVERY_S if ample else now

    def headroom(self, names: Names, now: float, in_flight: int, tokens: int) -> float:
        """0…1: the least that is left of any limit, less the requests under way, and less `tokens`: those under way and
        those asked for. Output tokens are not known before, so only what is left of them counts."""
        if self._headers and now >= self._due:
            self.read(names, now)
        least = 1.0
        for dimension, limit in self._limits.items():
            if now >= limit.until:
                continue
            used = in_flight if dimension == "requests" else 0 if dimension == "output" else tokens
            left = limit.left - used
            if left <= 0:
                return 0.0
            if limit.limit and left < least * limit.limit:
                least = left / limit.limit
        return least

    def exhausted_s(self, now: float) -> float | None:
        """Seconds until the limits that have nothing left are reset, as far as they were read; None when none is known
        to be spent."""
        waits = [
            limit.until - now for limit in self._limits.values() if limit.left == 0 and now < limit.until
        ]
        return max(waits) if waits else None
