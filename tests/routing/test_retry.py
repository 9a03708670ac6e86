from __future__ import annotations

import pytest

from waypost.errors import (
    CredentialRefused,
    EgressDenied,
    Failed,
    Garbled,
    Rejected,
    Retry,
    Throttled,
    TimedOut,
    Truncated,
    Unavailable,
    Untrusted,
    UpstreamError,
)
from waypost.routing.retry import after, backoff_s, worst


@pytest.mark.parametrize(
    ("error", "first", "second"),
    [
        (Unavailable("x"), Retry.AGAIN, Retry.NEXT),
        (Rejected("x", status=400), Retry.STOP, Retry.STOP),
        (Rejected("x", status=404), Retry.NEXT, Retry.NEXT),
        (CredentialRefused("x"), Retry.NEXT, Retry.NEXT),
        (Throttled("x"), Retry.NEXT, Retry.NEXT),
        (TimedOut("x", phase="idle"), Retry.NEXT, Retry.NEXT),
        (Garbled("x"), Retry.NEXT, Retry.NEXT),
        (Truncated("x"), Retry.NEXT, Retry.NEXT),
        (Failed("x"), Retry.NEXT, Retry.NEXT),
        (Untrusted("x"), Retry.NEXT, Retry.NEXT),
        (EgressDenied("x"), Retry.NEXT, Retry.NEXT),
    ],
)
def test_what_follows_each_failure(error: UpstreamError, first: Retry, second: Retry) -> None:
    assert after(error, 1, 1) is first
    assert after(error, 2, 1) is second


def test_no_retries_means_the_next_target_at_once() -> None:
    assert after(Unavailable("x"), 1, 0) is Retry.NEXT


def test_the_pause_grows_is_jittered_and_is_capped() -> None:
    assert [backoff_s(tries, lambda: 1.0) for tries in (1, 2, 3, 20)] == [0.25, 0.5, 1.0, 8.0]
    assert backoff_s(5, lambda: 0.0) == 0.0


def test_the_worst_failure_is_the_last_unless_somebody_said_when_to_come_back() -> None:
    slow, late, soon = Throttled("a"), Throttled("b", retry_after_s=9), Throttled("c", retry_after_s=2)
    assert worst([Unavailable("x"), Garbled("y")]).code == "upstream_garbled"
    assert worst([slow, late, soon, Unavailable("x")]) is soon
    assert worst([slow, Unavailable("x")]) is slow
