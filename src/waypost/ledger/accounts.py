"""Which budget accounts a request is held against at a moment.

A budget window is an account row of its own: when a day ends, the next request meets a new account, and nothing is
ever reset. Several budgets of one scope with the same window are looked at on one account, which is posted once.
"""

from __future__ import annotations

from typing import Final

import msgspec

from waypost.core.budget import Budget, BudgetPeriod
from waypost.core.credit import used_of
from waypost.core.free_tier import FreeTier
from waypost.core.rules import Bound, Rules
from waypost.core.scope import EXCHANGE
from waypost.ledger.windows import ALWAYS, Window, window

_CACHE_MAX: Final = 131_072


class Mark(msgspec.Struct, frozen=True):
    """A share of a budget at which it is told."""

    at_nusd: int
    per_cent: int
    budget: Budget


class AccountSpec(msgspec.Struct, frozen=True):
    """One account that a request is held against.

    `account_id` is `<scope>:<scope_id>:<period>:<window start>`, without the last part for `total`; of prepaid credit
    `organization:<id>:credit`.
    `ends_at` is Unix seconds, None for a window without an end.
    """

    account_id: str
    scope: str
    scope_id: str
    label: str
    """What people call the scope: the key's name."""
    limit_nusd: int | None
    """Of its hard budgets, the lowest; None: it has none, and refuses nothing."""
    period: BudgetPeriod
    ends_at: float | None
    budget: Budget | None = None
    """Whose limit that is."""
    marks: tuple[Mark, ...] = ()
    """In order of their amounts."""
    prepaid: bool = False
    """The limit is credit that was paid beforehand."""
    free: FreeTier | None = None
    """It is a share of the free tier."""

    def need(self, amount_nusd: int) -> int:
        """What a hold of so much money takes of it."""
        return EXCHANGE if self.free is not None and self.free.requests else amount_nusd


Span = tuple[float, float]
"""From when until when something holds: `[from, until)`."""


class Accounts:
    """Account specs, cached until a window or a raise ends or the rules are others. One dict hit per request whose
    rules are known; else one for each of its scopes."""

    __slots__ = ("_bounds", "_rules")

    def __init__(self) -> None:
        #: By identity of what is kept beside; what is full begins anew.
        self._rules: dict[int, tuple[Rules, Span, tuple[AccountSpec, ...]]] = {}
        self._bounds: dict[int, tuple[Bound, Span, tuple[AccountSpec, ...]]] = {}

    def of(self, rules: Rules, at: float) -> tuple[AccountSpec, ...]:
        """The accounts of these rules at Unix time `at`; empty when they have no budget."""
        if not rules.bounds:
            return ()
        entry = self._rules.get(id(rules))
        if entry is not None and entry[1][0] <= at < entry[1][1]:
            return entry[2]
        return self._renew(rules, at)

    def _renew(self, rules: Rules, at: float) -> tuple[AccountSpec, ...]:
        since, until = ALWAYS
        specs: list[AccountSpec] = []
        for bound in rules.bounds:
            entry = self._bounds.get(id(bound))
            if entry is None or not entry[1][0] <= at < entry[1][1]:
                entry = self._of_bound(bound, at)
            since, until = max(since, entry[1][0]), min(until, entry[1][1])
            specs += entry[2]
        made = tuple(specs)
        if len(self._rules) >= _CACHE_MAX:
            self._rules.clear()
        self._rules[id(rules)] = (rules, (since, until), made)
        return made

    def _of_bound(self, bound: Bound, at: float) -> tuple[Bound, Span, tuple[AccountSpec, ...]]:
        if len(self._bounds) >= _CACHE_MAX:
            self._bounds.clear()
        span, specs = specs_of(bound, at)
        entry = self._bounds[id(bound)] = (bound, span, specs)
        return entry


def specs_of(bound: Bound, at: float) -> tuple[Span, tuple[AccountSpec, ...]]:
    """The accounts of one scope, and how long they hold."""
    if bound.free is not None:
        found = window(bound.free.period, at)
        return (found.starts_at, found.ends_at or ALWAYS[1]), (_free(bound, bound.free, found),)
    since, until = ALWAYS
    together: dict[str, tuple[Window, list[Budget]]] = {}
    for budget in bound.budgets:
        found = window(budget.period, at, budget.anchor_at)
        since = max(since, found.starts_at)
        until = until if found.ends_at is None else min(until, found.ends_at)
        if budget.raise_until is not None:
            if at < budget.raise_until:
                until = min(until, budget.raise_until)
            else:
                since = max(since, budget.raise_until)
        together.setdefault(found.name, (found, []))[1].append(budget)
    specs = tuple(_spec(bound, *each, at) for each in together.values())
    if bound.prepaid_nusd is not None:
        specs = (*specs, _prepaid(bound, bound.prepaid_nusd))
    return (since, until), specs


def _prepaid(bound: Bound, limit_nusd: int) -> AccountSpec:
    """What an organization uses of its credit is counted by itself, so that what it spent before counts nowhere."""
    return AccountSpec(
        account_id=used_of(bound.scope_id),
        scope=bound.scope,
        scope_id=bound.scope_id,
        label=bound.label,
        limit_nusd=limit_nusd,
        period="total",
        ends_at=None,
        prepaid=True,
    )


def _free(bound: Bound, tier: FreeTier, found: Window) -> AccountSpec:
    return AccountSpec(
        account_id=f"{tier.scope}:{bound.scope_id}:{found.name}",
        scope=tier.scope,
        scope_id=bound.scope_id,
        label=bound.label,
        limit_nusd=tier.amount,
        period=tier.period,
        ends_at=found.ends_at,
        free=tier,
    )


def _spec(bound: Bound, found: Window, budgets: list[Budget], at: float) -> AccountSpec:
    hard = [budget for budget in budgets if budget.mode == "hard"]
    lowest = min(hard, key=lambda budget: budget.limit_at(at)) if hard else None
    marks = [
        # A share of a nano-dollar is reached with the next whole one.
        Mark(-(-budget.limit_at(at) * per_cent // 100), per_cent, budget)
        for budget in budgets
        for per_cent in budget.thresholds
    ]
    return AccountSpec(
        account_id=f"{bound.scope}:{bound.scope_id}:{found.name}",
        scope=bound.scope,
        scope_id=bound.scope_id,
        label=bound.label,
        limit_nusd=None if lowest is None else lowest.limit_at(at),
        period=budgets[0].period,
        ends_at=found.ends_at,
        budget=lowest,
        marks=tuple(sorted(marks, key=lambda mark: mark.at_nusd)),
    )
