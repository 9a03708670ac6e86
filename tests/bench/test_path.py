"""The measure of a request's path answers what it asks, and its table is read as it is meant."""

from __future__ import annotations

import pytest

from bench import path
from bench.__main__ import arguments
from bench.path import PHASES, Figure
from bench.spoken import PAIRS


@pytest.mark.process
def test_each_way_is_measured_in_a_gateway_composed_for_it() -> None:
    figures = path.measure(batches=2)
    pairs = [f"{client} → {target}" for client, target in PAIRS]
    assert [(figure.way, len(figure.phases)) for figure in figures] == [
        ("same dialect", len(PHASES)),
        *[(pair, len(PHASES)) for pair in pairs],
        ("chunk", 1),
        *[(f"chunk, {pair}", 1) for pair in pairs],
    ]
    assert all(phase > 0 for figure in figures for phase in figure.phases)
    assert figures[0].calls > figures[len(pairs) + 1].calls > 0


def test_the_table_has_a_row_for_each_way() -> None:
    figures = [Figure("same dialect", (9.04, 40.0, 3.0, 36.0), 458.2), Figure("chunk", (1.641,), 23.0)]
    assert path.table(figures).splitlines()[2:] == [
        "| same dialect | 9.0 | 40.0 | 3.0 | 36.0 | 88.04 | 458 |",
        "| chunk |  |  |  |  | 1.64 | 23 |",
    ]


def test_it_is_asked_for_by_an_option() -> None:
    assert arguments(["--path"]).path
    assert not arguments([]).path
