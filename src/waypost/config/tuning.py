"""What `resilience` of the configuration comes to: figures that the board of health works by. Times are seconds."""

from __future__ import annotations

import msgspec


class BreakerTuning(msgspec.Struct, frozen=True):
    """When a target is ejected, and for how long."""

    consecutive: int = 5
    ratio: float = 0.5
    least: int = 10
    window_s: float = 30.0
    ejection_s: float = 30.0
    ejection_max_s: float = 300.0
    jitter: float = 0.1
    """Share by which an ejection is shortened or lengthened at random."""
    recovery_s: float = 120.0
    """So much healthy time takes one off the number of times ejected."""


class ParkingTuning(msgspec.Struct, frozen=True):
    """For how long a credential, or a credential's use of one model, is left alone."""

    refused_s: float = 300.0
    quota_s: float = 900.0
    quota_max_s: float = 14_400.0
    least_s: float = 1.0
    most_s: float = 3600.0
    backoff_s: float = 1.0
    backoff_max_s: float = 60.0


class RetryTuning(msgspec.Struct, frozen=True):
    """How many of a target's requests may be retries."""

    share: float = 0.2
    least: int = 3


class Resilience(msgspec.Struct, frozen=True):
    """All of it."""

    breaker: BreakerTuning = BreakerTuning()
    parking: ParkingTuning = ParkingTuning()
    retries: RetryTuning = RetryTuning()
