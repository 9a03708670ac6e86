"""What a failed attempt leads to: the same target again, the next one, a larger one, or the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from waypost.config.nodes import Overlay
from waypost.config.targets import Target
from waypost.errors import (
    ContextTooLong,
    CredentialRefused,
    EgressDenied,
    Failed,
    Filtered,
    Garbled,
    Misshapen,
    Rejected,
    Retry,
    Throttled,
    TimedOut,
    Truncated,
    Unavailable,
    Untrusted,
    UpstreamError,
)

#: What follows a failure, by its kind; of kinds that are not here, the next of their roots counts.
STEPS: Mapping[type[UpstreamError], Retry] = MappingProxyType(
    {
        # It may pass by itself.
        Unavailable: Retry.AGAIN,
        Misshapen: Retry.AGAIN,
        # It is this target's, or its credential's, alone.
        Throttled: Retry.NEXT,  # and Overcrowded
        CredentialRefused: Retry.NEXT,  # and QuotaSpent
        TimedOut: Retry.NEXT,  # asked again it would take as long again
        Garbled: Retry.NEXT,
        Truncated: Retry.NEXT,
        Failed: Retry.NEXT,
        Untrusted: Retry.NEXT,
        EgressDenied: Retry.NEXT,
        # It is the request's: another target would say the same.
        ContextTooLong: Retry.LARGER,
        Filtered: Retry.STOP,  # never a way around a filter, unless the route says so
        Rejected: Retry.STOP,
        UpstreamError: Retry.NEXT,
    }
)
#: Refusals about the model at that provider: another one may have it.
_MODEL_GONE = frozenset({404, 410})
_DEADLINE = 408
_NO_STATUS = 503

_BACKOFF_FIRST_S = 0.25
_BACKOFF_MAX_S = 8.0


def step(error: UpstreamError, tries: int, retries: int, overlay: Overlay | None = None) -> Retry:
    """The step after `tries` failed attempts at one target that may be asked again `retries` times.

    An `overlay` names statuses in place of the kinds: `retry_on` for the same target, `fallback_on` for the next one,
    context and content filters included. Whether the deadline and the target's retry budget have room for AGAIN is for
    the caller to see; where they have not, NEXT is what follows.
    """
    kind = _kind(error)
    again = kind is Retry.AGAIN
    if overlay is not None:
        if overlay.retries is not None:
            retries = overlay.retries
        status = status_of(error)
        if overlay.retry_on is not None:
            again = status in overlay.retry_on
        if overlay.fallback_on is not None:
            kind = Retry.NEXT if status in overlay.fallback_on else Retry.STOP
    if again and tries <= retries:
        return Retry.AGAIN
    return Retry.NEXT if kind is Retry.AGAIN else kind


def _kind(error: UpstreamError) -> Retry:
    if isinstance(error, Rejected) and error.status in _MODEL_GONE:
        return Retry.NEXT
    return next(STEPS[kind] for kind in type(error).__mro__ if kind in STEPS)


def status_of(error: UpstreamError) -> int:
    """The provider's status, as routes name it; 408 for a deadline, 503 where there was no answer or it broke."""
    if isinstance(error, TimedOut):
        return _DEADLINE
    return _NO_STATUS if error.answered is None else error.answered


def has_room(target: Target, refused: Iterable[Target]) -> bool:
    """Whether a target may take what did not fit those that `refused`: its context is larger than each of theirs, as
    far as both are known."""
    context = target.facts.context
    if context is None:
        return True
    return all(each.facts.context is None or context > each.facts.context for each in refused)


def backoff_s(tries: int, random: Callable[[], float]) -> float:
    """Seconds to wait before asking the same target again: full jitter over a doubling ceiling."""
    return random() * min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2.0 ** (tries - 1))


def worst(failures: list[UpstreamError]) -> UpstreamError:
    """The failure that tells the client most, when no target answered; the last of its rank.

    A rate limit wins, with the shortest wait any target named: waiting helps. Then what asking again may help
    against, then what the client has to shorten, then what the operator has to look at; that a provider lacks the
    model says least, for another one has it.
    """
    throttled = [failure for failure in failures if failure.status == 429]
    if throttled:
        known = [failure for failure in throttled if failure.retry_after_s is not None]
        return min(known, key=lambda failure: failure.retry_after_s or 0.0) if known else throttled[-1]
    return min(reversed(failures), key=_rank)


def _rank(error: UpstreamError) -> int:
    if isinstance(error, Rejected):
        return 3 if error.status in _MODEL_GONE else 1
    return 0 if error.repeatable else 2
