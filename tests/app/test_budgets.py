from __future__ import annotations

from io import StringIO

from waypost.app.budgets import told_of
from waypost.core.budget import Budget
from waypost.ledger.accounts import AccountSpec
from waypost.ledger.purse import Reached
from waypost.telemetry.logs import Log
from waypost.telemetry.metrics import Metrics

BUDGET = Budget("bud_1", "org", "monthly", "team", "t1", 5_000_000_000)
SPEC = AccountSpec("team:t1:month:2026-09-01", "team", "t1", "web", 5_000_000_000, "month", None, BUDGET)


def test_thresholds_are_a_line_in_the_log_and_a_counter() -> None:
    stream, metrics = StringIO(), Metrics()
    told = told_of(Log(stream, lambda: 0.0), metrics)
    told(Reached(BUDGET, SPEC, 80, 4_100_000_000))
    told(Reached(BUDGET, SPEC, None, 4_900_000_000))
    first, second = stream.getvalue().splitlines()
    assert "a budget reached a threshold" in first
    assert all(word in first for word in ("monthly", "web", "4.1", "80", "team:t1:month:2026-09-01"))
    assert "a budget had no room for a request" in second
    text = metrics.render().decode()
    assert 'waypost_budget_thresholds_total{scope="team",threshold="80"} 1.0' in text
    assert 'waypost_budget_thresholds_total{scope="team",threshold="exhausted"} 1.0' in text
