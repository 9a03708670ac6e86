"""How often places become free at targets that somebody had to wait for."""

from __future__ import annotations

_GAP_WEIGHT = 0.1
_TARGETS_MAX = 1000


class Pace:
    """Averages of the gaps between two places, of the times when the target was busy."""

    __slots__ = ("_gaps",)

    def __init__(self) -> None:
        #: (when the last one ended, or 0.0 if it was idle since; seconds between two, or 0.0 before it is known)
        self._gaps: dict[str, tuple[float, float]] = {}

    @property
    def watched(self) -> bool:
        """There are such targets."""
        return bool(self._gaps)

    def watch(self, target_id: str) -> None:
        """Somebody waits for it."""
        if target_id not in self._gaps:
            if len(self._gaps) >= _TARGETS_MAX:
                self._gaps.clear()
            self._gaps[target_id] = (0.0, 0.0)

    def ended(self, target_id: str, now: float, busy: bool) -> None:
        """A place became free; `busy`: none was before."""
        known = self._gaps.get(target_id)
        if known is None:
            return
        last, gap = known
        if not busy:
            self._gaps[target_id] = (0.0, gap)
        elif not last:
            self._gaps[target_id] = (now, gap)
        else:
            gap = now - last if not gap else gap + _GAP_WEIGHT * (now - last - gap)
            self._gaps[target_id] = (now, gap)

    def gap_s(self, target_id: str) -> float:
        """0.0 while it is not known."""
        known = self._gaps.get(target_id)
        return 0.0 if known is None else known[1]
