"""A Portkey config (`x-portkey-config`) as a tree.

Fields: https://portkey.ai/docs/api-reference/inference-api/config-object (2026-08-21). `provider`, `virtual_key` and
`@slug` are names of configured providers; a saved config (`pc-…`) is a route of that name, the gateway's or the
organization's own.
"""

from __future__ import annotations

from hashlib import sha256
from math import gcd
from typing import Final

import msgspec

from waypost.config.nodes import Branch, Conditional, Fallback, Node, Overlay, Weighted, targets_of
from waypost.config.snapshot import OrgRoutes, Route
from waypost.dialects.json_limits import JsonLimits, check_json_size
from waypost.errors import InvalidRequest, ModelNotFound, TooLarge
from waypost.routing.requested.names import Named, Names
from waypost.routing.requested.pattern import Patterns
from waypost.routing.requested.portkey_fields import HEADER, Asks, Level, named, wrong
from waypost.routing.requested.portkey_query import compile_query
from waypost.routing.requested.trees import needing, node_of, overlaid

_LIMITS: Final = JsonLimits(depth=48, nodes=20_000)
_BYTES_MAX: Final = 65_536
_DEPTH_MAX: Final = 8
_TARGETS_MAX: Final = 200
_CONDITIONS_MAX: Final = 200
_HASHED_MAX: Final = 16
_CACHED: Final = 256
#: Patterns of the configs that are kept, as they count: up to 64 MiB.
_PATTERNS_CACHED: Final = 512
_NO_OVERLAY: Final = Overlay()


class Compiled(msgspec.Struct, frozen=True):
    """A config's route, and what in it has no effect."""

    route: Route
    notes: tuple[str, ...] = ()
    patterns: int = 0
    """How many it has, as they count."""


class Configs:
    """Compiles configs. Clients send the same one with every request: the last few are kept."""

    def __init__(self) -> None:
        self._version = 0
        #: With the routes that the organization had then; those without any share what is kept.
        self._compiled: dict[tuple[bytes, str, str | None, str], tuple[OrgRoutes | None, Compiled]] = {}
        self._patterns = 0

    def compile(
        self, config: bytes, names: Names, version: int, model: str, provider: str | None
    ) -> Compiled:
        """`model`: the request's; `provider`: where targets that name none go. Raises InvalidRequest, naming the
        field by its path, ModelNotFound, and NoTarget."""
        full = len(self._compiled) >= _CACHED or self._patterns >= _PATTERNS_CACHED
        if version != self._version or full:
            self._compiled.clear()
            self._patterns = 0
            self._version = version
        owned = names.owned
        slot = (config, model, provider, "" if owned is None else names.organization)
        found = self._compiled.get(slot)
        if found is None or found[0] is not owned:
            found = self._compiled[slot] = owned, _compile(config.strip(), names, model, provider)
            self._patterns += found[1].patterns
        return found[1]


def _compile(config: bytes, names: Names, model: str, provider: str | None) -> Compiled:
    if config[:1] != b"{":
        return Compiled(_saved(config, names))
    if len(config) > _BYTES_MAX:
        raise wrong(HEADER, f"may have {_BYTES_MAX} bytes")
    try:
        config.decode()
        check_json_size(config, _LIMITS)
    except (TooLarge, UnicodeDecodeError):
        raise wrong(HEADER, "is too deep, too large, or no UTF-8") from None
    making = _Making(names, model, provider, sha256(config).hexdigest()[:16])
    node = making.node(Level(msgspec.Raw(config), HEADER), Asks(), None, 0)
    first, *_ = making.routes
    route = Route(
        name=first.name,
        targets=targets_of(node),
        kind=first.kind,
        node=node,
        requires=tuple(dict.fromkeys(each.name for each in making.routes)),
        owner=first.owner,
        own=tuple(dict.fromkeys(name for each in making.routes for name in each.own)),
    )
    return Compiled(route, tuple(dict.fromkeys(making.notes)), making.patterns.taken)


def _saved(config: bytes, names: Names) -> Route:
    slug = config[:128].decode("latin-1")
    try:
        return names.saved(slug)
    except ModelNotFound:
        raise wrong(
            HEADER,
            f"has to be a JSON object, or the name of a route; there is no route {slug!r}. Configs that are saved at "
            "Portkey are not known here",
        ) from None


