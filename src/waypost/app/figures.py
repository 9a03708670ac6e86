"""How budgets stand, for the control API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from waypost.admin.parts import Figure
from waypost.core.budget import Budget
from waypost.core.rules import Bound
from waypost.core.scope import EACH
from waypost.ledger.accounts import specs_of
from waypost.ledger.purse import Purse
from waypost.policy.directory import place_of
from waypost.ports import Clock


class BookFigures:
    """`admin.parts.Figures`: from this node's purse where the account is in it, else from the database.

    Where nodes share accounts, what the others hold at the moment is not known here.
    """

    def __init__(self, purse: Purse, posted: Callable[[str], int], clock: Clock) -> None:
        """`posted`: what the database has of an account; blocking."""
        self._purse = purse
        self._posted = posted
        self._clock = clock

    async def of(self, budget: Budget) -> Figure | None:
        """See `Figures`. None for a budget that each one of a kind has by itself: there are many accounts."""
        if budget.scope_id == EACH and budget.scope != "gateway":
            return None
        now = self._clock.wall()
        scope, scope_id = place_of(budget)
        _, (spec,) = specs_of(Bound(scope, scope_id, budget.name, (budget,)), now)
        account = self._purse.account(spec.account_id)
        held = 0 if account is None else account.held_nusd
        if account is not None and not self._purse.shared:
            spent = account.posted_nusd
        else:
            spent = await asyncio.to_thread(self._posted, spec.account_id)
        left = max(0, budget.limit_at(now) - spent - held)
        return Figure(spent_nusd=spent, held_nusd=held, left_nusd=left, resets_at=spec.ends_at)
