"""A plan: what the planner decided, before anything is asked."""

from __future__ import annotations

from typing import Protocol

import msgspec

from waypost.config.nodes import Overlay
from waypost.config.targets import Target
from waypost.core.decision import Decision, Rule
from waypost.dialects.lane import Lane


class Candidate(Protocol):
    """A target in its place. Nobody changes it any more."""

    @property
    def target(self) -> Target: ...

    @property
    def lane(self) -> Lane: ...

    @property
    def rule(self) -> Rule: ...

    @property
    def score(self) -> float | None: ...

    @property
    def overlay(self) -> Overlay | None: ...

    @property
    def owner(self) -> str:
        """Of a shadow: the id of the organization that made it; empty: the operator."""
        ...


class Chosen(msgspec.Struct, frozen=True):
    """A `Candidate` that was chosen without a walk: there was no other."""

    target: Target
    lane: Lane
    rule: Rule = "only"
    score: float | None = None
    overlay: Overlay | None = None
    owner: str = ""


def through(candidate: Candidate, lane: Lane) -> Candidate:
    """The same, asked through another lane."""
    return Chosen(candidate.target, lane, candidate.rule, candidate.score, candidate.overlay, candidate.owner)


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
