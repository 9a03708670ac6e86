"""How much of a target's load may be retries: a share of its other requests lately, and a few in any case."""

from __future__ import annotations

from waypost.config.tuning import RetryTuning
from waypost.routing.health.rolling import Rolling

_WINDOW_S = 10.0


class RetryBudget:
    """One target's. It owns its state; times are monotonic seconds."""

    __slots__ = ("_attempts", "_retries")

    def __init__(self) -> None:
        self._attempts = Rolling(_WINDOW_S)
        self._retries = Rolling(_WINDOW_S)

    def entered(self, now: float) -> None:
        """An attempt began, a retry or not."""
        self._attempts.add(now)

    def take(self, now: float, tuning: RetryTuning) -> bool:
        """Whether one more retry may be made; it is counted if so."""
        retries = self._retries.total(now)
        others = max(0, self._attempts.total(now) - retries)
        if retries >= max(tuning.least, int(tuning.share * others)):
            return False
        self._retries.add(now)
        return True
