"""The breaker of a model at a provider: closed, open, half-open.

Closed, everything goes through. Too many failures open it: the target is ejected, and nothing goes through until its
ejection is over. Then it is half-open: one probe goes through, and its outcome closes the breaker or opens it again for
longer. What an attempt tells that began before the last opening is old news, whatever the state: an outage's late
timeouts must not eject a target that has come back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Final, Literal

from waypost.config.tuning import BreakerTuning
from waypost.routing.board import BreakerState
from waypost.routing.health.rolling import Rolling

#: Uniform in [0, 1), injected.
Random = Callable[[], float]
Event = Literal["success", "failure", "nothing"]
Step = Literal["forgive", "count", "stay", "close", "reopen", "release"]

#: What an event does in a state. `nothing` is an end that tells nothing of the target's health.
TABLE: Final[Mapping[tuple[BreakerState, Event], Step]] = {
    ("closed", "success"): "forgive",
    ("closed", "failure"): "count",
    ("closed", "nothing"): "stay",
    ("open", "success"): "stay",
    ("open", "failure"): "stay",
    ("open", "nothing"): "stay",
    ("half_open", "success"): "close",
    ("half_open", "failure"): "reopen",
    ("half_open", "nothing"): "release",
}

#: Between two forced probes of one target, as a share of the first ejection's length.
_FORCED_SHARE = 0.1
#: A probe whose end nobody told of is given up after so many seconds, which is longer than any attempt may take.
LOST_S = 900.0
#: By so much two measures of one moment may differ.
SLACK_S = 0.05


class Breaker:
    """One breaker. It owns its state; times are monotonic seconds."""

    __slots__ = (
        "_closed_at",
        "_failures",
        "_opened_at",
        "_probe_at",
        "ejections",
        "failed_at",
        "failures",
        "requests",
        "state",
        "until",
    )

    def __init__(self, window_s: float) -> None:
        self.state: BreakerState = "closed"
        self.failures = 0
        """In a row."""
        self.ejections = 0
        """How often it was ejected, less what healthy time has taken off."""
        self.until = 0.0
        """When the ejection ends."""
        self.failed_at = -inf
        """When it last failed, whatever came of it."""
        self._opened_at = -inf
        self._closed_at = -inf
        self._probe_at = -inf
        self.requests = Rolling(window_s)
        """Within the window, those that count."""
        self._failures = Rolling(window_s)

    def admits(self, now: float) -> bool:
        """Whether an attempt may begin."""
        if self.state == "closed":
            return True
        return now >= self.until if self.state == "open" else not self.probing(now)

    def probing(self, now: float) -> bool:
        """A probe is under way."""
        return now - self._probe_at <= LOST_S

    def enter(self, now: float) -> None:
        """An attempt begins, as `admits` allowed: where the breaker is not closed, as its probe."""
        if self.state != "closed":
            self.state = "half_open"
            self._probe_at = now

    def may_force(self, now: float, tuning: BreakerTuning) -> bool:
        """Whether a probe may be made though the ejection is not over: not beside another, nor soon after a failure."""
        if self.probing(now):
            return False
        return self.admits(now) or now - self.failed_at >= tuning.ejection_s * _FORCED_SHARE

    def ejected_until(self, now: float) -> float:
        """When the ejection ends; 0.0 when a probe may be made, or there is none."""
        return self.until if self.state == "open" and now < self.until else 0.0

    def half_open(self, now: float) -> bool:
        """One probe decides, or is about to."""
        return self.state == "half_open" or (self.state == "open" and now >= self.until)

    def tell(
        self, event: Event, now: float, began: float | None, tuning: BreakerTuning, random: Random
    ) -> None:
        """An attempt ended. `began`: when it did, None if that is not known."""
        if event == "failure":
            self.failed_at = now
        if began is not None and began + SLACK_S <= self._opened_at:
            return
        step = TABLE[self.state, event]
        if step == "forgive":
            self.failures = 0
            self.requests.add(now)
        elif step == "count":
            self._count(now, tuning, random)
        elif step == "close":
            self.close(now)
        elif step == "reopen":
            self._reopen(now, tuning, random)
        elif step == "release":
            self._probe_at = -inf

    def close(self, now: float) -> None:
        """Healthy again, and nothing held against it but how often it was ejected."""
        self.state = "closed"
        self.failures = 0
        self.until = 0.0
        self._closed_at = now
        self._probe_at = -inf
        self.requests.clear()
        self._failures.clear()

    def hear(self, until: float, now: float) -> None:
        """Another node ejected it until then."""
        if self.state == "closed":
            self.ejections = max(1, self._remaining_ejections(now, None))
            self._opened_at = now
        elif self.state == "half_open":
            return
        self.state = "open"
        self.until = max(self.until, until)

    def idle(self, now: float, tuning: BreakerTuning) -> bool:
        """Whether it could be forgotten: nothing would change."""
        return self.state == "closed" and not self._remaining_ejections(now, tuning)

    def _count(self, now: float, tuning: BreakerTuning, random: Random) -> None:
        if self.requests.window_s != tuning.window_s:
            self.requests, self._failures = Rolling(tuning.window_s), Rolling(tuning.window_s)
        self.failures += 1
        self.requests.add(now)
        self._failures.add(now)
        requests = self.requests.total(now)
        many = requests >= tuning.least and self._failures.total(now) >= tuning.ratio * requests
        if many or self.failures >= tuning.consecutive:
            self.ejections = self._remaining_ejections(now, tuning)
            self._open(now, tuning, random)

    def _reopen(self, now: float, tuning: BreakerTuning, random: Random) -> None:
        self._probe_at = -inf
        if now < self.until:
            # A probe that was forced: it came early, so it does not make the ejection longer.
            self.state = "open"
            return
        self._open(now, tuning, random)

    def _open(self, now: float, tuning: BreakerTuning, random: Random) -> None:
        self.state = "open"
        self.ejections += 1
        jitter = 1 + tuning.jitter * (2 * random() - 1)
        self.until = now + min(tuning.ejection_max_s, tuning.ejection_s * self.ejections * jitter)
        self._opened_at = now

    def _remaining_ejections(self, now: float, tuning: BreakerTuning | None) -> int:
        if tuning is None or not self.ejections or tuning.recovery_s <= 0:
            return self.ejections
        return max(0, self.ejections - int((now - self._closed_at) / tuning.recovery_s))
