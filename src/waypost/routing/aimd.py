"""How many requests one target takes at once, learnt from how it answers: additive increase, multiplicative decrease.

Nothing is known of a target until it first complains, so nothing is limited until then. A 429 or 529 cuts what may be
under way to a part of what was; each success near the limit raises it a little, so that it settles just under what the
target takes. Answers that begin much later than they used to count as a complaint too, a weaker one.
"""

from __future__ import annotations

from typing import Literal

#: `ok`: answered. `overload`: 429, 529, or an overload told inside the answer. `other`: tells nothing of its load.
Outcome = Literal["ok", "overload", "other"]

LEAST = 2.0
"""Never fewer at once after complaints: with one, a single slow answer would stop everything."""
LEAST_SLOW = 8.0
"""Nor fewer than this for slowness alone, which long prompts cause as well."""
CUT = 0.7
CUT_SLOW = 0.85
SLOW_RATIO = 3.0
"""Lately over usually, of the time to the first token."""
GROWTH = 0.05
"""Share of the limit that is added per limit's worth of successes, or 1 if that is more."""
NEAR = 0.8
CALM_S = 1.0
"""After a cut, complaints about what was under way at that time are no news for so long."""
FORGET_S = 600.0
"""Without a complaint for so long, it is unlimited again."""
UNLIMITED = float("inf")
_KNOWN_FROM = 30
_USUAL_WEIGHT = 0.01
_LATELY_WEIGHT = 0.1


class Limit:
    """One target's. `in_flight` is counted by whoever takes; `end` is told of each end. Times are monotonic seconds."""

    __slots__ = ("_cut_at", "_lately", "_seen", "_stale", "_usual", "in_flight", "limit")

    def __init__(self) -> None:
        self.in_flight = 0
        self.limit = UNLIMITED
        self._cut_at = 0.0
        #: How many of those under way at the last cut have not ended.
        self._stale = 0
        self._seen = 0
        self._usual = 0.0
        self._lately = 0.0

    @property
    def learnt(self) -> bool:
        """It is limited now."""
        return self.limit != UNLIMITED

    def end(self, now: float, outcome: Outcome, first_token_s: float | None) -> None:
        """One that was under way has ended."""
        under_way = self.in_flight
        self.in_flight = under_way - 1
        stale = self._stale > 0
        if stale:
            self._stale -= 1
        if outcome == "ok":
            if self.limit != UNLIMITED:
                self._grow(under_way, now)
            if first_token_s is not None:
                self._time(under_way, now, first_token_s)
        elif outcome == "overload" and (not stale or now - self._cut_at >= CALM_S):
            self._cut(under_way, now, CUT, LEAST)

    def _grow(self, under_way: int, now: float) -> None:
        if now - self._cut_at > FORGET_S:
            self.limit = UNLIMITED
        elif under_way >= NEAR * self.limit:
            self.limit += max(1.0, GROWTH * self.limit) / self.limit

    def _cut(self, under_way: int, now: float, share: float, least: float) -> None:
        self.limit = min(self.limit, max(least, share * min(self.limit, under_way)))
        self._cut_at = now
        self._stale = under_way - 1

    def _time(self, under_way: int, now: float, first_token_s: float) -> None:
        """Usual is an average over hundreds of answers, lately one over tens; single outliers count for little."""
        if self._seen < _KNOWN_FROM:
            self._seen += 1
            self._usual += (first_token_s - self._usual) / self._seen
            self._lately = self._usual
            return
        usual, lately = self._usual, self._lately
        most = 4.0 * SLOW_RATIO * usual
        sample = first_token_s if first_token_s < most else most
        self._usual = usual = usual + _USUAL_WEIGHT * (sample - usual)
        self._lately = lately = lately + _LATELY_WEIGHT * (sample - lately)
        if lately > SLOW_RATIO * usual and under_way > LEAST_SLOW:
            self._lately = self._usual
            self._cut(under_way, now, CUT_SLOW, LEAST_SLOW)
