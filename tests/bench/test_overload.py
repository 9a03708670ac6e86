"""The figures of an overload are of the peak of the same round, and say when they are void."""

from __future__ import annotations

import msgspec
import pytest

from bench.load import Result
from bench.overload import Window, row, table


def result(**changes: object) -> Result:
    plain = Result(
        seconds=2.0,
        requests=0,
        errors=0,
        statuses={},
        latency_us={},
        latency_by_status_us={},
        late_us={"p99": 0.0},
        events=0,
        streams_at_end=0,
        cpu_s=2.0,
        rss_mb=0.0,
    )
    return msgspec.structs.replace(plain, **changes)


BEFORE, AFTER = Window(2.0, 1800.0, 0.0, 1.9), Window(4.0, 4400.0, 0.0, 4.3)
"""900 a second and 1,100, each of a millisecond."""
WINDOW = Window(seconds=2.0, served=1910.0, shed=2090.0, cpu_s=2.0)
PROBE = result(
    requests=200,
    statuses={"503": 199, "lost": 1},
    latency_by_status_us={"503": {"p50": 2e3, "p99": 2e4}},
    late_us={"p99": 4000.0},
)
POLITE = result(requests=200, statuses={"200": 200}, latency_by_status_us={"200": {"p50": 8e3, "p99": 2.5e4}})


def test_the_row_of_a_load() -> None:
    told = row(BEFORE, AFTER, 2.0, WINDOW, POLITE, PROBE)
    assert told == pytest.approx(
        {
            "times": 2.0,
            "peak_per_s": 1000.0,
            "offered": 2.0,
            "goodput": 0.955,
            "goodput_per_cpu": 0.955,
            "shed_p50_ms": 2.0,
            "shed_p99_ms": 20.0,
            "polite_served": 1.0,
            "polite_p50_ms": 8.0,
            "polite_p99_ms": 25.0,
            "lost": 1.0,
            "late_p99_ms": 4.0,
        }
    )


def test_the_table_has_a_line_for_each_row() -> None:
    rows = [row(BEFORE, AFTER, times, WINDOW, POLITE, PROBE) for times in (1.0, 2.0)]
    head, _, *lines = table(rows).splitlines()
    assert head.startswith("| times | peak_per_s |")
    assert [line.split("|")[1:3] for line in lines] == [[" 1 ", " 1,000 "], [" 2 ", " 1,000 "]]


def test_without_anybody_turned_away() -> None:
    assert row(BEFORE, AFTER, 1.0, WINDOW, POLITE, POLITE)["shed_p99_ms"] == 0.0
