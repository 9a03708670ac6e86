"""Tells of budgets that come to one of their thresholds: a line in the log, and a counter."""

from __future__ import annotations

from collections.abc import Callable

from waypost.core.money import render_usd
from waypost.ledger.purse import Reached
from waypost.telemetry.logs import Log
from waypost.telemetry.metrics import Metrics


def told_of(log: Log, metrics: Metrics) -> Callable[[Reached], None]:
    """For `ledger.purse.Purse.reached`."""

    def reached(found: Reached) -> None:
        budget, spec, per_cent = found.budget, found.spec, found.per_cent
        metrics.budget(spec.scope, "exhausted" if per_cent is None else str(per_cent))
        told = {
            "budget": budget.name,
            "scope": spec.scope,
            "of": spec.label,
            "spent_usd": render_usd(found.posted_nusd),
            "limit_usd": render_usd(budget.limit_nusd),
            "per": budget.period,
            "account": spec.account_id,
        }
        if per_cent is None:
            log.warning("a budget had no room for a request", **told)
        else:
            log.warning("a budget reached a threshold", per_cent=per_cent, **told)

    return reached
