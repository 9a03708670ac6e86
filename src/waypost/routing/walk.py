"""One walk over a route's nodes for one request: which targets may be asked, and what is known of them now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf

import msgspec

from waypost.config.nodes import Need, Node
from waypost.config.targets import Target
from waypost.core.decision import Excluded, Reason
from waypost.routing.board import Board, Standing
from waypost.routing.canary import Canaries
from waypost.routing.expected import Expected, ListPrices, tokens_of
from waypost.routing.group import Group, Groups, Leaves
from waypost.routing.needs import Asker, Verdict, Verdicts, missing
from waypost.routing.place import (
    BUSY,
    EJECTED,
    MISFIT,
    READY,
    SHORT,
    TIGHT,
    Below,
    Place,
    Places,
    foremost,
    lasting,
)
from waypost.routing.sticky import ChildSeeds
from waypost.routing.view import Random, View

Needs = tuple[Need, ...]
"""What every target below the current node has to be."""

Strategies = Mapping[type, Callable[["Walk", Node, Needs], Places]]
"""By type of node: the places below it, in order."""


class Kept:
    """What outlives a plan: things worked out once of what does not change, and the canaries that were rolled back.
    Owned by the planner."""

    __slots__ = ("canaries", "groups", "leaves", "prices", "seeds", "verdicts")

    def __init__(self) -> None:
        self.groups = Groups()
        self.leaves = Leaves()
        self.prices = ListPrices()
        self.verdicts = Verdicts(self.prices)
        self.seeds = ChildSeeds()
        self.canaries = Canaries()


class Hedged(msgspec.Struct, frozen=True):
    """A hedge that was passed: it holds when the plan begins with one of its targets."""

    targets: frozenset[int]
    after_s: float | None


class Shadowed(msgspec.Struct, frozen=True):
    """A shadow that was drawn: it is sent when the plan begins with one of the main targets."""

    targets: frozenset[int]
    place: Place


class Walk:
    """The state of one walk. Targets are told apart by identity: a route has each of them once."""

    __slots__ = (
        "_features",
        "_input",
        "_max_output",
        "_own",
        "_require",
        "_strategies",
        "board",
        "excluded",
        "expected",
        "hedges",
        "kept",
        "notes",
        "now",
        "random",
        "ranks",
        "shadows",
        "soonest",
        "tokens",
        "view",
    )

    def __init__(self, view: View, board: Board, random: Random, strategies: Strategies, kept: Kept) -> None:
        self.view = view
        self.board = board
        self.random = random
        self.kept = kept
        self.now = view.now
        self.tokens = tokens_of(view.asked)
        self.expected = Expected(view)
        self.excluded: dict[int, Excluded] = {}
        self.notes: list[str] = []
        self.hedges: list[Hedged] = []
        self.shadows: list[Shadowed] = []
        self.ranks = 0
        """The bits of all ranks so far: 0 while every place is ready."""
        self.soonest = inf
        """When the first of those that are parked or ejected may be asked."""
        self._strategies = strategies
        self._own = view.preferences.need
        self._require = view.preferences.require_parameters
        self._features = view.features
        self._input = view.asked.input_estimate
        self._max_output = view.asked.max_output

    def visit(self, node: Node, needs: Needs) -> Places:
        """The places below a node, in order. `needs`: those of the nodes above."""
        if node.need is not None:
            needs = (*needs, node.need)
        return self._strategies[type(node)](self, node, needs)

    def below(self, children: tuple[Node, ...], needs: Needs) -> Below:
        """The places below each child."""
        bare = self.kept.leaves.of(children)
        if bare is None:
            parts = [self.visit(child, needs) for child in children]
            return Below(foremost(parts), parts)
        admitted = self.admit(bare.group, needs)
        if bare.overlays is not None:
            for place, overlay in zip(admitted, bare.overlays, strict=True):
                if place is not None:
                    place.overlay = overlay
        return Below(admitted, None)

    def admit(self, group: Group, needs: Needs) -> list[Place | None]:
        """Each target's place, or None after its exclusion was noted. The inner loop of planning."""
        now, tokens, ranks, targets = self.now, self.tokens, self.ranks, group.targets
        lanes, standings = self.view.lanes(targets), self.board.of_all(targets)
        crowded = self.board.crowded()
        suffices = group.suffices(self._input, self._max_output, self._features)
        askers = self._askers(needs) if needs or self._own else ()
        told: list[Place | None] = []
        add = told.append
        for target, label, lane, standing in zip(targets, group.labels, lanes, standings, strict=True):
            place = None
            if isinstance(lane, str):
                self.exclude(target, lane)
            elif askers and (verdict := _first(askers, target)) is not None:
                self.exclude(target, *verdict)
            elif suffices and standing.ready(now, tokens, crowded):
                place = Place(target, label, lane, standing, READY)
            else:
                rank = self._rank(target, standing)
                if rank is not None:
                    ranks |= rank
                    place = Place(target, label, lane, standing, rank)
            add(place)
        self.ranks = ranks
        return told

    def _rank(self, target: Target, standing: Standing) -> int | None:
        """How a target ranks; None after its exclusion was noted."""
        rank = READY
        if not standing.ready(self.now, self.tokens, True):
            worse = self._worse(target, standing)
            if worse is None:
                return None
            rank = worse
        context = target.facts.context
        if rank < TIGHT and context is not None and context < self._input:
            rank = TIGHT
        misfits = self._misfits(target)
        if misfits and self._require:
            self.exclude(target, "parameters", f"it has no {', '.join(misfits)}")
            return None
        return rank + MISFIT * len(misfits)

    def _worse(self, target: Target, standing: Standing) -> int | None:
        """How a target ranks that is not simply ready; None after its exclusion was noted."""
        now = self.now
        until = standing.parked_until(now)
        if until > now:
            self.soonest = min(self.soonest, until)
            self.exclude(target, "parked", lasting(until - now))
            return None
        until = standing.ejected_until(now)
        if until > now:
            self.soonest = min(self.soonest, until)
            return EJECTED
        if standing.busy(now):
            return BUSY
        return SHORT if standing.headroom(now, self.tokens) <= 0.0 else READY

    def _askers(self, needs: Needs) -> list[Asker]:
        """Those of the nodes are kept, that of the request is not."""
        view, own = self.view, self._own
        asker, at, tier = self.kept.verdicts.asker, view.at, view.asked.tier
        told = [asker(need, at, tier) for need in needs]
        if own is not None:
            told.append(Asker(own, self.kept.prices, at, tier))
        return told

    def exclude(self, target: Target, reason: Reason, detail: str = "") -> None:
        """Note why a target is left out; what was noted first stays."""
        ident = id(target)
        if ident not in self.excluded:
            self.excluded[ident] = Excluded(self.kept.groups.alone(target).labels[0], reason, detail)

    def misfit(self, target: Target) -> Verdict:
        """Why a target that lacks something makes room for others."""
        told = self._misfits(target)
        largest = target.facts.max_output
        if told == ["max_output"] and largest is not None:
            return "max_output", f"it answers with at most {largest:,} tokens"
        return "features", f"it has no {', '.join(told)}"

    def _misfits(self, target: Target) -> list[str]:
        facts = target.facts
        told = missing(facts.features, self._features) if self._features else []
        most = self._max_output
        if most is not None and facts.max_output is not None and facts.max_output < most:
            told.append("max_output")
        return told


def _first(askers: Sequence[Asker], target: Target) -> Verdict | None:
    """The first need that a target does not meet."""
    for asker in askers:
        verdict = asker.of(target)
        if verdict is not None:
            return verdict
    return None
