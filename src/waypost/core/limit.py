"""Limits: how fast a scope may go."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from waypost.core.scope import ScopeKind

LimitUnit = Literal["requests", "input_tokens", "output_tokens", "tokens", "concurrent"]
LimitPer = Literal["second", "minute", "hour", "day"]

SECONDS: Final[dict[LimitPer, float]] = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0}


class Limit(msgspec.Struct, frozen=True):
    """One limit. `amount` of `unit` per `per`; of `concurrent`, exchanges under way at once, and `per` says nothing."""

    id: str
    organization_id: str
    """Empty for what the operator sets on the whole gateway."""
    name: str
    """Unique in its organization."""
    scope: ScopeKind
    scope_id: str
    """As of `core.budget.Budget`."""
    unit: LimitUnit
    amount: int
    per: LimitPer = "minute"
    created_at: float = 0.0
    revision: int = 0


class Need(msgspec.Struct, frozen=True):
    """What a request may use, at most as far as is known before it."""

    input_tokens: int = 0
    output_tokens: int = 0
    stated: bool = False
    """The client said how much output it wants; else a limit may take less, and the rest is a debt if it is used."""


class Shown(msgspec.Struct, frozen=True):
    """How one limit stands."""

    unit: LimitUnit
    amount: int
    remaining: int
    reset_s: float
    """Until it is whole again."""


class Share(Limit, frozen=True):
    """One node's part of a limit that several hold together; `amount` is what this node may let in."""

    whole: int = 0
    """What the limit is in all, and people are told."""
