"""Percentiles are right to the width of a bucket, whatever was recorded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.histogram import Histogram


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=300), st.floats(0.1, 100))
def test_a_percentile_is_within_one_percent_of_the_exact_one(values: list[int], share: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    rank = share / 100 * len(values)
    exact = next(value for seen, value in enumerate(sorted(values), start=1) if seen >= rank)
    assert abs(histogram.percentile(share) - exact) <= exact * 0.01


def test_small_numbers_are_exact_and_the_highest_is_kept() -> None:
    histogram = Histogram()
    for value in range(1, 101):
        histogram.record(value)
    assert [histogram.percentile(share) for share in (50, 99, 100)] == [50, 99, 100]
    assert histogram.highest == 100


def test_an_empty_histogram_and_a_clock_that_went_back_do_no_harm() -> None:
    histogram = Histogram()
    assert histogram.summary_us() == {"p50": 0.0, "p90": 0.0, "p99": 0.0, "p999": 0.0, "max": 0.0}
    histogram.record(-5)
    assert histogram.percentile(100) == 0.0
