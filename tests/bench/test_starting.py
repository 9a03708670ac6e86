"""The table of starts: a line for each size on each database, the median of its rounds and the lowest."""

from __future__ import annotations

from bench.starting import FEW, MANY, Round, table


def test_the_table() -> None:
    rounds = [Round(1.0, 0.9, 80, 110.0), Round(0.7, 0.8, 81, 130.0), Round(2.0, 0.8, 90, 120.0)]
    lines = table([("SQLite", FEW, rounds), ("PostgreSQL", MANY, rounds[:1])]).splitlines()
    assert lines[2] == "| SQLite | 10 | 1 | 14 | 1.00 (0.70) | 0.80 (0.80) | 120.0 (110.0) | 81 (80) |"
    assert (
        lines[3]
        == "| PostgreSQL | 100,000 | 1,000 | 10,000 | 1.00 (1.00) | 0.90 (0.90) | 110.0 (110.0) | 80 (80) |"
    )


def test_many_are_what_is_asked_for() -> None:
    assert (MANY.keys, MANY.teams, MANY.budgets) == (100_000, 1_000, 10_000)
