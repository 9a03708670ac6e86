"""Sticky draws: the same client gets the same child, as far as it can serve.

Every child gets a number from a hash of the client and the child alone, and the lowest wins (rendezvous hashing, with
weights by exponential variates). So a child that goes away takes no other client with it, and neither the order in
which children are written nor the number of gateways matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from math import inf, log

from waypost.config.nodes import Facets, Leaf, Node, Weighted, targets_of
from waypost.routing.view import View

_MASK = 0xFFFF_FFFF_FFFF_FFFF
_FIRST, _SECOND = 0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB
_UNIT = 1.0 / (1 << 53)
_KEPT_MOST = 1024
_ORDERS_MOST = 4096
#: Orders of so many children fit into bytes, an eighth of a list.
_BYTE = 256
#: Prefixes of a sticky name, and the facet that holds such values by name.
_MAPS = {"header": "headers", "metadata": "metadata"}


def sticky_value(view: View, names: Sequence[str]) -> str | None:
    """The first of these values that the request has, with its name, so that a user is not taken for a session."""
    for name in names:
        found = view.key.key_id if name == "key" else _value(view.facets, name)
        if found is not None and found != "" and not isinstance(found, Mapping):
            return f"{name}\0{found}"
    return None


def _value(facets: Facets, name: str) -> object:
    """A facet of this name, or the one inside of the headers or metadata."""
    try:
        return facets[name]
    except KeyError:
        kind, _, inner = name.partition(":")
    try:
        values = facets[_MAPS[kind]]
    except KeyError:
        return None
    if not isinstance(values, Mapping):
        return None
    return values.get(inner.lower() if kind == "header" else inner)


def seed(name: str, value: str) -> int:
    """64 bits from a name and a value, the same on every machine."""
    return int.from_bytes(blake2b(f"{name}\0{value}".encode(), digest_size=8).digest(), "big")


def unit(number: int) -> float:
    """Uniform in [0, 1) for seeds."""
    return (_mixed(number) >> 11) * _UNIT


def rendezvous(client: int, children: Sequence[int], weights: Sequence[int]) -> list[float]:
    """A number for each child; they are asked from the lowest on. Weight 0 comes last, as infinity."""
    drawn = []
    for child, weight in zip(children, weights, strict=True):
        # `_mixed`, written out: it is called for every child
        mixed = client ^ child
        mixed = ((mixed ^ (mixed >> 30)) * _FIRST) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * _SECOND) & _MASK
        mixed ^= mixed >> 31
        drawn.append(-log(((mixed >> 11) + 0.5) * _UNIT) / weight if weight > 0 else inf)
    return drawn


def _mixed(number: int) -> int:
    """Spreads 64 bits, so that each bit of the result depends on all of `number`: the finalizer of SplitMix64."""
    number = ((number ^ (number >> 30)) * _FIRST) & _MASK
    number = ((number ^ (number >> 27)) * _SECOND) & _MASK
    return number ^ (number >> 31)


class ChildSeeds:
    """A seed for each child of a weighted node, from the labels of its targets, worked out once for each node; and the
    orders of clients, who come back. Keeps at most 1,024 nodes and 4,096 orders, then begins anew."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Weighted, tuple[int, ...]]] = {}
        self._orders: dict[tuple[int, int], Sequence[int]] = {}

    def order(self, node: Weighted, value: str) -> Sequence[int]:
        """The indices of the node's children for the client with this value."""
        client = seed(node.name, value)
        known = self._orders.get((id(node), client))
        if known is None:
            seeds = self.of(node)
            if len(self._orders) >= _ORDERS_MOST:
                self._orders.clear()
            drawn = rendezvous(client, seeds, node.weights)
            order = sorted(range(len(seeds)), key=drawn.__getitem__)
            known = self._orders[id(node), client] = bytes(order) if len(order) <= _BYTE else order
        return known

    def of(self, node: Weighted) -> tuple[int, ...]:
        kept = self._kept.get(id(node))
        if kept is None:
            if len(self._kept) >= _KEPT_MOST:
                self._kept.clear()
                self._orders.clear()
            kept = self._kept[id(node)] = (node, _seeds(node.children))
        return kept[1]


def _seeds(children: Sequence[Node]) -> tuple[int, ...]:
    """A child that is there twice counts as two."""
    told: Counter[str] = Counter()
    seeds = []
    for child in children:
        identity = (
            child.target.label
            if isinstance(child, Leaf)
            else "\n".join(target.label for target in targets_of(child))
        )
        seeds.append(seed(str(told[identity]), identity))
        told[identity] += 1
    return tuple(seeds)
