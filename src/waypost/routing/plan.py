"""Stage 7: which targets of a route may be asked, in which order, and why."""

from __future__ import annotations

from math import inf

from waypost.config.nodes import (
    NO_PREFERENCES,
    Balanced,
    Cheapest,
    Fallback,
    Fastest,
    Leaf,
    LeastBusy,
    Weighted,
)
from waypost.config.snapshot import Route
from waypost.config.targets import Target
from waypost.core.decision import Considered, Decision
from waypost.routing.board import Board
from waypost.routing.canary import RolledBack
from waypost.routing.order import STRATEGIES, by_priority
from waypost.routing.place import BUSY, EJECTED, MISFIT, Place, Places, lasting, rank_of
from waypost.routing.planned import Candidate, Chosen, Plan
from waypost.routing.preferences import only_first, prefer
from waypost.routing.view import Random, View
from waypost.routing.walk import Kept, Walk

#: Nodes whose children are alternatives, and nothing else.
FLAT = (Fallback, Weighted, Fastest, Cheapest, LeastBusy, Balanced)


class Planner:
    """Plans requests. Pure but for what it was handed (randomness, the board, the view) and for the canaries it rolled
    back. One per process; not for use by several threads."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._kept = Kept()

    def rolled_back(self) -> list[RolledBack]:
        """The canaries that get no more requests."""
        return self._kept.canaries.rolled_back()

    def begin_anew(self) -> None:
        """To be called when there is a new configuration: canaries get their share again, and nothing that was worked
        out of the old one is kept."""
        self._kept = Kept()

    def plan(self, route: Route, view: View, board: Board) -> Plan:
        """The targets to try, in order: those that can be asked now; those whose quota is used up or whose context is
        probably too small; those that are busy; and at the very end, for when nothing else is left, those that are
        ejected. A target is in it at most once. Raises nothing."""
        node = route.node
        targets = route.targets
        if len(targets) == 1 and (node is None or type(node) is Leaf) and view.preferences is NO_PREFERENCES:
            plan = _simple(targets[0], node, view, board)
            if plan is not None:
                return plan
        walk = Walk(view, board, self._random, STRATEGIES, self._kept)
        places = by_priority(walk, targets) if node is None else walk.visit(node, ())
        wanted = view.preferences
        if wanted is not NO_PREFERENCES:
            places = prefer(walk, places, wanted)
        if not _are_once(route, self._kept):
            places = _each_once(walk, places)
        return _conclude(route, walk, places, alone=not wanted.fallbacks and not wanted.order)


def _simple(target: Target, node: Leaf | None, view: View, board: Board) -> Plan | None:
    """The plan for a single target without any needs, when it can be asked now."""
    if node is not None and node.need is not None:
        return None
    (lane,) = view.lanes((target,))
    if isinstance(lane, str):
        return None
    standing, now = board.of(target), view.now
    if standing.parked_until(now) > now or standing.ejected_until(now) > now:
        return None
    return Plan((Chosen(target, lane, "only", None, None if node is None else node.overlay),))


def _conclude(route: Route, walk: Walk, places: Places, *, alone: bool) -> Plan:
    if walk.ranks >= MISFIT:
        places = _fitting(walk, places)
    if walk.ranks:
        places = sorted(places, key=rank_of)
    if alone:
        places = only_first(walk, places)
    decision = _decide(route, walk, places)
    return Plan(
        tuple(places),
        decision,
        _hedge_after_s(walk, places) if walk.hedges else None,
        _shadows(walk, places) if walk.shadows else (),
        _soonest_s(walk, places),
    )


def _are_once(route: Route, kept: Kept) -> bool:
    """Whether it is plain that no target is at two places of the route."""
    node = route.node
    if node is None:
        return True
    if not isinstance(node, FLAT) or len(node.children) != len(route.targets):
        return False
    return kept.leaves.of(node.children) is not None


def _each_once(walk: Walk, places: Places) -> Places:
    """The first place of each target wins, and one that is admitted at one place of the tree is not left out."""
    found: dict[int, Place] = {}
    for place in places:
        found.setdefault(id(place.target), place)
    excluded = walk.excluded
    for ident in found.keys() & excluded.keys():
        del excluded[ident]
    return places if len(found) == len(places) else list(found.values())


def _fitting(walk: Walk, places: Places) -> Places:
    """Those that have the most of what the request uses, as OpenRouter does: a soft wish that never removes the last
    (https://openrouter.ai/docs/features/provider-routing, 2026-11-25). One that is ejected removes none that is not:
    it stays for the end if it has as much or more."""
    asked = [place.rank for place in places if place.rank % MISFIT != EJECTED]
    fewest = min(asked or [place.rank for place in places], default=0) // MISFIT
    told: Places = []
    for place in places:
        misfits = place.rank // MISFIT
        if misfits == fewest or (misfits < fewest and place.rank % MISFIT == EJECTED):
            place.rank %= MISFIT
            told.append(place)
        else:
            walk.exclude(place.target, *walk.misfit(place.target))
    return told


def _decide(route: Route, walk: Walk, places: Places) -> Decision | None:
    """The record of the plan. Targets at its end because they are ejected or busy are told as excluded, in the order in
    which they are tried."""
    excluded, notes, targets = walk.excluded, walk.notes, route.targets
    asked = places
    if walk.ranks and places and places[-1].rank >= BUSY:
        asked = [place for place in places if place.rank < BUSY]
        for place in places[len(asked) :]:
            _told_as_last(walk, place)
        if places[0].rank == EJECTED:
            notes.append("Every target that could be asked is ejected: they are tried all the same.")
    if len(asked) + len(excluded) < len(targets):
        idents = {id(place.target) for place in asked}
        for target in targets:
            if id(target) not in idents:
                walk.exclude(target, "branch", "in a branch that was not taken")
    if len(targets) == 1 and asked and not notes:
        return None
    return Decision(
        tuple([Considered(place.label, place.rule, place.score) for place in asked]),
        tuple(excluded.values()),
        tuple(notes),
    )


def _told_as_last(walk: Walk, place: Place) -> None:
    if place.rank == BUSY:
        walk.exclude(place.target, "busy", "asked after the others")
    else:
        left = place.standing.ejected_until(walk.now) - walk.now
        walk.exclude(place.target, "ejected", f"{lasting(left)}; asked when nothing else is left")


def _soonest_s(walk: Walk, places: Places) -> float | None:
    if walk.soonest == inf or (places and places[0].rank < EJECTED):
        return None
    return max(0.0, walk.soonest - walk.now)


def _hedge_after_s(walk: Walk, places: Places) -> float | None:
    """Of the innermost hedge around the first target. A second one that is busy or ejected is no help."""
    if len(places) < 2 or places[0].rank >= BUSY or places[1].rank >= BUSY:
        return None
    first = places[0]
    for hedged in walk.hedges:
        if id(first.target) in hedged.targets:
            if hedged.after_s is not None:
                return hedged.after_s
            return first.standing.measured("first_token", 95, walk.tokens, walk.now)
    return None


def _shadows(walk: Walk, places: Places) -> tuple[Candidate, ...]:
    if not places:
        return ()
    first = id(places[0].target)
    return tuple(each.place for each in walk.shadows if first in each.targets)
