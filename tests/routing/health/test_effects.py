from __future__ import annotations

import pytest

from waypost import errors
from waypost.routing.health.effects import EFFECTS, Effect, effect_of

DOWN = Effect(breaker=True, park="no", counts="failure")
USERS = Effect(breaker=False, park="no", counts="rejected")


class Newer(errors.Truncated):
    """A kind that the table does not know by name."""


@pytest.mark.parametrize(
    ("error", "effect"),
    [
        (errors.Rejected("x", status=400), USERS),
        (errors.Rejected("x", status=413), USERS),
        (errors.Rejected("x", status=422), USERS),
        (errors.Rejected("x", status=404), Effect(breaker=False, park="no", counts="failure")),
        (errors.ContextTooLong("x", status=400), USERS),
        (errors.Filtered("x", status=400), USERS),
        (errors.CredentialRefused("x"), Effect(breaker=False, park="refused", counts="failure")),
        (errors.QuotaSpent("x"), Effect(breaker=False, park="quota", counts="failure")),
        (errors.Throttled("x"), Effect(breaker=False, park="throttled", counts="throttled")),
        (errors.Misshapen("x"), Effect(breaker=False, park="no", counts="apart")),
        (errors.Unavailable("x"), DOWN),
        (errors.Untrusted("x"), DOWN),
        (errors.EgressDenied("x"), DOWN),
        (errors.TimedOut("x", phase="first_byte"), DOWN),
        (errors.TimedOut("x", phase="progress"), DOWN),
        (errors.Garbled("x"), DOWN),
        (errors.Truncated("x"), DOWN),
        (errors.Failed("x"), DOWN),
        (errors.UpstreamError("x"), DOWN),
        (Newer("x"), DOWN),
    ],
)
def test_what_each_failure_does(error: errors.UpstreamError, effect: Effect) -> None:
    assert effect_of(error) == effect


def test_every_kind_of_failure_was_decided_on() -> None:
    kinds = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.UpstreamError)
    }
    inherited = {errors.ContextTooLong, errors.Filtered}
    assert kinds - inherited == set(EFFECTS)
