"""Parking: a credential, or one of a credential and a model, that is left alone until a time.

While it lasts nothing is sent. After it, one attempt at a time goes through until one succeeds, so that a limit that
was just lifted is not met by everyone at once.
"""

from __future__ import annotations

from math import inf

from waypost.config.tuning import ParkingTuning
from waypost.routing.health.breaker import LOST_S, SLACK_S, Random
from waypost.routing.health.effects import Park

#: The longest that a provider's word parks a credential, in seconds.
CREDENTIAL_MOST_S = 86_400.0
#: Doublings beyond this one reach every cap there can be.
_DOUBLINGS = 30


class Parking:
    """One of them. It owns its state; times are monotonic seconds."""

    __slots__ = ("_parked_at", "_probe_at", "held", "reason", "times", "until")

    def __init__(self) -> None:
        self.held = False
        """Parked, or not yet proven well since."""
        self.until = 0.0
        self.times = 0
        """How often in a row it was parked."""
        self.reason: Park = "no"
        self._parked_at = -inf
        self._probe_at = -inf

    def admits(self, now: float) -> bool:
        """Whether an attempt may begin."""
        return not self.held or (now >= self.until and now - self._probe_at > LOST_S)

    def enter(self, now: float) -> None:
        """An attempt begins, as `admits` allowed."""
        if self.held:
            self._probe_at = now

    def parked_until(self, now: float) -> float:
        """When it ends; 0.0 when it has, or there is none."""
        return self.until if self.held and now < self.until else 0.0

    def park(
        self,
        reason: Park,
        wait_s: float | None,
        now: float,
        began: float | None,
        tuning: ParkingTuning,
        random: Random,
    ) -> bool:
        """It was refused or limited. `wait_s`: for so long, as the provider says; None: it does not. True: that is new.

        More of the same from attempts that began before it was parked is no news: only a longer wait counts.
        """
        old = began is not None and began + SLACK_S <= self._parked_at
        if old or (self.held and now < self.until):
            if wait_s is not None:
                self.held = True
                self.until = max(self.until, now + _wait_s(reason, wait_s, 1, tuning, random))
            return False
        self.times += 1
        self.held = True
        self.reason = reason
        self.until = now + _wait_s(reason, wait_s, self.times, tuning, random)
        self._parked_at = now
        self._probe_at = -inf
        return True

    def hear(self, until: float, now: float) -> None:
        """Another node parked it until then."""
        if not self.held:
            self.times = max(1, self.times)
            self._parked_at = now
            self._probe_at = -inf
        self.held = True
        self.until = max(self.until, until)

    def succeeded(self, began: float) -> bool:
        """An attempt that began then went well. Whether that frees it: what began before the parking proves nothing."""
        if not self.held or began + SLACK_S <= self._parked_at:
            return False
        self.free()
        return True

    def free(self) -> None:
        """As if nothing had been."""
        self.held = False
        self.until = 0.0
        self.times = 0
        self.reason = "no"
        self._probe_at = -inf

    def release(self, began: float | None) -> None:
        """An attempt that began then ended and proved nothing: another one may try, once the time is over, which may
        have been put off meanwhile."""
        if began is None or began + SLACK_S > self._parked_at:
            self._probe_at = -inf


def _wait_s(reason: Park, said: float | None, times: int, tuning: ParkingTuning, random: Random) -> float:
    doubled = 2.0 ** min(times - 1, _DOUBLINGS)
    if reason == "throttled":
        if said is not None:
            return min(max(said, tuning.least_s), tuning.most_s)
        return random() * min(tuning.backoff_s * doubled, tuning.backoff_max_s)
    if said is not None:
        return min(max(said, tuning.least_s), CREDENTIAL_MOST_S)
    if reason == "quota":
        return min(tuning.quota_s * doubled, tuning.quota_max_s)
    return tuning.refused_s
