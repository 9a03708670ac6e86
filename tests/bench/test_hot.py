"""The figures of a hot organization: what belongs to the window, and what to all of the round."""

from __future__ import annotations

import pytest

from bench.hot import Figures, Seen, counted, figures, table
from bench.measure import LoadFailed

METRICS = """# TYPE waypost_exchanges_total counter
waypost_exchanges_total{operation="chat",outcome="ok",status="200"} 900
waypost_exchanges_total{operation="embed",outcome="ok",status="200"} 100.0
waypost_exchanges_total{operation="chat",outcome="error",status="503"} 3
waypost_ledger_queued 42
waypost_ledger_queued_more 7
"""

BEGUN = Seen(1.0, 100, 0, 0, 1.0, 0.5, 0.2, 1_000, 10)
FIRST = Seen(3.0, 10_100, 0, 500, 2.0, 0.6, 0.3)
LAST = Seen(5.0, 20_100, 0, 800, 4.0, 0.9, 0.6)
ENDED = Seen(6.0, 21_000, 0, 0, 4.5, 1.5, 0.7)
TOLD = Seen(7.5, 21_100, 0, 0, 4.5, 1.5, 0.7, 1_210, 20)


def test_what_the_gateway_counts() -> None:
    assert counted(METRICS) == (1000.0, 3.0, 42.0)
    of_two = METRICS.replace("queued 42", 'queued{worker="1"} 40\nwaypost_ledger_queued{worker="2"} 2')
    assert counted(of_two) == (1000.0, 3.0, 42.0)
    assert counted("") == (0.0, 0.0, 0.0)


def test_a_round() -> None:
    told = figures(BEGUN, FIRST, LAST, ENDED, TOLD)
    assert (told.requests_per_s, told.queued, told.drained_s) == (5_000.0, 800, 1.0)
    assert told.gateway_us == pytest.approx(200.0), "of the window"
    assert (told.writer_us, told.database_us) == pytest.approx((1e6 / 21_000, 0.5e6 / 21_000)), "of all of it"
    assert (told.transactions, told.leases_per_s) == pytest.approx((0.01, 2.0))


def test_answers_that_are_none_void_the_round() -> None:
    with pytest.raises(LoadFailed, match="3 requests"):
        figures(BEGUN, FIRST, Seen(5.0, 20_100, 3, 0, 0, 0, 0), ENDED, TOLD)
    with pytest.raises(LoadFailed, match="0 were"):
        figures(BEGUN, FIRST, FIRST, ENDED, TOLD)


def test_the_table_has_the_median_and_the_best_of_each_and_their_ratio() -> None:
    def row(rate: float, us: float) -> Figures:
        return Figures(rate, us, 30, 0, 0, 0, 100, 0.1)

    rows = table(
        {
            "SQLite": [row(5_000, 200), row(4_000, 210), row(1_000, 400)],
            "PostgreSQL": [row(3_000, 315), row(2_000, 300), row(1_500, 320)],
        }
    ).splitlines()
    assert rows[0] == "| median (best) | SQLite | PostgreSQL | PostgreSQL ÷ SQLite |"
    assert rows[2] == "| requests/s | 4,000 (5,000) | 2,000 (3,000) | 0.50 |"
    assert rows[3] == "| CPU µs per request: gateway | 210.0 (200.0) | 315.0 (300.0) | 1.50 |"
    assert rows[5].endswith(" | 0.0 (0.0) | 0.0 (0.0) |  |"), "nothing is a ratio to nothing"
