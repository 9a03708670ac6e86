"""A target's place while a plan is being made."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, isfinite
from typing import Final

import msgspec

from waypost.config.nodes import Overlay
from waypost.config.targets import Target
from waypost.core.decision import Rule
from waypost.dialects.lane import Lane
from waypost.routing.board import Standing

#: It can be asked now.
READY: Final = 0
#: Its quota is used up: it would answer 429.
SHORT: Final = 1
#: The input, as estimated, is larger than its context.
TIGHT: Final = 2
#: It has as many requests under way as it takes.
BUSY: Final = 3
#: Its breaker is open.
EJECTED: Final = 4
#: Added once for each thing the request uses that the target is known not to have.
MISFIT: Final = 8
#: Rules that say less than that of the node above.
WEAK: Final = frozenset(("only", "order"))


class Place(msgspec.Struct, gc=False):
    """A target that may be asked. `rank` says how gladly (see the constants above; lower is better); `rule` and `score`
    belong to the node that gave it its place, and are set by it. Owned by one `Walk`; after it a `Candidate` of the
    plan."""

    target: Target
    label: str
    lane: Lane
    standing: Standing
    rank: int
    overlay: Overlay | None = None
    rule: Rule = "only"
    score: float | None = None
    owner: str = ""


Places = list[Place]


class Below(msgspec.Struct, gc=False):
    """The places below each child of a node."""

    firsts: list[Place | None]
    """See `foremost`."""
    parts: list[Places] | None
    """All of each child, in its order; None: each has its first at most."""

    def alone(self) -> Places | None:
        """The places, if there is nothing to choose between the children; else None."""
        if self.parts is None:
            firsts = self.firsts
            if len(firsts) > 1 and firsts[0] is not None and firsts[1] is not None:
                return None
            places = [place for place in firsts if place is not None]
            return None if len(places) > 1 else places
        filled = [part for part in self.parts if part]
        if len(filled) > 1:
            return None
        return filled[0] if filled else []

    def leads(self, index: int) -> bool:
        """Whether the first place of a child can be asked now."""
        first = self.firsts[index] if self.parts is None else next(iter(self.parts[index]), None)
        return first is not None and first.rank == READY

    def joined(
        self, order: Sequence[int], rule: Rule, scores: Sequence[float | None] | None = None
    ) -> Places:
        """The children's places in this order. The first of each is there by this rule, unless a node below had a
        better one."""
        told: Places = []
        add = told.append
        if self.parts is None:
            firsts = self.firsts
            for index in order:
                place = firsts[index]
                if place is not None:
                    place.rule = rule
                    if scores is not None:
                        place.score = scores[index]
                    add(place)
            return told
        for index in order:
            part = self.parts[index]
            if part:
                first = part[0]
                if first.rule in WEAK:
                    first.rule = rule
                    if scores is not None:
                        first.score = scores[index]
                told += part
        return told


def rank_of(place: Place) -> int:
    return place.rank


def foremost(parts: Sequence[Places]) -> list[Place | None]:
    """Of each part the place that would be asked first, by which the part is judged: the first of those that can be
    asked most gladly. None for a part without places."""
    return [(part[0] if not part[0].rank else min(part, key=_gladly)) if part else None for part in parts]


def _gladly(place: Place) -> tuple[bool, int]:
    """One that is ejected comes after those that lack something: they remove it, and not it them."""
    return place.rank % MISFIT == EJECTED, place.rank


def lasting(left: float) -> str:
    """For people: seconds that are left, never none; without an end where a case says so."""
    return f"for {ceil(left)} s" if isfinite(left) else "for good"
