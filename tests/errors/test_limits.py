from __future__ import annotations

from waypost.errors import BudgetExceeded, Oversized, RateLimited


def test_a_budget_says_which_and_what_follows() -> None:
    error = BudgetExceeded("No room.", retry_after_s=5.0, budget="team/web", route="cheap")
    assert (error.budget, error.route, error.retry_after_s) == ("team/web", "cheap", 5.0)
    assert (error.status, error.repeatable) == (402, False)
    assert BudgetExceeded("No room.").route is None


def test_waiting_helps_against_a_rate_and_not_against_a_size() -> None:
    assert RateLimited("x").repeatable
    assert not Oversized("x").repeatable
