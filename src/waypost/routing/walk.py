"""One walk over a route's nodes for one request: which targets may be asked, and what is known of them now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf

import msgspec

from waypost.config.nodes import Leaf, Need, Node, Overlay
from waypost.config.targets import Target
from waypost.core.decision import Excluded, Reason
from waypost.routing.board import Board, Standing
from waypost.routing.canary import Canaries
from waypost.routing.expected import Expected, ListPrices, tokens_of
from waypost.routing.needs import Asker, Verdict, Verdicts, missing
from waypost.routing.place import BUSY, EJECTED, MISFIT, READY, SHORT, TIGHT, Place, Places, lasting
from waypost.routing.sticky import ChildSeeds
from waypost.routing.view import Random, View

Needs = tuple[Need, ...]
"""What every target below the current node has to be."""

Strategies = Mapping[type, Callable[["Walk", Node, Needs], Places]]
"""By type of node: the places below it, in order."""

_LABELS_MOST = 16_384
_CHILDREN_MOST = 1024
_Bare = tuple[tuple[Target, ...], tuple[Overlay | None, ...] | None]


class Labels:
    """Labels of targets, kept by identity: at most 16,384, and those of at most 1,024 whole sequences, then anew."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Target, str]] = {}
        self._whole: dict[int, tuple[Sequence[Target], list[str]]] = {}

    def of(self, target: Target) -> str:
        kept = self._kept.get(id(target))
        if kept is None:
            if len(self._kept) >= _LABELS_MOST:
                self._kept.clear()
            kept = self._kept[id(target)] = (target, target.label)
        return kept[1]

    def of_all(self, targets: tuple[Target, ...]) -> list[str]:
        """Those of a tuple that does not live for one request only."""
        kept = self._whole.get(id(targets))
        if kept is None:
            if len(self._whole) >= _CHILDREN_MOST:
                self._whole.clear()
            kept = self._whole[id(targets)] = (targets, [self.of(target) for target in targets])
        return kept[1]


class Leaves:
    """The targets and overlays of nodes' children that are all leaves without needs, kept by the identity of the
    children. Keeps at most 1,024, then begins anew."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[tuple[Node, ...], _Bare | None]] = {}

    def of(self, children: tuple[Node, ...]) -> _Bare | None:
        """None when any child is more than a leaf; overlays are None when no child has one."""
        kept = self._kept.get(id(children))
        if kept is None:
            if len(self._kept) >= _CHILDREN_MOST:
                self._kept.clear()
            kept = self._kept[id(children)] = (children, _bare(children))
        return kept[1]


def _bare(children: tuple[Node, ...]) -> _Bare | None:
    leaves = [child for child in children if isinstance(child, Leaf) and child.need is None]
    if len(leaves) < len(children):
        return None
    overlays = tuple(leaf.overlay for leaf in leaves)
    return tuple(leaf.target for leaf in leaves), overlays if any(
        overlay is not None for overlay in overlays
    ) else None


class Kept:
    """What outlives a plan: things worked out once of what does not change, and the canaries that were rolled back.
    Owned by the planner."""

    __slots__ = ("canaries", "labels", "leaves", "prices", "seeds", "verdicts")

    def __init__(self) -> None:
        self.labels = Labels()
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
    owner: str = ""
    """As of the node."""


class Walk:
    """The state of one walk. Targets are told apart by identity: a route has each of them once."""

    __slots__ = (
        "_asks",
        "_features",
        "_input",
        "_max_output",
        "_of",
        "_own",
        "_require",
        "_serve",
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
        self._serve = view.serve
        self._of = board.of
        self._strategies = strategies
        self._own = view.preferences.need
        self._require = view.preferences.require_parameters
        self._features = view.features
        self._input = view.asked.input_estimate
        self._max_output = view.asked.max_output
        self._asks = bool(self._features) or self._max_output is not None

    def visit(self, node: Node, needs: Needs) -> Places:
        """The places below a node, in order. `needs`: those of the nodes above."""
        if node.need is not None:
            needs = (*needs, node.need)
        return self._strategies[type(node)](self, node, needs)

    def parts(self, children: tuple[Node, ...], needs: Needs) -> list[Places]:
        """The places below each child."""
        leaves = self.kept.leaves.of(children)
        if leaves is None:
            return [self.visit(child, needs) for child in children]
        targets, overlays = leaves
        admitted = self.admit(targets, self.kept.labels.of_all(targets), needs)
        if overlays is not None:
            for place, overlay in zip(admitted, overlays, strict=True):
                if place is not None:
                    place.overlay = overlay
        return [[] if place is None else [place] for place in admitted]

    def admit(self, targets: Sequence[Target], labels: Sequence[str], needs: Needs) -> list[Place | None]:
        """Each target's place, or None after its exclusion was noted. The inner loop of planning."""
        serve, of, now, tokens, asks = self._serve, self._of, self.now, self.tokens, self._asks
        estimate, ranks = self._input, self.ranks
        askers = self._askers(needs) if needs or self._own else ()
        told: list[Place | None] = [None] * len(targets)
        for index, target in enumerate(targets):
            lane = serve(target)
            if isinstance(lane, str):
                self.exclude(target, lane)
                continue
            verdict = _first(askers, target) if askers else None
            if verdict is not None:
                self.exclude(target, *verdict)
                continue
            standing = of(target)
            context = target.facts.context
            rank = READY
            if not standing.ready(now, tokens):
                worse = self._worse(target, standing)
                if worse is None:
                    continue
                rank = worse
            if rank < TIGHT and context is not None and context < estimate:
                rank = TIGHT
            if asks:
                misfits = self._misfits(target)
                if misfits and self._require:
                    self.exclude(target, "parameters", f"it has no {', '.join(misfits)}")
                    continue
                rank += MISFIT * len(misfits)
            ranks |= rank
            told[index] = Place(target, labels[index], lane, standing, rank)
        self.ranks = ranks
        return told

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
            self.excluded[ident] = Excluded(self.kept.labels.of(target), reason, detail)

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
