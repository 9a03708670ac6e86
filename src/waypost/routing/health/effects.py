"""What each kind of failure means for the target it happened at.

User errors, rate limits and refused credentials say nothing of the server's health, so none of them moves a breaker;
what OpenRouter tells providers that it counts against their uptime (401, 402, 404, 5xx, errors inside a stream) lowers
uptime here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from waypost.errors import (
    CredentialRefused,
    EgressDenied,
    Failed,
    Garbled,
    Misshapen,
    Overcrowded,
    QuotaSpent,
    Rejected,
    Throttled,
    TimedOut,
    Truncated,
    Unavailable,
    Untrusted,
    UpstreamError,
)

Park = Literal["no", "throttled", "refused", "quota"]
Counts = Literal["failure", "throttled", "rejected", "apart"]


class Effect(msgspec.Struct, frozen=True):
    """What a failure does."""

    breaker: bool
    """Counts as a failure of the breaker."""
    park: Park
    """`throttled`: the credential for this model; `refused`, `quota`: the credential."""
    counts: Counts
    """Where the statistics put it. Only `failure` lowers uptime; `apart` is in the mix of errors alone."""


_DOWN: Final = Effect(breaker=True, park="no", counts="failure")
_USERS: Final = Effect(breaker=False, park="no", counts="rejected")
_MISSING: Final = Effect(breaker=False, park="no", counts="failure")

EFFECTS: Final[Mapping[type[UpstreamError], Effect]] = {
    UpstreamError: _DOWN,
    Rejected: _USERS,
    CredentialRefused: Effect(breaker=False, park="refused", counts="failure"),
    QuotaSpent: Effect(breaker=False, park="quota", counts="failure"),
    Throttled: Effect(breaker=False, park="throttled", counts="throttled"),
    # Whoever asks is turned away: the server's trouble, and asking less is what helps.
    Overcrowded: Effect(breaker=True, park="throttled", counts="failure"),
    Unavailable: _DOWN,
    Untrusted: _DOWN,
    EgressDenied: _DOWN,
    TimedOut: _DOWN,
    Garbled: _DOWN,
    Truncated: _DOWN,
    Failed: _DOWN,
    # The server is well: its model did not keep to a schema.
    Misshapen: Effect(breaker=False, park="no", counts="apart"),
}


def effect_of(error: UpstreamError) -> Effect:
    """The row of the nearest class. A 404 is the target's fault, as far as uptime goes: it lacks the model."""
    for kind in type(error).__mro__:
        effect = EFFECTS.get(kind)
        if effect is not None:
            return _MISSING if effect is _USERS and error.status == 404 else effect
    return _DOWN
