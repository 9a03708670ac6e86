"""Budgets: how much may be spent on a scope in a window of time."""

from __future__ import annotations

from typing import Literal

import msgspec

from waypost.core.scope import ScopeKind

BudgetPeriod = Literal["minute", "hour", "day", "week", "month", "year", "total"]
BudgetMode = Literal["hard", "soft"]
"""`hard`: no request is admitted that could overshoot it. `soft`: it is told when it is exceeded, and goes on."""


class Budget(msgspec.Struct, frozen=True):
    """One budget. Money is nano-dollars, times are Unix seconds, UTC."""

    id: str
    organization_id: str
    """Empty for what the operator sets on the whole gateway."""
    name: str
    """Unique in its organization."""
    scope: ScopeKind
    scope_id: str
    """The id of the organization, team …; of a scope that requests name, the name itself. `*`: each one by itself has
    this budget, as a default for new members or end users."""
    limit_nusd: int
    period: BudgetPeriod = "month"
    mode: BudgetMode = "hard"
    anchor_at: float | None = None
    """When its windows begin. None: with the calendar."""
    thresholds: tuple[int, ...] = (80, 100)
    """Per cent of the limit at which it is told."""
    raise_nusd: int = 0
    """Added to the limit until `raise_until`."""
    raise_until: float | None = None
    on_exhausted: str | None = None
    """A route that requests take once it is used up. None: they are refused."""
    created_at: float = 0.0
    revision: int = 0

    def limit_at(self, at: float) -> int:
        """The limit in force at a moment."""
        if self.raise_until is not None and at < self.raise_until:
            return self.limit_nusd + self.raise_nusd
        return self.limit_nusd
