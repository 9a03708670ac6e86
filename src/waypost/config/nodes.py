"""What a route is made of: a tree of a few nodes, compiled once, that the planner walks for every request.

Inner nodes order what is below them; leaves are targets. Every node may carry a `Need`: what a target below it has to
be, whatever the order. A node that names another route has been replaced by that route's own tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from waypost.config.targets import Target

Quantization = Literal[
    "int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown"
]
SortBy = Literal["price", "throughput", "latency"]


class MaxPrice(msgspec.Struct, frozen=True):
    """Nano-dollars per million tokens (`input`, `output`), and per request, image or audio unit; None: any."""

    input: int | None = None
    output: int | None = None
    request: int | None = None
    image: int | None = None
    audio: int | None = None


class Need(msgspec.Struct, frozen=True):
    """What a target has to be. Every part that is set has to hold; what is not known of a target counts as allowed for
    `features`, `context` and `max_output`, and as not allowed for the rest: a promise is not made by silence."""

    features: frozenset[str] = frozenset()
    """As in `ModelFacts.features`."""
    context: int | None = None
    """At least so many tokens of context."""
    max_price: MaxPrice | None = None
    regions: frozenset[str] = frozenset()
    """One of these."""
    no_training: bool = False
    """The provider does not train on what it is sent."""
    zero_retention: bool = False
    """The provider keeps nothing of what it is sent."""
    quantizations: frozenset[str] = frozenset()
    """One of these."""
    only: tuple[str, ...] = ()
    """Providers that may be used: names, `name/region`, or globs of either. Empty: all."""
    ignore: tuple[str, ...] = ()
    """Providers that may not be used, in the same forms."""


class Facets(Protocol):
    """What conditions are asked of: named values of one request, worked out when they are first read."""

    def __getitem__(self, name: str) -> object: ...


class Condition(Protocol):
    """A compiled condition."""

    @property
    def text(self) -> str:
        """As it was written."""
        ...

    def holds(self, facets: Facets) -> bool:
        """Never raises: a value that is missing makes it False."""
        ...


class Overlay(msgspec.Struct, frozen=True):
    """What a request is changed to on its way to the targets of one leaf, and how failures of them are met."""

    default: Mapping[str, msgspec.Raw] = {}
    """Top-level fields of the body, set where the client did not send them."""
    override: Mapping[str, msgspec.Raw] = {}
    """The same, set whatever the client sent. `model` and `stream` can not be changed."""
    drop: tuple[str, ...] = ()
    """Paths that are left out, after the two above: `a.b`, `tools[0].x`, `tools[*].x`."""
    timeout_s: float | None = None
    """From the start of an attempt to the head of its answer; shortens the provider's own deadline."""
    retries: int | None = None
    """In place of the provider's."""
    retry_on: frozenset[int] | None = None
    """Statuses after which the same target is asked again; None: those that the kind of error allows."""
    fallback_on: frozenset[int] | None = None
    """Statuses after which the next target is asked; None: those that the kind of error allows. Failures without a
    status count as 503, deadlines as 408."""


class Leaf(msgspec.Struct, frozen=True):
    """A target."""

    target: Target
    need: Need | None = None
    overlay: Overlay | None = None


class Keys(msgspec.Struct, frozen=True):
    """One model at one provider with several credentials: the one with the most quota left first, by weight among
    equals."""

    targets: tuple[Target, ...]
    need: Need | None = None
    overlay: Overlay | None = None


class Fallback(msgspec.Struct, frozen=True):
    """In order."""

    children: tuple[Node, ...]
    need: Need | None = None


class Weighted(msgspec.Struct, frozen=True):
    """A draw by weight; the rest, drawn likewise, is the fallback. With `sticky` the draw is the same for the same
    client, as far as the target that was drawn can serve: when it can not, only its share moves."""

    children: tuple[Node, ...]
    weights: tuple[int, ...]
    sticky: tuple[str, ...] = ()
    """What is hashed: `user`, `session`, `trace`, `key`, `header:NAME`, `metadata:NAME`. None of them given: drawn."""
    name: str = ""
    """Goes into the hash, so that two routes do not move in step."""
    need: Need | None = None


class Branch(msgspec.Struct, frozen=True):
    when: Condition
    then: Node


class Conditional(msgspec.Struct, frozen=True):
    """The first branch whose condition holds, else `otherwise`; None: no target."""

    branches: tuple[Branch, ...]
    otherwise: Node | None = None
    need: Need | None = None


