"""A count over the last few seconds."""

from __future__ import annotations

_SLOTS = 6


class Rolling:
    """Counts of six slots in a ring: what is counted is forgotten between 5/6 and the whole of the window later."""

    __slots__ = ("_at", "_counts", "_total", "_width", "window_s")

    def __init__(self, window_s: float) -> None:
        self.window_s = window_s
        self._width = max(window_s, 0.001) / _SLOTS
        self._counts = [0] * _SLOTS
        self._at = 0
        self._total = 0

    def add(self, now: float) -> None:
        """Count one."""
        slot = int(now / self._width)
        if slot != self._at:
            self._turn(slot)
        self._counts[slot % _SLOTS] += 1
        self._total += 1

    def total(self, now: float) -> int:
        """How many were counted lately."""
        slot = int(now / self._width)
        if slot != self._at:
            self._turn(slot)
        return self._total

    def clear(self) -> None:
        """Forget all."""
        self._counts = [0] * _SLOTS
        self._total = 0

    def _turn(self, slot: int) -> None:
        behind = slot - self._at
        self._at = slot
        if behind >= _SLOTS or behind < 0:
            self.clear()
            return
        for past in range(slot - behind + 1, slot + 1):
            self._total -= self._counts[past % _SLOTS]
            self._counts[past % _SLOTS] = 0
