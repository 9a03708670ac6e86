"""What a failed attempt leads to: the same target again, the next one, or the end."""

from __future__ import annotations

from collections.abc import Callable

from waypost.errors import Rejected, Retry, UpstreamError

_BACKOFF_FIRST_S = 0.25
_BACKOFF_MAX_S = 8.0


def after(error: UpstreamError, tries: int, retries: int) -> Retry:
    """The step after `tries` failed attempts at one target that may be asked again `retries` times.

    A 404 is about the model at that provider, so another target may have it; every other refusal of the request
    itself would be repeated by the next provider too.
    """
    if isinstance(error, Rejected):
        return Retry.NEXT if error.status == 404 else Retry.STOP
    if error.retry is Retry.AGAIN and tries > retries:
        return Retry.NEXT
    return error.retry


def backoff_s(tries: int, random: Callable[[], float]) -> float:
    """Seconds to wait before asking the same target again: full jitter over a doubling ceiling."""
    return random() * min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2.0 ** (tries - 1))


def worst(failures: list[UpstreamError]) -> UpstreamError:
    """The failure that tells the client most, when no target answered.

    A rate limit wins, with the shortest wait any target named: it is the one a client can do something about. The
    last failure otherwise.
    """
    throttled = [failure for failure in failures if failure.status == 429]
    if not throttled:
        return failures[-1]
    known = [failure for failure in throttled if failure.retry_after_s is not None]
    return min(known, key=lambda failure: failure.retry_after_s or 0.0) if known else throttled[-1]
