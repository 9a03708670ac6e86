"""Why an exchange went where it went: kept with its record, shown by `explain`."""

from __future__ import annotations

from typing import Literal

import msgspec

Rule = Literal[
    "only",
    "order",
    "weight",
    "sticky",
    "condition",
    "latency",
    "throughput",
    "price",
    "least_busy",
    "balanced",
    "canary",
    "stable",
    "quota",
    "preferred",
    "explore",
]
"""Which rule gave a candidate its place."""

Reason = Literal[
    "operation",
    "conversation",
    "features",
    "context",
    "max_output",
    "max_price",
    "region",
    "training",
    "retention",
    "quantization",
    "not_allowed",
    "ignored",
    "parameters",
    "not_preferred",
    "branch",
    "rolled_back",
    "parked",
    "ejected",
    "busy",
    "key",
    "credential",
    "credit",
]
"""What kept a target out of the plan, or (`ejected`, `busy`) sent it to the end of it."""


class Considered(msgspec.Struct, frozen=True, array_like=True):
    """A candidate, in its place. `score`: what its rule ordered by, in the rule's own unit (seconds, tokens per second,
    dollars, requests, weight)."""

    target: str
    rule: Rule
    score: float | None = None
    cost_nusd: int | None = None
    """What the request is expected to cost there; worked out for `explain` only."""
    first_token_s: float | None = None
    """The median measured there; for `explain` only."""


class Excluded(msgspec.Struct, frozen=True, array_like=True):
    """A target that was not asked, and why. `detail` is for people."""

    target: str
    reason: Reason
    detail: str = ""


class Decision(msgspec.Struct, frozen=True, array_like=True):
    """A plan as it is kept. Targets are `provider/model`, with `#key` behind the provider where it has several."""

    order: tuple[Considered, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    notes: tuple[str, ...] = ()
    """Such as the branch that was taken, or that all targets were ejected and one was tried nevertheless."""
