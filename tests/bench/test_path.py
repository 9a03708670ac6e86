"""The measure of a request's path answers what it asks, and its table is read as it is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import path
from bench.__main__ import arguments
from bench.path import PHASES, Figure
from bench.seeding import Size, seed


@pytest.mark.process
def test_each_way_is_measured_in_a_gateway_composed_for_it() -> None:
    figures = path.measure(batches=2)
    assert [(figure.way, len(figure.phases)) for figure in figures] == [
        ("same dialect", len(PHASES)),
        ("across", len(PHASES)),
        ("chunk", 1),
    ]
    assert all(phase > 0 for figure in figures for phase in figure.phases)
    assert figures[0].calls > figures[2].calls > 0


def test_what_many_keys_take_is_measured_over_what_is_there(tmp_path: Path) -> None:
    keys, config = seed(tmp_path / "data", Size(keys=70, teams=3, budgets=20)), tmp_path / "waypost.yaml"
    config.write_text(path.config_of_keys())
    assert 0 < path.measure_keys(tmp_path / "data", config, {}, keys, batches=3) < float("inf")


def test_the_table_has_a_row_for_each_way() -> None:
    figures = [Figure("same dialect", (9.04, 40.0, 3.0, 36.0), 458.2), Figure("chunk", (1.641,), 23.0)]
    assert path.table(figures).splitlines()[2:] == [
        "| same dialect | 9.0 | 40.0 | 3.0 | 36.0 | 88.04 | 458 |",
        "| chunk |  |  |  |  | 1.64 | 23 |",
    ]


def test_it_is_asked_for_by_an_option() -> None:
    assert arguments(["--path"]).path
    assert not arguments([]).path
