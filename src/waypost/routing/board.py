"""What is known of each target's health, as planning and attempts use it. `health/` keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from waypost.config.targets import Target
from waypost.core.usage import Usage
from waypost.errors import UpstreamError

Headers = Sequence[tuple[bytes, bytes]]
BreakerState = Literal["closed", "open", "half_open"]
Kind = Literal["first_token", "throughput"]


class Standing(Protocol):
    """One target (provider, credential, model) now. Reading changes nothing. Times are monotonic seconds."""

    in_flight: int
    """Attempts under way from this process."""

    @property
    def failed_at(self) -> float:
        """When it failed last; earlier than anything for one that has not."""
        ...

    def ready(self, now: float, tokens: int, crowded: bool) -> bool:
        """Nothing is against asking it: not parked, ejected or (where it is `crowded`) busy, and with quota for
        `tokens` more. One question in place of the four; False says no more than that they have to be asked."""
        ...

    def parked_until(self, now: float) -> float:
        """Until when its credential is not to be used for this model; 0.0 when it may be."""
        ...

    def ejected_until(self, now: float) -> float:
        """Until when its breaker is open; 0.0 when it is closed, or when a probe may be made."""
        ...

    def probing(self, now: float) -> bool:
        """Its breaker is half-open: one probe decides."""
        ...

    def busy(self, now: float) -> bool:
        """It has as many requests under way as it takes (see `Limiter`)."""
        ...

    def headroom(self, now: float, tokens: int) -> float:
        """What is left of its quota, 0…1: the least of requests and tokens, less what is under way and `tokens` more;
        1.0 when the provider does not tell. 0.0: a request would meet a 429."""
        ...

    def measured(self, kind: Kind, percentile: int, input_tokens: int, now: float) -> float | None:
        """Seconds to first token, or output tokens per second, at a percentile (50, 75, 90, 95, 99), of the last five
        minutes and for input of this size; None when too little was measured."""
        ...

    def failing(self, now: float, window_s: float) -> tuple[int, int]:
        """(requests, failures) in the last so many seconds: up to 86,400."""
        ...

    def health(self, now: float) -> float:
        """0…1: the share of successes lately, user errors and rate limits apart; 1.0 when little is known."""
        ...


class Board(Protocol):
    """Every target's standing, and the door through which attempts go."""

    def of(self, target: Target) -> Standing:
        """Its standing; made when it is first asked for. A dict hit."""
        ...

    def crowded(self) -> bool:
        """Whether any target may be busy."""
        ...

    def of_all(self, targets: tuple[Target, ...]) -> Sequence[Standing]:
        """That of each."""
        ...

    def try_enter(self, target: Target, now: float, tokens: int) -> bool:
        """Begin an attempt: counts it as under way and, where the breaker is half-open, takes the one probe. False,
        with nothing changed, when it may not be asked now (open, parked, or another probe is under way)."""
        ...

    def force_probe(self, target: Target, now: float, tokens: int) -> bool:
        """`try_enter` for when all targets of a route are ejected: it does not wait for the end of the ejection. False
        when its credential is parked, another probe is under way, or it failed just now."""
        ...

    def told(self, target: Target, now: float, headers: Headers) -> None:
        """The head of an answer came, and its body is still to come: what is left of the quota is known already."""
        ...

    def leave(self, target: Target, now: float, tokens: int, began: float | None = None) -> None:
        """An attempt that told nothing of the target (cancelled, the client left): no longer under way, the probe is
        free again. `began`: the `now` of its `try_enter`."""
        ...

    def succeeded(
        self,
        target: Target,
        now: float,
        tokens: int,
        headers: Headers,
        usage: Usage | None,
        first_token_s: float | None,
        total_s: float,
    ) -> None:
        """An attempt ended well. `tokens` as given to `try_enter`; `headers` of the answer tell what is left of the
        quota; `total_s` counts from the `now` of `try_enter`."""
        ...

    def failed(
        self,
        target: Target,
        now: float,
        tokens: int,
        error: UpstreamError,
        headers: Headers,
        began: float | None = None,
    ) -> None:
        """An attempt failed: opens the breaker, parks the credential, or does nothing, as the kind of error says.
        `began`: the `now` of its `try_enter`; what began before a probe is no news of it."""
        ...

    def may_retry(self, target: Target, now: float) -> bool:
        """Whether the target's retry budget (a fifth of its requests lately, at least 3) has room; takes one if so."""
        ...
