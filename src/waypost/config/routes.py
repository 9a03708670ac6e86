"""`routes:` as it is written, compiled into trees of nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from waypost.config.conditions import compile_condition
from waypost.config.facets import hidden_header
from waypost.config.faults import Faults
from waypost.config.leaves import build_need, build_overlay
from waypost.config.nodes import (
    Balanced,
    Branch,
    Canary,
    Cheapest,
    Condition,
    Conditional,
    Fallback,
    Fastest,
    Hedge,
    LeastBusy,
    Need,
    Node,
    Shadow,
    Weighted,
)
from waypost.config.places import Entry, Places, changed, leaf, tree
from waypost.config.price_schema import PricesConfig
from waypost.config.problems import Path, did_you_mean, render_path
from waypost.config.route_schema import KINDS, NodeConfig, RouteConfig, ShareConfig
from waypost.config.targets import Target
from waypost.config.values import parse_duration
from waypost.core.price import Tariff
from waypost.errors import ConfigError

PREFIX: Final = "route/"
ALIAS: Final = "policy/"
#: Nodes of one route, with all that it includes; and how deep they may stand in each other.
NODES_MAX: Final = 1000
DEPTH_MAX: Final = 16

#: What belongs to which kinds; `need` belongs to all.
_BELONGS: Final[Mapping[str, tuple[str, ...]]] = {
    "otherwise": ("conditional",),
    "stable": ("canary",),
    "main": ("shadow",),
    "sticky": ("weighted", "canary"),
    "by": ("fastest",),
    "percent": ("canary", "shadow"),
    "errors": ("canary",),
    "slower": ("canary",),
    "least": ("canary",),
    "window": ("canary",),
    "after": ("hedge",),
    "prices": ("target",),
    "quantization": ("target",),
    "default": ("target",),
    "set": ("target",),
    "drop": ("target",),
    "timeout": ("target",),
    "retries": ("target",),
    "retry_on": ("target",),
    "fallback_on": ("target",),
}
#: What a kind can not do without.
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "canary": ("stable", "percent"),
    "shadow": ("main", "percent"),
}


class Price(Protocol):
    """A tariff from written prices; None after a fault."""

    def __call__(self, prices: PricesConfig, named: str, path: Path) -> Tariff | None: ...


class Compiler:
    """Compiles routes. A fault is collected and the node left out, so that every fault of a file is found at once."""

    #: The organization whose routes they are; empty: the operator's.
    _owner = ""

    def __init__(
        self,
        routes: Sequence[RouteConfig],
        models: Mapping[str, Sequence[Entry]],
        places: Places,
        price: Price,
        no_provider: Callable[[str, Path], None],
        faults: Faults,
    ) -> None:
        """`no_provider` notes that a provider of this name is missing at a path."""
        self._models = models
        self._places = places
        self._price = price
        self._no_provider = no_provider
        self._faults = faults
        self._routes: dict[str, tuple[int, RouteConfig]] = {}
        for index, route in enumerate(routes):
            if route.name in self._routes:
                faults.add(("routes", index, "name"), f"there are two routes named {route.name!r}")
            self._routes.setdefault(route.name, (index, route))
        self._done: dict[str, Node | None] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        self._open: list[str] = []
        self._size = self._deepest = 0

    def compile(self) -> Iterator[tuple[str, Node]]:
        """Each route by its name, without those that have faults."""
        for name in self._routes:
            node = self._route(name)
            if node is not None:
                yield name, node

    def compiled(self, name: str) -> tuple[Node, int, int] | None:
        """A route without faults, how many nodes it has, and how deep they stand in each other."""
        node = self._done.get(name)
        return None if node is None else (node, *self._sizes[name])

    def _route(self, name: str) -> Node | None:
        if name in self._done:
            return self._done[name]
        index, route = self._routes[name]
        outer = self._size, self._deepest
        self._size = self._deepest = 0
        self._open.append(name)
        node = self._node(route, ("routes", index), 1)
        self._open.pop()
        if self._size > NODES_MAX or self._deepest > DEPTH_MAX:
            self._faults.add(
                ("routes", index),
                f"the route {name!r} has more than {NODES_MAX} nodes, or more than {DEPTH_MAX} in each other, with "
                "the routes that it includes",
            )
            node = None
        self._sizes[name] = self._size, self._deepest
        self._done[name] = node
        self._size, self._deepest = outer
        return node

    def _node(self, config: NodeConfig, path: Path, depth: int) -> Node | None:
        self._size += 1
        self._deepest = max(self._deepest, depth)
        given = [kind for kind in KINDS if getattr(config, kind) is not None]
        if len(given) != 1:
            many = " and ".join(f"`{kind}`" for kind in given)
            self._faults.add(
                path,
                f"a node is one thing, and this is {many}"
                if given
                else "this node says nothing of what it is",
                expected="one of " + ", ".join(KINDS),
                hint="Put one into the other." if given else None,
            )
            return None
        kind = given[0]
        self._check_settings(config, kind, path)
        need = build_need(config.need)
        if config.target is not None:
            return self._target(config, config.target, need, path)
        if config.route is not None:
            return self._include(config.route, need, (*path, "route"), depth)
        if config.conditional is not None:
            return self._conditional(config, need, path, depth)
        if kind in ("canary", "shadow", "hedge"):
            return self._pair(config, need, path, depth)
        return self._list(config, kind, need, path, depth)

    def _check_settings(self, config: NodeConfig, kind: str, path: Path) -> None:
        for name, kinds in _BELONGS.items():
            if kind not in kinds and getattr(config, name) is not None:
                whose = " or ".join(f"`{one}`" for one in kinds)
                self._faults.add(
                    (*path, name), f"`{name}` belongs to {whose}, and this is `{kind}`", hint="Leave it out."
                )
        for name in _NEEDED.get(kind, ()):
            if getattr(config, name) is None:
                self._faults.add(path, f"`{kind}` needs `{name}`", expected=f"`{name}: …` beside `{kind}`")
        if config.percent is not None and config.percent > 100:
            self._faults.add(
                (*path, "percent"), "this is more than all of them", expected="a percentage from 0 to 100"
            )
        for index, name in enumerate(config.sticky or ()):
            if name.startswith("header:") and hidden_header(name[7:].lower()):
                self._faults.add(
                    (*path, "sticky", index),
                    f"the header {name[7:]} holds a secret and is not looked at",
                    hint="`key` stands for the client's key.",
                )

    def _children(self, configs: Sequence[NodeConfig], path: Path, depth: int) -> list[Node] | None:
        nodes = [self._node(each, (*path, place), depth + 1) for place, each in enumerate(configs)]
        ready = [node for node in nodes if node is not None]
        return ready if len(ready) == len(nodes) else None

    def _list(self, config: NodeConfig, kind: str, need: Need | None, path: Path, depth: int) -> Node | None:
        written: Sequence[NodeConfig] = getattr(config, kind)
        if kind == "least_busy":
            self._check_weights(written, (*path, kind))
        children = self._children(written, (*path, kind), depth)
        if children is None:
            return None
        nodes = tuple(children)
        match kind:
            case "fallback":
                return Fallback(nodes, need)
            case "weighted":
                weights = tuple(each.weight for each in written if isinstance(each, ShareConfig))
                return Weighted(nodes, weights, tuple(config.sticky or ()), self._name(path), need)
            case "fastest":
                return Fastest(nodes, config.by or "latency", need)
            case "cheapest":
                return Cheapest(nodes, need)
            case "least_busy":
                return LeastBusy(nodes, need)
            case _:
                return Balanced(nodes, need)

    def _check_weights(self, children: Sequence[NodeConfig], path: Path) -> None:
        for place, child in enumerate(children):
            if isinstance(child, ShareConfig) and child.weight != 1 and child.target is None:
                self._faults.add(
                    (*path, place, "weight"),
                    "in `least_busy` a weight belongs to a target",
                    hint="Leave it out.",
                )

    def _name(self, path: Path) -> str:
        """What tells a draw from every other one: two that hashed alike would move in step."""
        return f"{self._open[-1]}:{render_path(path[2:])}"

    def _conditional(self, config: NodeConfig, need: Need | None, path: Path, depth: int) -> Node | None:
        branches: list[Branch] = []
        written = config.conditional or []
        for place, branch in enumerate(written):
            at = (*path, "conditional", place)
            then = self._node(branch.then, (*at, "then"), depth + 1)
            try:
                when = self._condition(branch.when)
            except ConfigError as fault:
                self._faults.add((*at, "when"), fault.message)
                continue
            if then is not None:
                branches.append(Branch(when, then))
        otherwise = None
        if config.otherwise is not None:
            otherwise = self._node(config.otherwise, (*path, "otherwise"), depth + 1)
        if len(branches) < len(written) or (config.otherwise is not None and otherwise is None):
            return None
        return Conditional(tuple(branches), otherwise, need)

    def _condition(self, text: str) -> Condition:
        """Raises ConfigError."""
        return compile_condition(text)

    def _pair(self, config: NodeConfig, need: Need | None, path: Path, depth: int) -> Node | None:
        def child(name: str) -> Node | None:
            written: NodeConfig | None = getattr(config, name)
            return None if written is None else self._node(written, (*path, name), depth + 1)

        percent = float(config.percent or 0)
        if config.hedge is not None:
            hedged = child("hedge")
            after = None if config.after is None else parse_duration(config.after)
            return None if hedged is None else Hedge(hedged, after, need)
        if config.shadow is not None:
            main, shadow = child("main"), child("shadow")
            return (
                None if main is None or shadow is None else Shadow(main, shadow, percent, need, self._owner)
            )
        stable, canary = child("stable"), child("canary")
        if stable is None or canary is None:
            return None
        node = Canary(stable, canary, percent, self._name(path), tuple(config.sticky or ()), need=need)
        judged: dict[str, float] = {
            name: float(value)
            for name, value in (("errors", config.errors), ("slower", config.slower))
            if value is not None
        }
        if config.window is not None:
            judged["window_s"] = parse_duration(config.window)
        if config.least is not None:
            node = msgspec.structs.replace(node, least=config.least)
        return msgspec.structs.replace(node, **judged)

    def _include(self, name: str, need: Need | None, path: Path, depth: int) -> Node | None:
        name = name.removeprefix(PREFIX)
        if name not in self._routes:
            self._faults.add(
                path,
                f"there is no route {name!r}",
                expected="one of " + ", ".join(self._routes),
                hint=did_you_mean(name, self._routes),
            )
            return None
        if name in self._open:
            around = [*self._open[self._open.index(name) :], name]
            self._faults.add(
                path,
                f"the route {name!r} would be in itself: {' → '.join(around)}",
                hint="Take one of these steps out.",
            )
            return None
        node = self._route(name)
        return self._included(node, *self._sizes[name], need, depth)

    def _included(
        self, node: Node | None, size: int, deepest: int, need: Need | None, depth: int
    ) -> Node | None:
        self._size += size - 1
        self._deepest = max(self._deepest, depth + deepest - 1)
        if node is None or need is None:
            return node
        return Fallback((node,), need)

    def _target(self, config: NodeConfig, name: str, need: Need | None, path: Path) -> Node | None:
        tariff = None
        if config.prices is not None:
            tariff = self._price(config.prices, f"{PREFIX}{self._open[-1]}:{name}", (*path, "prices"))
        overlay = build_overlay(config, path, self._faults)
        busy = path[-2] == "least_busy"  # elsewhere a share is the node's
        weight = config.weight if busy and isinstance(config, ShareConfig) else 1

        def adapt(targets: tuple[Target, ...]) -> tuple[Target, ...]:
            return changed(targets, tariff=tariff, quantization=config.quantization, weight=weight)

        entries = self._models.get(name)
        if entries is not None:
            if not entries:
                return None  # told of already
            with_changes = [msgspec.structs.replace(entry, targets=adapt(entry.targets)) for entry in entries]
            return tree(self._name(path), with_changes, need, overlay)
        provider, slash, model = name.partition("/")
        if slash and model and provider in self._places.pools:
            return leaf(adapt(self._places.at(provider, model)), need, overlay)
        if slash and model:
            self._no_provider(provider, (*path, "target"))
            return None
        self._faults.add(
            (*path, "target"),
            f"there is no model {name!r} in `models`",
            expected="provider/model, or a name of `models`",
            hint=did_you_mean(name, self._models)
            or ("A route is named by `route`." if name in self._routes else None),
        )
        return None


def named_providers(routes: Sequence[RouteConfig]) -> Iterator[str]:
    """What stands before the slash of every target of the routes."""
    waiting: list[NodeConfig] = list(routes)
    while waiting:
        node = waiting.pop()
        if node.target is not None and "/" in node.target:
            yield node.target.partition("/")[0]
        for branch in node.conditional or ():
            waiting.append(branch.then)
        for kind in KINDS:
            below = getattr(node, kind)
            if isinstance(below, NodeConfig):
                waiting.append(below)
            elif isinstance(below, list) and kind != "conditional":
                waiting.extend(below)
        waiting.extend(each for each in (node.otherwise, node.stable, node.main) if each is not None)
