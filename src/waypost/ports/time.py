"""Time, as the gateway asks for it."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Time, injected. Wall time stamps records; monotonic time measures."""

    def wall(self) -> float:
        """Unix time in seconds, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment, never going back."""
        ...
