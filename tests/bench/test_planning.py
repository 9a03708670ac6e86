"""The measure of planning plans what it says, and its table is read as it is meant."""

from __future__ import annotations

from random import Random

import pytest

from bench import planning
from bench.__main__ import arguments
from bench.planning import Figure, measured_board
from waypost.routing.plan import Planner


@pytest.mark.parametrize("count", planning.SIZES)
def test_every_route_plans_all_of_its_targets(count: int) -> None:
    planner = Planner(Random(1).random)
    for route in planning.routes(count).values():
        plan = planner.plan(route, planning.view(), measured_board(route.targets))
        assert len(plan.candidates) == count
        assert (plan.decision is None) == (count == 1)


def test_a_figure_for_every_route_and_size() -> None:
    figures = planning.measure(rounds=1, sizes=(1, 2), batch_s=0.0)
    assert {(figure.route, figure.targets) for figure in figures} == {
        (name, count) for name in planning.routes(1) for count in (1, 2)
    }
    assert all(figure.plan_us >= 0 for figure in figures)


def test_the_table_has_a_row_for_each_route_and_a_column_for_each_size() -> None:
    figures = [
        Figure("weighted", 1, 0.52, 0.1),
        Figure("weighted", 50, 40.04, 0.8),
        Figure("fallback", 50, 30.0, 0.5),
    ]
    assert planning.table(figures).splitlines() == [
        "| CPU µs per plan (× sorted()) | 1 target | 50 targets |",
        "| --- | ---: | ---: |",
        "| weighted | 0.5 (5×) | 40.0 (50×) |",
        "| fallback |  | 30.0 (60×) |",
    ]


def test_it_is_asked_for_by_an_option() -> None:
    assert arguments(["--plan"]).plan
    assert not arguments([]).plan
