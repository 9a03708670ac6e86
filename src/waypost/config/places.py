"""From names to targets: a model at a provider, once for each of the provider's keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from itertools import groupby
from typing import Protocol

import msgspec

from waypost.config.nodes import Fallback, Keys, Leaf, Need, Node, Overlay, Weighted
from waypost.config.snapshot import Catalog
from waypost.config.targets import Provider, Target
from waypost.core.facts import ModelFacts
from waypost.core.price import Tariff


class Listed(Protocol):
    """A model as a provider lists it."""

    @property
    def id(self) -> str: ...

    @property
    def facts(self) -> ModelFacts: ...


class Entry(msgspec.Struct, frozen=True):
    """One place of a configured model."""

    priority: int
    weight: int
    targets: tuple[Target, ...]
    """One for each key."""


class Places:
    """Makes targets. The same model at the same provider is the same value wherever it is named."""

    def __init__(
        self,
        pools: Mapping[str, tuple[Provider, ...]],
        catalog: Catalog,
        discovered: Mapping[str, Sequence[Listed]],
    ) -> None:
        """`pools`: every provider by its name, once for each key."""
        self.pools = pools
        self._catalog = catalog
        self._listed = {
            (name, model.id): model.facts for name, models in discovered.items() for model in models
        }
        self._made: dict[tuple[str, str], tuple[Target, ...]] = {}
        #: Those of whoever this stands beside; only read.
        self._before: Mapping[tuple[str, str], tuple[Target, ...]] = {}

    def beside(self) -> Places:
        """Another one over the same providers: it has the values that are made here so far, and what it makes goes
        when it does."""
        other = copy(self)
        other._before, other._made = self._made, {}
        return other

    def at(self, provider: str, model: str) -> tuple[Target, ...]:
        """The targets of a provider that is known, in the order of its keys."""
        made = self._made.get((provider, model)) or self._before.get((provider, model))
        if made is None:
            pool = self.pools[provider]
            tariff, facts = self._catalog.find(pool[0].prices or provider, model)
            listed = self._listed.get((provider, model))
            if listed is not None:
                facts = merge_facts(facts, listed)
            made = self._made[provider, model] = tuple(
                Target(
                    provider=one,
                    model=model,
                    tariff=tariff,
                    facts=facts,
                    weight=one.key_weight if pool[1:] else 1,
                )
                for one in pool
            )
        return made


def changed(
    targets: tuple[Target, ...],
    *,
    tariff: Tariff | None = None,
    quantization: str | None = None,
    markup: int | None = None,
    priority: int = 1,
    weight: int = 1,
) -> tuple[Target, ...]:
    """With what their place in the configuration says of them. Several keys keep their own weights."""
    changes: dict[str, object] = {}
    if tariff is not None:
        changes["tariff"] = tariff
    if quantization is not None:
        changes["quantization"] = quantization
    if markup is not None:
        changes["own_markup"] = markup
    if priority != 1:
        changes["priority"] = priority
    if weight != 1 and len(targets) == 1:
        changes["weight"] = weight
    return tuple(msgspec.structs.replace(target, **changes) for target in targets) if changes else targets


def leaf(targets: tuple[Target, ...], need: Need | None = None, overlay: Overlay | None = None) -> Node:
    """One model at one provider."""
    if len(targets) == 1:
        return Leaf(targets[0], need, overlay)
    return Keys(targets, need, overlay)


def tree(
    name: str, entries: Sequence[Entry], need: Need | None = None, overlay: Overlay | None = None
) -> Node:
    """The places of a configured model: by priority, and within one by weight. `entries` is not empty."""
    steps: list[Node] = []
    for priority, together in groupby(sorted(entries, key=_priority), _priority):
        group = list(together)
        nodes = tuple(leaf(entry.targets, None, overlay) for entry in group)
        if len(nodes) == 1:
            steps.append(nodes[0])
        else:
            weights = tuple(entry.weight for entry in group)
            steps.append(Weighted(nodes, weights, name=f"{name}:{priority}"))
    node = steps[0] if len(steps) == 1 else Fallback(tuple(steps))
    return node if need is None else msgspec.structs.replace(node, need=need)


def _priority(entry: Entry) -> int:
    return entry.priority


def merge_facts(known: ModelFacts, listed: ModelFacts) -> ModelFacts:
    """The catalogue's facts, with what the provider itself says in their place."""
    said = {name: value for name, value in msgspec.structs.asdict(listed).items() if value not in (None, ())}
    return msgspec.structs.replace(known, **said) if said else known
