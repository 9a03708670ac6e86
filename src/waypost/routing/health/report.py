"""How each target does, for people and for the API. Built when it is asked for, never on the request path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from waypost.routing.board import BreakerState, Kind
from waypost.routing.health.effects import Park
from waypost.routing.health.place import Place
from waypost.routing.health.windows import SIZE_NAMES, WINDOWS, Counted, Slice, percentile_of


class Percentiles(msgspec.Struct, frozen=True):
    """Of `measured` answers. Seconds to the first token: so many percent began within. Tokens per second: so many
    percent reached it."""

    measured: int
    p50: float
    p90: float
    p95: float
    p99: float


class WindowReport(msgspec.Struct, frozen=True):
    """What happened within one window."""

    requests: int
    """Attempts that ended, except those whose client left."""
    failures: int
    throttled: int
    """Rate limits of the provider (429, 529)."""
    rejected: int
    """Requests that the provider refused as they were: the client's errors."""
    uptime: float | None
    """Successes ÷ (successes + failures), 0…1: throttled and rejected ones apart; None without any."""
    errors: Mapping[str, int]
    """By error code."""
    first_token_s: Mapping[str, Percentiles]
    """By size of the input in tokens, and `all`."""
    tokens_per_s: Mapping[str, Percentiles]
    """The same; output tokens over the whole time of the attempt."""


class TargetReport(msgspec.Struct, frozen=True):
    """One target now, and what happened. Times to come are in seconds from now."""

    target: str
    provider: str
    key_name: str
    model: str
    breaker: BreakerState
    ejections: int
    """How often it was ejected lately: the next ejection is so much longer."""
    ejected_s: float | None
    """Until its ejection ends; None: it is not ejected."""
    parked_s: float | None
    """Until its credential may be used for it again; None: it may."""
    parked_for: Park | None
    in_flight: int
    headroom: float
    windows: Mapping[str, WindowReport]
    """`5m`, `1h`, `1d`."""


def report(places: Iterable[Place], now: float) -> tuple[TargetReport, ...]:
    """Every target that was used, by name."""
    return tuple(
        _target(place, now)
        for place in sorted(places, key=lambda place: (place.target.label, place.target.model))
    )


def _target(place: Place, now: float) -> TargetReport:
    provider = place.target.provider
    ejected, parked = place.ejected_until(now), place.parked_until(now)
    reason = place.credential.reason if place.credential.parked_until(now) else place.parking.reason
    return TargetReport(
        target=place.target.label,
        provider=provider.name,
        key_name=provider.key_name,
        model=place.target.model,
        breaker="half_open" if place.probing(now) else place.breaker.state,
        ejections=place.breaker.ejections,
        ejected_s=ejected - now if ejected else None,
        parked_s=parked - now if parked else None,
        parked_for=reason if parked and reason != "no" else None,
        in_flight=place.in_flight,
        headroom=place.headroom(now, 0),
        windows={name: _window(place.history.sum(now, window_s)) for name, window_s in WINDOWS.items()},
    )


def _window(counted: Slice) -> WindowReport:
    known = counted.ok + counted.failures
    return WindowReport(
        requests=known + counted.throttled + counted.rejected + counted.apart,
        failures=counted.failures,
        throttled=counted.throttled,
        rejected=counted.rejected,
        uptime=counted.ok / known if known else None,
        errors=dict(counted.errors),
        first_token_s=_by_size(counted.waits, "first_token"),
        tokens_per_s=_by_size(counted.speeds, "throughput"),
    )


def _by_size(counted: Mapping[int, Counted], kind: Kind) -> dict[str, Percentiles]:
    everything: Counted = {}
    for steps in counted.values():
        for step, count in steps.items():
            everything[step] = everything.get(step, 0) + count
    rows = [(SIZE_NAMES[size], counted[size]) for size in sorted(counted)] + [("all", everything)]
    return {name: found for name, steps in rows if (found := _percentiles(steps, kind)) is not None}


def _percentiles(counted: Counted, kind: Kind) -> Percentiles | None:
    values = [percentile_of(counted, percentile, kind) for percentile in (50, 90, 95, 99)]
    p50, p90, p95, p99 = (value or 0.0 for value in values)
    return Percentiles(sum(counted.values()), p50, p90, p95, p99) if counted else None
