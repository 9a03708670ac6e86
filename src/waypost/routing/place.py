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


class Place(msgspec.Struct, gc=False):
    """A target that may be asked. `rank` says how gladly (see the constants above; lower is better); `rule` and `score`
    belong to the node that gave it its place, and are set by it. Owned by one `Walk`."""

    target: Target
    label: str
    lane: Lane
    standing: Standing
    rank: int
    overlay: Overlay | None = None
    rule: Rule = "only"
    score: float | None = None


Places = list[Place]


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
