from __future__ import annotations

import pytest

from waypost.admin.parts import Figure
from waypost.app.figures import BookFigures
from waypost.core.budget import Budget
from waypost.core.rules import Bound
from waypost.ledger.accounts import specs_of
from waypost.ledger.purse import Purse
from waypost.policy.directory import place_of

NOW = 1_764_115_200.0
DAY = Budget("bud_1", "org_a", "day", "team", "team_w", 1000, "day")


class Clock:
    def wall(self) -> float:
        return NOW

    monotonic = wall


def figures(purse: Purse, posted: dict[str, int] | None = None) -> BookFigures:
    return BookFigures(purse, lambda account_id: (posted or {}).get(account_id, 0), Clock())


def opened(purse: Purse, budget: Budget, posted: int, held: int) -> None:
    _, specs = specs_of(Bound(*place_of(budget), "x", (budget,)), NOW)
    purse.open(specs[0], posted, NOW)
    if held:
        purse.reserve(specs, held, NOW)


async def test_from_memory() -> None:
    purse = Purse()
    opened(purse, DAY, 300, 200)
    told = await figures(purse).of(DAY)
    assert told == Figure(300, 200, 500, (NOW // 86_400 + 1) * 86_400)


async def test_from_the_database() -> None:
    account_id = "team:team_w:total"
    budget = Budget("bud_1", "org_a", "all", "team", "team_w", 1000, "total")
    assert await figures(Purse(), {account_id: 1200}).of(budget) == Figure(1200, 0, 0, None)


async def test_of_nodes_that_share_the_database_has_what_was_spent() -> None:
    purse = Purse(shared=True)
    budget = Budget("bud_1", "org_a", "all", "team", "team_w", 1000, "total")
    assert await figures(purse, {"team:team_w:total": 40}).of(budget) == Figure(40, 0, 960, None)


@pytest.mark.parametrize("scope", ["team", "model"])
async def test_a_budget_of_each_one_has_no_one_figure(scope: str) -> None:
    budget = Budget("bud_1", "org_a", "each", scope, "*", 1000)  # type: ignore[arg-type]
    assert await figures(Purse()).of(budget) is None


async def test_the_whole_gateway_and_what_requests_name() -> None:
    whole = Budget("bud_1", "", "all", "gateway", "*", 1000, "total")
    assert await figures(Purse(), {"gateway:*:total": 1}).of(whole) == Figure(1, 0, 999, None)
    model = Budget("bud_2", "org_a", "m", "model", "openai/gpt-5", 1000, "total")
    told = await figures(Purse(), {"model:org_a/openai/gpt-5:total": 2}).of(model)
    assert told is not None
    assert told.spent_nusd == 2