class Fastest(msgspec.Struct, frozen=True):
    """By the measured time to first token, or by tokens per second, for input of this size; what was not measured
    lately is tried now and then."""

    children: tuple[Node, ...]
    by: Literal["latency", "throughput"] = "latency"
    need: Need | None = None


class Cheapest(msgspec.Struct, frozen=True):
    """By what this request is expected to cost; targets without a known price last."""

    children: tuple[Node, ...]
    need: Need | None = None


class LeastBusy(msgspec.Struct, frozen=True):
    """By requests under way here, relative to the weight of each."""

    children: tuple[Node, ...]
    need: Need | None = None


class Balanced(msgspec.Struct, frozen=True):
    """A draw weighted by health / price², as OpenRouter publishes its own
    (https://openrouter.ai/docs/features/provider-routing, 2026-11-25); free and unpriced targets are drawn as the
    cheapest priced one is."""

    children: tuple[Node, ...]
    need: Need | None = None


class Canary(msgspec.Struct, frozen=True):
    """`percent` of the requests (sticky, if asked for) go to `canary` first, with `stable` as their fallback; all
    others see `stable` only. Rolled back by itself, until a new configuration, when in the last `window_s` seconds at
    least `least` requests were made of it and its failures exceed stable's by `errors` (a ratio), or its median time to
    first token is over `slower` times stable's."""

    stable: Node
    canary: Node
    percent: float
    name: str
    sticky: tuple[str, ...] = ()
    errors: float = 0.05
    slower: float = 2.0
    least: int = 20
    window_s: float = 300.0
    need: Need | None = None


class Shadow(msgspec.Struct, frozen=True):
    """Served by `main`. `percent` of the requests are sent to `shadow` too; nobody waits for its answer, it is recorded
    as an exchange of its own and billed to no key."""

    main: Node
    shadow: Node
    percent: float
    need: Need | None = None
    owner: str = ""
    """The id of the organization that made it, and whose budgets, limits and credit its copies count to; empty: the
    operator, and to none."""


class Hedge(msgspec.Struct, frozen=True):
    """When the first target has not begun to answer after `after_s` (None: after the 95th percentile of its own time to
    first token, once that is known), the next one is asked too; the first to answer is passed on, the other cancelled.
    Money for both is held."""

    child: Node
    after_s: float | None = None
    need: Need | None = None


Node = (
    Leaf
    | Keys
    | Fallback
    | Weighted
    | Conditional
    | Fastest
    | Cheapest
    | LeastBusy
    | Balanced
    | Canary
    | Shadow
    | Hedge
)


class Preferences(msgspec.Struct, frozen=True):
    """What one request asks of its plan, beside its route: OpenRouter's `provider` object and the suffixes of a model's
    name, in one form."""

    need: Need | None = None
    order: tuple[str, ...] = ()
    """Providers to try first, in this order; names, `name/region`."""
    fallbacks: bool = True
    """False: only the first target (with `order`: only those it names) is tried."""
    sort: SortBy | None = None
    """In place of the route's own order, over all of its targets."""
    require_parameters: bool = False
    """Leave out targets known not to take one of the request's parameters."""
    max_latency_s: Mapping[str, float] = {}
    """By percentile (`p50`, `p75`, `p90`, `p99`): targets whose measured time to first token is above go last."""
    min_throughput: Mapping[str, float] = {}
    """By percentile: targets whose measured tokens per second are below go last."""


NO_PREFERENCES = Preferences()


def targets_of(node: Node) -> tuple[Target, ...]:
    """Every target below a node that an answer can come from, each once, in the order they are written."""
    found: dict[int, Target] = {}
    _collect(node, found)
    return tuple(found.values())


def _collect(node: Node, found: dict[int, Target]) -> None:
    match node:
        case Leaf():
            found.setdefault(id(node.target), node.target)
        case Keys():
            for target in node.targets:
                found.setdefault(id(target), target)
        case Conditional():
            for branch in node.branches:
                _collect(branch.then, found)
            if node.otherwise is not None:
                _collect(node.otherwise, found)
        case Canary():
            _collect(node.stable, found)
            _collect(node.canary, found)
        case Shadow():
            _collect(node.main, found)
        case Hedge():
            _collect(node.child, found)
        case _:
            for child in node.children:
                _collect(child, found)
