"""The shape of `routes:` in `waypost.yaml`: a tree of nodes, each of exactly one kind."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from waypost.config.kinds import (
    Count,
    Dollars,
    Duration,
    Expression,
    Json,
    Name,
    Percent,
    Providers,
    Ratio,
    RouteName,
    Slug,
    Status,
    Sticky,
    Text,
)
from waypost.config.price_schema import PricesConfig

Quantized = Literal[
    "int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown"
]
#: What a node can be.
KINDS: Final = (
    "target",
    "route",
    "fallback",
    "weighted",
    "conditional",
    "fastest",
    "cheapest",
    "least_busy",
    "balanced",
    "canary",
    "shadow",
    "hedge",
)
Weight = Annotated[int, Meta(ge=0, le=1_000_000)]


class MaxPriceConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The most that targets may cost. A target without a known price is not used."""

    input: Dollars | None = None
    """USD per million input tokens."""
    output: Dollars | None = None
    """USD per million output tokens."""
    request: Dollars | None = None
    """USD per request, on top of the tokens."""
    image: Dollars | None = None
    """USD per picture."""
    audio: Dollars | None = None
    """USD per unit of audio."""


class NeedConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every target below has to be. What is not known of a target counts as met for `features` and `context`, and
    as not met for the rest."""

    features: list[Slug] = []
    """What the model has to be able to do: `tools`, `vision`, `json_schema`, `reasoning`, …"""
    context: Count | None = None
    """Tokens of context, at least."""
    max_price: MaxPriceConfig | None = None
    """The most it may cost."""
    regions: list[Slug] = []
    """Where its provider may be: one of these."""
    no_training: bool = False
    """Only providers that are known not to train on what they are sent (`data` of the provider)."""
    zero_retention: bool = False
    """Only providers that are known to keep nothing of what they are sent (`data` of the provider)."""
    quantizations: list[Quantized] = []
    """How its weights may be stored: one of these."""
    only: list[Providers] = []
    """Providers that may be used: `openai`, `azure/eu`, `azure-*`. Empty: all."""
    ignore: list[Providers] = []
    """Providers that may not be used."""


class NodeConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A node of a route: exactly one of `target`, `route`, `fallback`, `weighted`, `conditional`, `fastest`,
    `cheapest`, `least_busy`, `balanced`, `canary`, `shadow` and `hedge`, with the settings that belong to it."""

    target: RouteName | None = None
    """A leaf: `provider/model`, or a name of `models`, whose targets are then tried by their priority and weight."""
    route: RouteName | None = None
    """Another route's name, whose whole tree stands here."""
    fallback: Annotated[list[NodeConfig], Meta(min_length=1)] | None = None
    """In this order: what fails is followed by the next."""
    weighted: Annotated[list[ShareConfig], Meta(min_length=1)] | None = None
    """A draw by `weight`; the rest, drawn likewise, is the fallback."""
    conditional: Annotated[list[BranchConfig], Meta(min_length=1)] | None = None
    """The first whose `when` holds, else `otherwise`."""
    fastest: Annotated[list[NodeConfig], Meta(min_length=1)] | None = None
    """By the measured speed (see `by`) for input of this size."""
    cheapest: Annotated[list[NodeConfig], Meta(min_length=1)] | None = None
    """By what this request is expected to cost; targets without a known price last."""
    least_busy: Annotated[list[ShareConfig], Meta(min_length=1)] | None = None
    """By the number of requests under way, relative to `weight`."""
    balanced: Annotated[list[NodeConfig], Meta(min_length=1)] | None = None
    """A draw in which the cheap and healthy are likelier: health divided by the square of the price."""
    canary: NodeConfig | None = None
    """Something new that `percent` of the requests go to first, with `stable` behind it. Taken back by itself when it
    fails more often, or is slower, than `stable`."""
    shadow: NodeConfig | None = None
    """Something that `percent` of the requests are sent to beside `main`. Nobody waits for its answers, no key pays for
    them, and they are recorded."""
    hedge: NodeConfig | None = None
    """A node whose second target is asked too when the first has not begun to answer in time (see `after`). The first
    to answer is passed on; the other is cancelled, and may cost something."""
    otherwise: NodeConfig | None = None
    """With `conditional`: when none of its conditions holds. Left out: the request is refused."""
    stable: NodeConfig | None = None
    """With `canary`: what is in use today."""
    main: NodeConfig | None = None
    """With `shadow`: what answers."""
    sticky: list[Sticky] | None = None
    """With `weighted` and `canary`: the same draw for the same `user`, `session`, `trace`, `key`, `header:NAME` or
    `metadata:NAME`; several are taken together. Where a request has none of them it is drawn."""
    by: Literal["latency", "throughput"] | None = None
    """With `fastest`: `latency` (time to first token) or `throughput` (tokens per second). Default latency."""
    percent: Percent | None = None
    """With `canary` and `shadow`: its share of the requests."""
    errors: Ratio | None = None
    """With `canary`: it is taken back when its share of failures is this much above stable's. Default 0.05."""
    slower: Ratio | None = None
    """With `canary`: it is taken back when its median time to first token is over so many times stable's. Default 2."""
    least: Count | None = None
    """With `canary`: it is not judged before so many requests. Default 20."""
    window: Duration | None = None
    """With `canary`: it is judged by its last requests in this time. Default 5m."""
    after: Duration | None = None
    """With `hedge`: how long to wait for the first target. Left out: as long as 95 of 100 of its answers need."""
    need: NeedConfig | None = None
    """What every target below has to be, whatever the order."""
    prices: PricesConfig | None = None
    """With `target`: what it costs, in place of the catalogue's prices."""
    quantization: Quantized | None = None
    """With `target`: how its weights are stored there."""
    default: dict[str, Json] | None = None
    """With `target`: top-level fields of the request's body, set where the client did not send them."""
    set: dict[str, Json] | None = None
    """With `target`: the same, whatever the client sent. `model` and `stream` can not be set."""
    drop: list[Text] | None = None
    """With `target`: paths of the body that are left out: `a.b`, `tools[0].x`, `tools[*].x`."""
    timeout: Duration | None = None
    """With `target`: from the start of an attempt to the head of its answer, where that is shorter than the
    provider's own deadline."""
    retries: Annotated[int, Meta(ge=0, le=10)] | None = None
    """With `target`: how often it is asked again after a failure that allows it, in place of the provider's."""
    retry_on: list[Status] | None = None
    """With `target`: statuses after which it is asked again. Left out: those where that helps."""
    fallback_on: list[Status] | None = None
    """With `target`: statuses after which the next target is asked. Left out: those where that helps. Failures without
    a status count as 503, deadlines as 408."""


class ShareConfig(NodeConfig, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A node that takes a share."""

    weight: Weight = 1
    """Its share. 0 takes none unless the others fail."""


class BranchConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A condition and what it leads to."""

    when: Expression
    """A condition in CEL over `request`, `content`, `headers`, `metadata`, `key`, `user`, `time`, `budget` and more;
    the page about routes lists them. What is missing makes it false."""
    then: NodeConfig
    """The node for requests that it holds for."""


class RouteConfig(NodeConfig, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A named route: a node with a name."""

    name: Name
    """What clients ask for, behind `route/`."""
