"""The measure of shared limits measures what it says."""

from __future__ import annotations

import pytest

from bench import shared_limits
from bench.__main__ import arguments
from bench.shared_limits import Figure


@pytest.mark.process
def test_a_figure_for_each_width() -> None:
    assert arguments(["--shared-limits"]).shared_limits
    figures = shared_limits.measure(rounds=1, batch=20, widths=(1, 5))
    assert [(figure.how, figure.at_once) for figure in figures] == [
        ("in the process", 1),
        ("shared", 1),
        ("shared", 5),
    ]
    assert all(figure.node > 0 and figure.wait > 0 for figure in figures)


def test_the_table() -> None:
    text = shared_limits.table([Figure("shared", 10, 25.4, 30.0, 210.0)])
    assert text.splitlines()[-1] == "| shared | 10 | 25 µs | 30 µs | 210 µs |"
