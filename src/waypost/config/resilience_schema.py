"""The shape of `resilience` in `waypost.yaml`. The text under each field is its documentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from msgspec import Meta, Struct

from waypost.config.kinds import Duration
from waypost.config.tuning import BreakerTuning, ParkingTuning, Resilience, RetryTuning
from waypost.config.values import parse_duration

Percent = Annotated[int, Meta(ge=1, le=100)]


class BreakerConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """When a model at a provider is ejected, that is, left alone for a while."""

    consecutive_failures: Annotated[int, Meta(ge=1, le=1000)] = 5
    """So many failures in a row eject it."""
    failure_percent: Percent = 50
    """So many percent of failures within `window` eject it too."""
    least_requests: Annotated[int, Meta(ge=1, le=1_000_000)] = 10
    """With fewer requests than this within `window`, `failure_percent` does not count."""
    window: Duration = "30s"
    """How far back `failure_percent` looks."""
    ejection: Duration = "30s"
    """How long the first ejection lasts; the second twice as long, the third three times. Then one request tries."""
    ejection_max: Duration = "5m"
    """The longest ejection."""
    jitter_percent: Annotated[int, Meta(ge=0, le=50)] = 10
    """By how much an ejection is longer or shorter at random, so that nodes do not try again all at once."""
    recovery: Duration = "2m"
    """Each so long a time without an ejection makes the next one shorter by one `ejection`."""


class ParkingConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How long a provider's credential is left alone after it was refused or limited, where the provider does not say.
    After it one request tries."""

    refused: Duration = "5m"
    """After 401 or 403: the whole credential."""
    quota: Duration = "15m"
    """After 402, or when its quota is spent: the whole credential. Twice as long each time it is still spent."""
    quota_max: Duration = "4h"
    """The longest of these."""
    throttled_min: Duration = "1s"
    """After 429 with a time to wait: the credential for this model, for as long as said, but at least this long."""
    throttled_max: Duration = "1h"
    """At most this long."""
    backoff: Duration = "1s"
    """After 429 without a time to wait: at random up to this long, and up to twice as long each time it is repeated."""
    backoff_max: Duration = "1m"
    """The longest of these."""


class RetriesConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much trying again adds to a target's load at most."""

    budget_percent: Percent = 20
    """Retries at one target within ten seconds, in percent of its other requests."""
    budget_min: Annotated[int, Meta(ge=0, le=1_000_000)] = 3
    """So many are allowed however few requests there are."""


class ResilienceConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """When targets that fail are left alone, and when they are tried again. The defaults suit most."""

    breaker: BreakerConfig = BreakerConfig()
    """Ejects a model at a provider that fails, for every credential."""
    parking: ParkingConfig = ParkingConfig()
    """Parks credentials that are refused or limited."""
    retries: RetriesConfig = RetriesConfig()
    """Bounds what is tried again at the same target."""


def resolve_resilience(config: ResilienceConfig) -> Resilience:
    """As figures."""
    breaker, parking, retries = config.breaker, config.parking, config.retries
    return Resilience(
        breaker=BreakerTuning(
            consecutive=breaker.consecutive_failures,
            ratio=breaker.failure_percent / 100,
            least=breaker.least_requests,
            window_s=parse_duration(breaker.window),
            ejection_s=parse_duration(breaker.ejection),
            ejection_max_s=parse_duration(breaker.ejection_max),
            jitter=breaker.jitter_percent / 100,
            recovery_s=parse_duration(breaker.recovery),
        ),
        parking=ParkingTuning(
            refused_s=parse_duration(parking.refused),
            quota_s=parse_duration(parking.quota),
            quota_max_s=parse_duration(parking.quota_max),
            least_s=parse_duration(parking.throttled_min),
            most_s=parse_duration(parking.throttled_max),
            backoff_s=parse_duration(parking.backoff),
            backoff_max_s=parse_duration(parking.backoff_max),
        ),
        retries=RetryTuning(share=retries.budget_percent / 100, least=retries.budget_min),
    )


#: Which figure can not be more than which.
_ORDERED: Final = (
    ("breaker", "ejection", "ejection_max"),
    ("parking", "throttled_min", "throttled_max"),
    ("parking", "backoff", "backoff_max"),
    ("parking", "quota", "quota_max"),
)


def check_resilience(config: ResilienceConfig) -> Iterator[tuple[tuple[str, str], str, str]]:
    """What the shape alone does not refuse: field, what is wrong with it, what belongs there."""
    for name in ("ejection", "ejection_max"):
        if parse_duration(getattr(config.breaker, name)) <= 0:
            yield ("breaker", name), "an ejection that takes no time leaves nothing alone", "more than 0s"
    for section, name, limit in _ORDERED:
        part = getattr(config, section)
        most = getattr(part, limit)
        if limit == "ejection_max" and parse_duration(most) <= 0:
            continue  # that is wrong by itself
        if parse_duration(getattr(part, name)) > parse_duration(most):
            yield (section, name), f"it is longer than `{limit}`, which is {most}", f"at most {most}"
