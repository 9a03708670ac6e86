from __future__ import annotations

from waypost.core.budget import Budget


def test_a_raise_holds_until_its_end() -> None:
    budget = Budget("b", "org", "b", "team", "t", 100, raise_nusd=50, raise_until=1000.0)
    assert [budget.limit_at(at) for at in (0.0, 999.9, 1000.0)] == [150, 150, 100]
    assert Budget("b", "org", "b", "team", "t", 100, raise_nusd=50).limit_at(0.0) == 100
