from __future__ import annotations

import pytest

from waypost.config.tuning import RetryTuning
from waypost.routing.health.retry_budget import RetryBudget


@pytest.mark.parametrize(("requests", "allowed"), [(0, 3), (1, 3), (15, 3), (20, 4), (100, 20)])
def test_a_fifth_and_at_least_three(requests: int, allowed: int) -> None:
    budget = RetryBudget()
    for _ in range(requests):
        budget.entered(100.0)
    made = 0
    while budget.take(100.0, RetryTuning()):
        # A retry is an attempt too; it must not make room for others.
        budget.entered(100.0)
        made += 1
    assert made == allowed


def test_it_is_over_ten_seconds() -> None:
    budget = RetryBudget()
    assert [budget.take(100.0, RetryTuning()) for _ in range(4)] == [True, True, True, False]
    assert budget.take(111.0, RetryTuning())


def test_it_can_be_none_at_all() -> None:
    assert not RetryBudget().take(0.0, RetryTuning(share=0.2, least=0))
