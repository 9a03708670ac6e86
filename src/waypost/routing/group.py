"""What is known of several targets together, worked out once: they do not change, and are told apart by identity."""

from __future__ import annotations

from math import inf
from typing import Final

import msgspec

from waypost.config.nodes import Leaf, Node, Overlay
from waypost.config.targets import Target

_TARGETS_MOST: Final = 16_384
_GROUPS_MOST: Final = 1024


class Group(msgspec.Struct, frozen=True):
    """Some targets, in order."""

    targets: tuple[Target, ...]
    labels: tuple[str, ...]
    least_context: float
    """Tokens of the smallest context among them; infinity when none is known."""
    least_output: float
    """The same of the longest answers."""
    features: frozenset[str] | None
    """What all have whose features are known; None when those of none are."""

    def suffices(self, tokens: int, output: int | None, features: frozenset[str]) -> bool:
        """No target is known to be too small for such a request, or to lack what it uses."""
        return (
            self.least_context >= tokens
            and (output is None or self.least_output >= output)
            and (self.features is None or features <= self.features)
        )


class Groups:
    """Keeps at most 1,024 groups, and those of one of at most 16,384 targets, then begins anew."""

    __slots__ = ("_alone", "_kept")

    def __init__(self) -> None:
        self._alone: dict[int, Group] = {}
        self._kept: dict[int, Group] = {}

    def of(self, targets: tuple[Target, ...]) -> Group:
        """That of a tuple which does not live for one request only."""
        kept = self._kept.get(id(targets))
        if kept is None:
            if len(self._kept) >= _GROUPS_MOST:
                self._kept.clear()
            kept = self._kept[id(targets)] = _group(targets)
        return kept

    def alone(self, target: Target) -> Group:
        """That of one target."""
        kept = self._alone.get(id(target))
        if kept is None:
            if len(self._alone) >= _TARGETS_MOST:
                self._alone.clear()
            kept = self._alone[id(target)] = _group((target,))
        return kept


def _group(targets: tuple[Target, ...]) -> Group:
    facts = [target.facts for target in targets]
    features = [frozenset(each.features) for each in facts if each.features]
    return Group(
        targets,
        tuple(target.label for target in targets),
        min((each.context for each in facts if each.context is not None), default=inf),
        min((each.max_output for each in facts if each.max_output is not None), default=inf),
        frozenset.intersection(*features) if features else None,
    )


class Bare(msgspec.Struct, frozen=True):
    """Children that are all leaves without needs."""

    group: Group
    overlays: tuple[Overlay | None, ...] | None
    """None when no child has one."""


class Leaves:
    """Nodes' children that are bare, kept by the identity of the children. Keeps at most 1,024, then begins anew."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[int, tuple[tuple[Node, ...], Bare | None]] = {}

    def of(self, children: tuple[Node, ...]) -> Bare | None:
        """None when any child is more than a leaf."""
        kept = self._kept.get(id(children))
        if kept is None:
            if len(self._kept) >= _GROUPS_MOST:
                self._kept.clear()
            kept = self._kept[id(children)] = (children, _bare(children))
        return kept[1]


def _bare(children: tuple[Node, ...]) -> Bare | None:
    leaves = [child for child in children if isinstance(child, Leaf) and child.need is None]
    if len(leaves) < len(children):
        return None
    overlays = tuple(leaf.overlay for leaf in leaves)
    told = any(overlay is not None for overlay in overlays)
    return Bare(_group(tuple(leaf.target for leaf in leaves)), overlays if told else None)
