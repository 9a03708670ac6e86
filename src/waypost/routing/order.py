"""How each type of node orders what is below it.

A child that is a node itself is judged by its first target that can be asked now, and keeps its own order inside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import ceil, inf, log
from types import MappingProxyType
from typing import Final, TypeVar, cast

from waypost.config.nodes import (
    Balanced,
    Canary,
    Cheapest,
    Conditional,
    Fallback,
    Fastest,
    Hedge,
    Keys,
    Leaf,
    LeastBusy,
    Node,
    Shadow,
    Weighted,
    targets_of,
)
from waypost.config.targets import Target
from waypost.core.decision import Rule
from waypost.routing.board import Kind
from waypost.routing.place import BUSY, WEAK, Place, Places, foremost
from waypost.routing.sticky import seed, sticky_value, unit
from waypost.routing.view import Random
from waypost.routing.walk import Hedged, Needs, Shadowed, Strategies, Walk

N = TypeVar("N", bound=Node)
Firsts = Sequence[Place | None]
Scores = Sequence[float | None]

#: How often a target that was not measured lately goes first.
EXPLORED: Final = 0.05
#: Measures that differ by no more than this count as equal.
CLOSE: Final = 0.10
#: In place of a draw of exactly 0, which has no logarithm.
_TINY: Final = 5e-324
#: Quotas are compared in quarters: finer, and each request would go to another credential than the one before.
_STEPS: Final = 4
#: Nano-dollars of a dollar, for scores, which are for people.
_DOLLAR: Final = 1e9


def draws(weights: Iterable[float], random: Random) -> list[float]:
    """A number for each, for a drawing without replacement: the lowest is first, so that each is first as often as its
    share of the weights says. Infinity, which is last, for weight 0."""
    return [-log(random() or _TINY) / weight if weight > 0 else inf for weight in weights]


def ascending(values: Sequence[float]) -> list[int]:
    """The indices of values, lowest first; of equal ones the first."""
    return sorted(range(len(values)), key=values.__getitem__)


# --- by priority, where a route has no node -------------------------------------------------------------------


def by_priority(walk: Walk, targets: tuple[Target, ...]) -> Places:
    """Lower priority numbers first; within one priority a weighted draw without replacement."""
    places = [place for place in walk.admit(walk.kept.groups.of(targets), ()) if place is not None]
    if len(places) < 2:
        return places
    order = drawn_by_priority([place.target for place in places], walk.random)
    told = [places[index] for index in order]
    if told[0].target.priority == told[-1].target.priority:
        for place in told:
            place.rule, place.score = "weight", place.target.weight
        return told
    alone = Counter(place.target.priority for place in told)
    for place in told:
        if alone[place.target.priority] == 1:
            place.rule = "order"
        else:
            place.rule, place.score = "weight", place.target.weight
    return told


def drawn_by_priority(targets: Sequence[Target], random: Random) -> list[int]:
    """The indices of targets, by priority, and drawn by weight within one."""
    drawn = draws([target.weight for target in targets], random)
    order = ascending(drawn)
    if targets[0].priority != targets[-1].priority:
        order.sort(key=[target.priority for target in targets].__getitem__)
    return order


# --- leaves ----------------------------------------------------------------------------------------------------


def leaf(walk: Walk, node: Leaf, needs: Needs) -> Places:
    (place,) = walk.admit(walk.kept.groups.alone(node.target), needs)
    if place is None:
        return []
    place.overlay = node.overlay
    return [place]


def keys(walk: Walk, node: Keys, needs: Needs) -> Places:
    """By quarters of the quota that is left, and by a weighted draw among equals."""
    places = [place for place in walk.admit(walk.kept.groups.of(node.targets), needs) if place is not None]
    for place in places:
        place.overlay = node.overlay
    if len(places) < 2:
        return places
    drawn = draws([place.target.weight for place in places], walk.random)
    ranked: list[tuple[int, float, int]] = []
    for index, place in enumerate(places):
        left = place.standing.headroom(walk.now, walk.tokens)
        place.rule, place.score = "quota", left
        ranked.append((-ceil(left * _STEPS), drawn[index], index))
    return [places[entry[2]] for entry in sorted(ranked)]


# --- nodes that order ------------------------------------------------------------------------------------------


def fallback(walk: Walk, node: Fallback, needs: Needs) -> Places:
    below = walk.below(node.children, needs)
    alone = below.alone()
    return below.joined(range(len(below.firsts)), "order") if alone is None else alone


def weighted(walk: Walk, node: Weighted, needs: Needs) -> Places:
    below = walk.below(node.children, needs)
    alone = below.alone()
    if alone is not None:
        return alone
    weights = node.weights
    value = sticky_value(walk.view, node.sticky) if node.sticky else None
    if value is not None:
        return below.joined(walk.kept.seeds.order(node, value), "sticky", weights)
    drawn = draws(weights, walk.random)
    return below.joined(ascending(drawn), "weight", weights)


def cheapest(walk: Walk, node: Cheapest, needs: Needs) -> Places:
    below = walk.below(node.children, needs)
    alone = below.alone()
    return below.joined(*by_price(walk, below.firsts)) if alone is None else alone


def by_price(walk: Walk, firsts: Firsts) -> tuple[list[int], Rule, Scores]:
    """By expected cost; targets whose price is not known last."""
    costs = walk.expected.costs([None if first is None else first.target for first in firsts])
    order = ascending([inf if cost is None else cost for cost in costs])
    return order, "price", [None if cost is None else cost / _DOLLAR for cost in costs]


def fastest(walk: Walk, node: Fastest, needs: Needs) -> Places:
    below = walk.below(node.children, needs)
    alone = below.alone()
    if alone is not None:
        return alone
    order, rule, scores = by_measure(walk, below.firsts, node.by)
    if None in scores and walk.random() < EXPLORED:
        able = [index for index in order if scores[index] is None and below.leads(index)]
        if able:
            picked = able[min(int(walk.random() * len(able)), len(able) - 1)]
            order.remove(picked)
            order.insert(0, picked)
            places = below.joined(order, rule, scores)
            places[0].rule = "explore"
            return places
    return below.joined(order, rule, scores)


def by_measure(walk: Walk, firsts: Firsts, by: Rule) -> tuple[list[int], Rule, Scores]:
    """By the median for input of this size, best first; what was not measured last. From the best on, those within 10 %
    of it stay in the order they are written, then the same from the best of the rest."""
    kind: Kind = "throughput" if by == "throughput" else "first_token"
    sign = -1.0 if by == "throughput" else 1.0
    size, now = walk.view.asked.input_estimate, walk.now
    scores = [None if first is None else first.standing.measured(kind, 50, size, now) for first in firsts]
    known = sorted([(sign * score, index) for index, score in enumerate(scores) if score is not None])
    order: list[int] = []
    close: list[int] = []
    most = inf
    for score, index in known:
        if score > most or not close:
            order += sorted(close)
            close.clear()
            most = score + CLOSE * abs(score)
        close.append(index)
    order += sorted(close)
    if len(order) < len(scores):
        order += [index for index, score in enumerate(scores) if score is None]
    return order, by, scores


def least_busy(walk: Walk, node: LeastBusy, needs: Needs) -> Places:
    """Drawn by weight among those that are equally busy, or else the first would get all when there is little to do."""
    below = walk.below(node.children, needs)
    alone = below.alone()
    if alone is not None:
        return alone
    random = walk.random
    scores: list[float | None] = []
    ranked: list[tuple[float, float, int]] = []
    for index, first in enumerate(below.firsts):
        if first is None:
            scores.append(None)
            continue
        busy, weight = float(first.standing.in_flight), first.target.weight
        scores.append(busy)
        if weight > 0:
            ranked.append((busy / weight, -log(random() or _TINY) / weight, index))
        else:
            ranked.append((inf, inf, index))
    ranked.sort()
    return below.joined([index for _, _, index in ranked], "least_busy", scores)


def balanced(walk: Walk, node: Balanced, needs: Needs) -> Places:
    """A drawing by health / price². Scores are shares of the draw."""
    below = walk.below(node.children, needs)
    alone = below.alone()
    if alone is not None:
        return alone
    firsts = below.firsts
    costs = walk.expected.costs([None if first is None else first.target for first in firsts])
    lowest = min(filter(None, costs), default=1)
    now = walk.now
    weights = [
        0.0
        if first is None
        else first.standing.health(now) * ((share := lowest / cost) * share if cost else 1.0)
        for first, cost in zip(firsts, costs, strict=True)
    ]
    total = sum(weights) or 1.0
    order = ascending(draws(weights, walk.random))
    return below.joined(order, "balanced", [weight / total for weight in weights])


# --- nodes that choose -----------------------------------------------------------------------------------------


def conditional(walk: Walk, node: Conditional, needs: Needs) -> Places:
    chosen, told = node.otherwise, "No condition held."
    for branch in node.branches:
        if branch.when.holds(walk.view.facets):
            chosen, told = branch.then, f"Held: {branch.when.text}"
            break
    walk.notes.append(told)
    if chosen is None:
        return []
    places = walk.visit(chosen, needs)
    if places and places[0].rule in WEAK:
        places[0].rule = "condition"
    return places


def canary(walk: Walk, node: Canary, needs: Needs) -> Places:
    view = walk.view
    back = walk.kept.canaries.look(node, walk.board, view.at, walk.now, view.asked.input_estimate)
    value = sticky_value(view, node.sticky) if node.sticky else None
    point = walk.random() if value is None else unit(seed(node.name, value))
    if back is None and point * 100.0 < node.percent:
        walk.notes.append(f"Drawn for the canary {node.name}.")
        places, stable = walk.visit(node.canary, needs), walk.visit(node.stable, needs)
        if stable and stable[0].rule in WEAK:
            stable[0].rule = "order"
        if places:
            places[0].rule = "canary"
            places[0].score = node.percent
        return places + stable
    places = walk.visit(node.stable, needs)
    if places and places[0].rule in WEAK:
        places[0].rule = "stable"
    for target in targets_of(node.canary):
        if back is None:
            walk.exclude(target, "branch", f"not drawn for the canary {node.name}")
        else:
            walk.exclude(target, "rolled_back", back.why)
    return places


def shadow(walk: Walk, node: Shadow, needs: Needs) -> Places:
    places = walk.visit(node.main, needs)
    if walk.random() * 100.0 < node.percent and places:
        kept = walk.excluded, walk.notes, walk.hedges, walk.shadows, walk.ranks, walk.soonest
        walk.excluded, walk.notes, walk.hedges, walk.shadows = {}, [], [], []
        beside = walk.visit(node.shadow, needs)
        walk.excluded, walk.notes, walk.hedges, walk.shadows, walk.ranks, walk.soonest = kept
        (first,) = foremost((beside,))
        if first is not None and first.rank < BUSY:
            first.owner = node.owner
            walk.shadows.append(Shadowed(_idents(places), first))
    return places


def hedge(walk: Walk, node: Hedge, needs: Needs) -> Places:
    places = walk.visit(node.child, needs)
    walk.hedges.append(Hedged(_idents(places), node.after_s))
    return places


def _idents(places: Places) -> frozenset[int]:
    return frozenset(id(place.target) for place in places)


def _entry(
    kind: type[N], strategy: Callable[[Walk, N, Needs], Places]
) -> tuple[type, Callable[[Walk, Node, Needs], Places]]:
    return kind, cast("Callable[[Walk, Node, Needs], Places]", strategy)


STRATEGIES: Final[Strategies] = MappingProxyType(
    dict(
        (
            _entry(Leaf, leaf),
            _entry(Keys, keys),
            _entry(Fallback, fallback),
            _entry(Weighted, weighted),
            _entry(Conditional, conditional),
            _entry(Fastest, fastest),
            _entry(Cheapest, cheapest),
            _entry(LeastBusy, least_busy),
            _entry(Balanced, balanced),
            _entry(Canary, canary),
            _entry(Shadow, shadow),
            _entry(Hedge, hedge),
        )
    )
)
