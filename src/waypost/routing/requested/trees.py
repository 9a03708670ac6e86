"""Trees for routes that were put together for one request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

import msgspec

from waypost.config.nodes import (
    Balanced,
    Branch,
    Canary,
    Cheapest,
    Conditional,
    Fallback,
    Fastest,
    Hedge,
    Keys,
    Leaf,
    LeastBusy,
    Need,
    Node,
    Overlay,
    Shadow,
    SortBy,
    Weighted,
    targets_of,
)
from waypost.config.snapshot import Route
from waypost.config.targets import Target

_LISTS = (Fallback, Weighted, Fastest, Cheapest, LeastBusy, Balanced)


def node_of(route: Route) -> Node:
    """A route's tree; one is made of priorities and weights where it has none."""
    if route.node is not None:
        return route.node
    tiers = [_tier(route.name, list(tier)) for _, tier in groupby(route.targets, key=lambda t: t.priority)]
    return tiers[0] if len(tiers) == 1 else Fallback(tuple(tiers))


def _tier(name: str, targets: list[Target]) -> Node:
    leaves = tuple(Leaf(target) for target in targets)
    if len(leaves) == 1:
        return leaves[0]
    return Weighted(leaves, tuple(target.weight for target in targets), name=name)


def needing(node: Node, need: Need | None) -> Node:
    """The tree, with one more need over all of it."""
    return node if need is None else Fallback((node,), need)


def sorted_by(node: Node, by: SortBy) -> Node:
    """The tree's targets in another order. Needs stay where they are; nodes that decide something themselves
    (conditions, canaries, shadows, hedges) are one child each."""
    children = tuple(_flat(node))
    if len(children) == 1:
        return children[0]
    if by == "price":
        return Cheapest(children)
    return Fastest(children, by="latency" if by == "latency" else "throughput")


def _flat(node: Node) -> list[Node]:
    if not isinstance(node, _LISTS):
        return [node]
    below = [leaf for child in node.children for leaf in _flat(child)]
    return [needing(leaf, node.need) for leaf in below]


def overlaid(node: Node, overlay: Overlay) -> Node:
    """The tree, with an overlay on every leaf. What a leaf has already is the operator's, and wins."""

    def beneath(leaf: Leaf | Keys) -> Node:
        # Targets are values of their own: asked otherwise, one is another than the same elsewhere in the tree.
        mine = _beneath(leaf.overlay, overlay)
        if isinstance(leaf, Leaf):
            return msgspec.structs.replace(leaf, target=msgspec.structs.replace(leaf.target), overlay=mine)
        targets = tuple(msgspec.structs.replace(target) for target in leaf.targets)
        return msgspec.structs.replace(leaf, targets=targets, overlay=mine)

    return regrown(node, beneath, shadows=True)


def regrown(node: Node, change: Callable[[Leaf | Keys], Node], *, shadows: bool = False) -> Node:
    """The tree, with something else in place of each leaf that an answer can come from; with `shadows`, of theirs
    too."""

    def grown(below: Node) -> Node:
        return regrown(below, change, shadows=shadows)

    match node:
        case Leaf() | Keys():
            return change(node)
        case Conditional():
            return msgspec.structs.replace(
                node,
                branches=tuple(Branch(each.when, grown(each.then)) for each in node.branches),
                otherwise=None if node.otherwise is None else grown(node.otherwise),
            )
        case Canary():
            return msgspec.structs.replace(node, stable=grown(node.stable), canary=grown(node.canary))
        case Shadow():
            beside = grown(node.shadow) if shadows else node.shadow
            return msgspec.structs.replace(node, main=grown(node.main), shadow=beside)
        case Hedge():
            return msgspec.structs.replace(node, child=grown(node.child))
        case _:
            return msgspec.structs.replace(node, children=tuple(grown(child) for child in node.children))


def _beneath(own: Overlay | None, asked: Overlay) -> Overlay:
    if own is None:
        return asked
    timeouts = [each for each in (own.timeout_s, asked.timeout_s) if each is not None]
    return Overlay(
        default={**asked.default, **own.default},
        override={**asked.override, **own.override},
        drop=own.drop + asked.drop,
        timeout_s=min(timeouts, default=None),
        retries=asked.retries if own.retries is None else own.retries,
        retry_on=asked.retry_on if own.retry_on is None else own.retry_on,
        fallback_on=asked.fallback_on if own.fallback_on is None else own.fallback_on,
    )


def in_turn(routes: Sequence[Route], nodes: Sequence[Node]) -> Route:
    """One route over several that a request listed, the first one's name before the others. Every name is required of
    the key."""
    names = dict.fromkeys(name for route in routes for name in (route.name, *route.requires))
    node = nodes[0] if len(nodes) == 1 else Fallback(tuple(nodes))
    return Route(
        name=routes[0].name,
        targets=targets_of(node),
        kind=routes[0].kind,
        node=node,
        requires=tuple(names),
        owner=routes[0].owner,
        own=tuple(name for route in routes for name in route.own),
    )


def all_of(routes: Sequence[Route]) -> Route:
    """One route over everyone who serves the same model: a draw by health and price."""
    if len(routes) == 1:
        return routes[0]
    node = Balanced(tuple(node_of(route) for route in routes))
    return Route(
        name=routes[0].name,
        targets=targets_of(node),
        kind="discovered",
        node=node,
        requires=tuple(route.name for route in routes),
    )