class _Making:
    """One config's tree, while it is made."""

    def __init__(self, names: Names, model: str, provider: str | None, digest: str) -> None:
        self._names = names
        self._model = model
        self._provider = provider
        self._digest = digest
        self._leaves = 0
        self.routes: list[Route] = []
        self.notes: list[str] = []
        self.patterns = Patterns()

    def node(self, level: Level, above: Asks, fallback_on: frozenset[int] | None, depth: int) -> Node:
        """`fallback_on`: of the fallback around it, where there is a next target."""
        if depth > _DEPTH_MAX:
            raise wrong(level.path, f"nests deeper than {_DEPTH_MAX} levels")
        self.notes += level.check()
        asks = above.beside(level)
        targets = level.items("targets")
        strategy = level.level("strategy")
        if not targets:
            if strategy is not None:
                raise wrong(f"{level.path}.targets", "has to be there, with at least one target")
            return self._leaf(level, asks, fallback_on)
        if strategy is None:
            raise wrong(f"{level.path}.strategy", "is missing: it says how the targets are used")
        strategy.only("mode", "on_status_codes", "conditions", "default", "sticky", "cb_config")
        if "cb_config" in strategy.fields:
            self.notes.append("`cb_config`: the gateway's own breaker watches every target")
        if len(targets) > _TARGETS_MAX:
            raise wrong(f"{level.path}.targets", f"may have {_TARGETS_MAX} targets")
        levels = [Level(raw, f"{level.path}.targets[{place}]") for place, raw in enumerate(targets)]
        match strategy.mode():
            case "single":
                return self.node(levels[0], asks, fallback_on, depth + 1)
            case "fallback":
                return self._fallback(levels, strategy, asks, fallback_on, depth + 1)
            case "loadbalance":
                return self._weighted(levels, strategy, asks, fallback_on, depth + 1)
            case "conditional":
                return self._conditional(levels, strategy, asks, fallback_on, depth + 1)

    def _fallback(
        self,
        levels: list[Level],
        strategy: Level,
        asks: Asks,
        around: frozenset[int] | None,
        depth: int,
    ) -> Node:
        codes = strategy.codes("on_status_codes")
        last = len(levels) - 1
        return Fallback(
            tuple(
                self.node(level, asks, codes if place < last else around, depth)
                for place, level in enumerate(levels)
            )
        )

    def _weighted(
        self,
        levels: list[Level],
        strategy: Level,
        asks: Asks,
        around: frozenset[int] | None,
        depth: int,
    ) -> Node:
        weights = [level.weight() for level in levels]
        if not any(weights):
            raise wrong(f"{strategy.path.rpartition('.')[0]}.targets", "need one `weight` above 0")
        children = [self.node(level, asks, around, depth) for level in levels]
        used = [(child, weight) for child, weight in zip(children, weights, strict=True) if weight]
        step = gcd(*(weight for _, weight in used))
        return Weighted(
            tuple(child for child, _ in used),
            tuple(weight // step for _, weight in used),
            sticky=self._sticky(strategy.level("sticky")),
            name=f"{self._digest} {strategy.path}",
        )

    def _sticky(self, sticky: Level | None) -> tuple[str, ...]:
        if sticky is None:
            return ()
        sticky.only("enabled", "hash_fields", "ttl")
        fields = sticky.texts("hash_fields")
        if len(fields) > _HASHED_MAX:
            raise wrong(f"{sticky.path}.hash_fields", f"may have {_HASHED_MAX} fields")
        hashed = [_hashed(field, f"{sticky.path}.hash_fields[{place}]") for place, field in enumerate(fields)]
        if len(hashed) > 1:
            self.notes.append("`sticky.hash_fields`: the first of them that a request has is what counts")
        if sticky.whole("ttl", 0, 10**9) is not None:
            self.notes.append(
                "`sticky.ttl`: the same client is drawn the same as long as the config is the same"
            )
        if sticky.flag("enabled") is False:
            return ()
        return (*hashed, "key")

    def _conditional(
        self,
        levels: list[Level],
        strategy: Level,
        asks: Asks,
        around: frozenset[int] | None,
        depth: int,
    ) -> Node:
        conditions = strategy.items("conditions")
        if not 0 < len(conditions) <= _CONDITIONS_MAX:
            raise wrong(f"{strategy.path}.conditions", f"has to have 1 to {_CONDITIONS_MAX} conditions")
        places = named(levels)
        nodes = [self.node(level, asks, around, depth) for level in levels]
        branches: list[Branch] = []
        for place, raw in enumerate(conditions):
            level = Level(raw, f"{strategy.path}.conditions[{place}]")
            level.only("query", "then")
            if "query" not in level.fields:
                raise wrong(f"{level.path}.query", "is missing")
            try:
                query = compile_query(bytes(level.fields["query"]), self.patterns)
            except ValueError as fault:
                raise wrong(f"{level.path}.query", f"is not a condition: {fault}") from None
            branches.append(Branch(query, nodes[_place(places, level.text("then"), f"{level.path}.then")]))
        default = strategy.text("default")
        otherwise = None if default is None else nodes[_place(places, default, f"{strategy.path}.default")]
        return Conditional(tuple(branches), otherwise)

    def _leaf(self, level: Level, asks: Asks, fallback_on: frozenset[int] | None) -> Node:
        self._leaves += 1
        if self._leaves > _TARGETS_MAX:
            raise wrong(HEADER, f"may have {_TARGETS_MAX} targets in all")
        model = asks.model or self._model
        field = "provider" if "provider" in level.fields else "virtual_key"
        provider = level.text(field) or self._provider
        found = self._find(model, provider and provider.removeprefix("@"), f"{level.path}.{field}")
        self.routes.append(found.route)
        overlay = msgspec.structs.replace(asks.overlay, fallback_on=fallback_on)
        node = node_of(found.route)
        return needing(node if overlay == _NO_OVERLAY else overlaid(node, overlay), found.need)

    def _find(self, model: str, provider: str | None, path: str) -> Named:
        if provider is None:
            return Named(self._names.plain(model), model)
        try:
            return self._names.at(provider, model)
        except InvalidRequest as fault:
            raise InvalidRequest(f"`{path}`: {fault.message}", param=path) from None


def _hashed(field: str, path: str) -> str:
    """As `Weighted.sticky` calls it."""
    root, _, member = field.partition(".")
    if member and root == "metadata":
        return f"metadata:{member}"
    if member and root == "headers":
        return f"header:{member.lower()}"
    if field == "params.user":
        return "user"
    raise wrong(path, "has to be metadata.NAME, headers.NAME or params.user")


def _place(places: dict[str, int], name: str | None, path: str) -> int:
    if name is None or name not in places:
        raise wrong(path, "has to be the `name` of one of the targets beside it")
    return places[name]
