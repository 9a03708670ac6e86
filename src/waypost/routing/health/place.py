"""One target on the board: its breaker, its parkings, its quota, its statistics, and what is under way."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from waypost.config.targets import Target
from waypost.routing.board import Kind
from waypost.routing.health.breaker import Breaker
from waypost.routing.health.parking import Parking
from waypost.routing.health.quota import Quota
from waypost.routing.health.rate_headers import Names
from waypost.routing.health.retry_budget import RetryBudget
from waypost.routing.health.windows import History, size_of

#: Whether a target with so many requests under way takes no more now.
Busy = Callable[[Target, int, float], bool]

#: With fewer requests in five minutes, a target counts as healthy.
_LEAST_KNOWN = 10
_RECENT_S = 300


class Place:
    """A `Standing`. The board changes it; everyone else reads. `breaker` is shared by the credentials of a provider,
    `credential` by the models of a credential."""

    __slots__ = (
        "_busy",
        "breaker",
        "credential",
        "history",
        "in_flight",
        "names",
        "parking",
        "quota",
        "retries",
        "target",
        "tokens",
        "touched_at",
        "used_at",
    )

    def __init__(
        self,
        target: Target,
        breaker: Breaker,
        credential: Parking,
        parking: Parking,
        names: Names,
        busy: Busy,
    ) -> None:
        self.target = target
        self.breaker = breaker
        self.credential = credential
        self.parking = parking
        self.names = names
        self.quota = Quota()
        self.history = History()
        self.retries = RetryBudget()
        self.in_flight = 0
        self.tokens = 0
        """Estimated for the requests under way."""
        self.used_at: float | None = None
        """When an attempt last began; None: never."""
        self.touched_at = -inf
        """When it was last moved behind those that are not used."""
        self._busy = busy

    @property
    def failed_at(self) -> float:
        """When this model last failed at this provider, in a way that counts for its breaker; -inf: never."""
        return self.breaker.failed_at

    def ready(self, now: float, tokens: int, crowded: bool) -> bool:
        """See `Standing`."""
        if self.credential.held or self.parking.held or self.breaker.state != "closed":
            return False
        quota = self.quota
        if not quota.silent and quota.headroom(self.names, now, self.in_flight, self.tokens + tokens) <= 0.0:
            return False
        return not (crowded and self._busy(self.target, self.in_flight, now))

    def parked_until(self, now: float) -> float:
        """See `Standing`."""
        credential, parking = self.credential, self.parking
        if not (credential.held or parking.held):
            return 0.0
        return max(credential.parked_until(now), parking.parked_until(now))

    def ejected_until(self, now: float) -> float:
        """See `Standing`."""
        return self.breaker.ejected_until(now)

    def probing(self, now: float) -> bool:
        """See `Standing`."""
        return self.breaker.state != "closed" and self.breaker.half_open(now)

    def busy(self, now: float) -> bool:
        """See `Standing`."""
        return self._busy(self.target, self.in_flight, now)

    def headroom(self, now: float, tokens: int) -> float:
        """See `Standing`."""
        return self.quota.headroom(self.names, now, self.in_flight, self.tokens + tokens)

    def measured(self, kind: Kind, percentile: int, input_tokens: int, now: float) -> float | None:
        """See `Standing`. Of speeds, the one that `percentile` % of the answers reached."""
        return self.history.measured(kind, percentile, size_of(input_tokens), now)

    def failing(self, now: float, window_s: float) -> tuple[int, int]:
        """See `Standing`. User errors and rate limits are in neither number."""
        return self.history.counts(now, window_s)

    def health(self, now: float) -> float:
        """See `Standing`. Of the last five minutes."""
        if not self.history.failures:
            return 1.0
        requests, failures = self.history.counts(now, _RECENT_S)
        return 1.0 if requests < _LEAST_KNOWN else 1.0 - failures / requests

    def admits(self, now: float) -> bool:
        """Whether an attempt may begin."""
        return self.credential.admits(now) and self.parking.admits(now) and self.breaker.admits(now)

    def idle(self, now: float) -> bool:
        """Whether nothing is under way and nothing keeps it from being used."""
        return not self.in_flight and now >= self.parking.until and now >= self.breaker.until

    def stands(self) -> bool:
        """Whether it stands for something that should not be forgotten for want of room."""
        return bool(self.in_flight) or self.parking.held or self.breaker.state != "closed"
