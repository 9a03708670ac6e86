"""A plan: what the planner decided, before anything is asked."""

from __future__ import annotations

import msgspec

from waypost.config.nodes import Overlay
from waypost.config.targets import Target
from waypost.core.decision import Decision, Rule
from waypost.dialects.lane import Lane


class Candidate(msgspec.Struct, frozen=True):
    """A target in its place."""

    target: Target
    lane: Lane
    rule: Rule
    score: float | None = None
    overlay: Overlay | None = None
    owner: str = ""
    """Of a shadow: the id of the organization that made it; empty: the operator."""


class Plan(msgspec.Struct, frozen=True):
    """What to try, in order."""

    candidates: tuple[Candidate, ...]
    decision: Decision | None = None
    """None where there was nothing to choose: one target, and it can be asked."""
    hedge_after_s: float | None = None
    """Ask the second candidate too when the first has not begun to answer after so long; None: do not."""
    shadows: tuple[Candidate, ...] = ()
    """Sent the same request beside, with nobody waiting."""
    soonest_s: float | None = None
    """With no candidates, because all are parked or ejected: seconds until one may be asked."""
