from __future__ import annotations

from waypost.core.spend import Named, Spend, as_csv, moment


def test_days_and_hours_are_numbers_since_1970() -> None:
    assert moment("day", 20_000) == "2024-10-04"
    assert moment("hour", 20_000 * 24 + 13) == "2024-10-04T13:00:00Z"


def test_a_table_that_no_spreadsheet_runs() -> None:
    spend = Spend(requests=2, cost_nusd=1_500_000_001)
    lines = [Named(("team_1", "2024-10-04"), ("=cmd()", "2024-10-04"), spend)]
    head, line = as_csv(("team", "day"), lines).splitlines()
    assert head.startswith("team_id,team,day,requests,errors,")
    assert line == "team_1,'=cmd(),2024-10-04,2,0,0,0,1500000001,0,0,0,0,0,0,0,0,0,1.500000001"
    assert as_csv((), []).splitlines()[0].startswith("requests,")
