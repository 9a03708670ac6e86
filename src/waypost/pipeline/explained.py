"""A decision in words and as JSON: for `explain`, for the record of an exchange, for tables of cases."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from waypost.core.decision import Considered, Decision, Excluded, Reason, Rule
from waypost.core.money import render_usd

#: What a rule says of a candidate, and how its score is written.
_RULES: Mapping[Rule, tuple[str, str]] = MappingProxyType(
    {
        "only": ("it is the only one", ""),
        "order": ("it stands here in the order of the route", ""),
        "weight": ("it was drawn by its weight", "weight {:g}"),
        "sticky": ("this client is sent here each time", "weight {:g}"),
        "condition": ("a condition of the route leads here", ""),
        "latency": ("by its time to first token", "{:.3f} s"),
        "throughput": ("by its tokens per second", "{:.1f} tokens/s"),
        "price": ("by what the request is expected to cost there", "${:.6f}"),
        "least_busy": ("by the requests under way there", "{:g} under way"),
        "balanced": ("it was drawn by price and health", "weight {:g}"),
        "canary": ("the request is of the canary's share", "{:g} %"),
        "stable": ("it is the stable side of a canary", ""),
        "quota": ("its key has the most quota left", "{:.0%} left"),
        "preferred": ("the request asks for this provider", ""),
        "explore": ("it was not measured lately, and is tried now and then", ""),
    }
)

_REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        "operation": "it does not serve this operation",
        "conversation": "the earlier answer that the request goes on from is kept by another provider",
        "features": "it lacks a feature that is needed",
        "context": "the request does not fit its context window",
        "max_output": "it can not write as much as is wanted",
        "max_price": "it costs more than is allowed",
        "region": "it is not in an allowed region",
        "training": "it is not known to keep requests out of training",
        "retention": "it is not known to keep nothing of requests",
        "quantization": "it is not of an allowed quantization",
        "not_allowed": "its provider is not among the allowed ones",
        "ignored": "its provider is to be ignored",
        "parameters": "it does not take one of the request's parameters",
        "not_preferred": "only the preferred targets may be asked",
        "branch": "the route took another branch",
        "rolled_back": "its canary was rolled back",
        "parked": "its credential is parked",
        "ejected": "its breaker is open, so it is asked last",
        "busy": "it has as many requests under way as it takes, so it is asked last",
        "key": "the client's key may not use it",
        "credential": "a credential of one's own is to be used in place of the operator's keys, and can not be",
        "credit": "it is the operator's, and neither prepaid credit nor the free tier has room for it",
    }
)


def tell_place(considered: Considered) -> str:
    """Why a candidate has its place, in a sentence without its end."""
    sentence, form = _RULES[considered.rule]
    return (
        f"{sentence} ({form.format(considered.score)})" if form and considered.score is not None else sentence
    )


def tell_excluded(excluded: Excluded) -> str:
    """Why a target was not asked, or is asked last, in a sentence without its end."""
    sentence = _REASONS[excluded.reason]
    return f"{sentence}: {excluded.detail}" if excluded.detail else sentence


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """A candidate as JSON."""

    place: int
    target: str
    rule: Rule
    why: str
    score: float | None = None
    expected_cost_usd: str | None = None
    """US dollars, exact; not there when the price is unknown."""
    median_first_token_ms: float | None = None
    markup: str | None = None
    """The operator's mark-up in the expected cost, such as `5%`."""


class Left(msgspec.Struct, frozen=True):
    """An excluded target as JSON."""

    target: str
    reason: Reason
    why: str


class Explained(msgspec.Struct, frozen=True):
    """A decision as JSON."""

    candidates: tuple[Place, ...] = ()
    excluded: tuple[Left, ...] = ()
    notes: tuple[str, ...] = ()


def explain_decision(decision: Decision) -> Explained:
    """A decision in words."""
    return Explained(
        candidates=tuple(_place(number, one) for number, one in enumerate(decision.order, 1)),
        excluded=tuple(Left(one.target, one.reason, tell_excluded(one)) for one in decision.excluded),
        notes=decision.notes,
    )


def _place(number: int, considered: Considered) -> Place:
    cost, first = considered.cost_nusd, considered.first_token_s
    return Place(
        place=number,
        target=considered.target,
        rule=considered.rule,
        why=tell_place(considered),
        score=considered.score,
        expected_cost_usd=None if cost is None else render_usd(cost),
        median_first_token_ms=None if first is None else round(first * 1000, 3),
    )
