from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.books import attempt, exchange
from waypost.core.record import Exchange, Outcome
from waypost.pipeline.rehearsal_tally import Tally, spread


def tried(outcome: Outcome, *errors: str | None, cost: int | None = 5) -> Exchange:
    """An exchange whose attempts, a tenth of a second apart, failed of these; None: answered."""
    attempts = tuple(
        msgspec.structs.replace(attempt(number, cost), error=error, started_us=1_000 + 100_000 * number)
        for number, error in enumerate(errors)
    )
    return msgspec.structs.replace(exchange(1, cost, attempts=attempts), outcome=outcome, error="code")


DOWN = "upstream_unavailable"


@pytest.mark.parametrize(
    ("ended", "hits", "counted"),
    [
        (tried("ok", DOWN, None), ["att-0"], {"answered", "failed_over"}),
        (tried("ok", None), [], {"answered", "steered"}),
        (tried("ok", None), ["att-0"], {"answered"}),  # slow: the broken attempt itself answered
        (tried("failed", DOWN), ["att-0"], {"failed"}),
        (tried("cut", DOWN), ["att-0"], {"cut"}),
        (tried("refused"), [], {"refused"}),
        (tried("disconnected", DOWN), ["att-0"], {"disconnected"}),
    ],
)
def test_each_end_is_counted_once(ended: Exchange, hits: list[str], counted: set[str]) -> None:
    tally = Tally()
    tally.add(ended, hits)
    numbers = tally.numbers()
    names = ("answered", "failed_over", "steered", "failed", "cut", "refused", "disconnected")
    assert {name for name in names if getattr(numbers, name)} == counted
    assert (numbers.requests, numbers.attempts, numbers.broken) == (1, len(ended.attempts), len(hits))
    told = ended.outcome in ("failed", "cut", "refused")
    assert numbers.errors == ({"code": 1} if told else {})


def test_a_failover_adds_the_time_until_the_attempt_that_answered() -> None:
    tally = Tally()
    tally.add(tried("ok", DOWN, "upstream_timeout", None), ["att-0", "att-1"])
    tally.add(tried("ok", None), [])
    added = tally.numbers().added
    assert (added.count, added.p50_ms, added.p95_ms) == (1, 200.0, 200.0)


def test_costs_are_summed_and_unknown_ones_count_as_nothing() -> None:
    tally = Tally()
    for cost in (7, None, 1_500_000_000):
        tally.add(tried("ok", None, cost=cost), [])
    assert tally.numbers().cost_usd == "1.500000007"


def test_the_newest_are_shown_with_their_way() -> None:
    tally = Tally()
    for number in range(20):
        tally.add(msgspec.structs.replace(tried("ok", DOWN, None), exchange_id=f"x{number}"), ["att-0"])
    assert [seen.id for seen in tally.recent] == [f"x{number}" for number in range(8, 20)]
    assert tally.recent[-1].way == (f"openai ✗ {DOWN}", "openai")


@given(st.lists(st.integers(0, 10**9), max_size=50))
def test_percentiles_are_values_that_were_measured(times: list[int]) -> None:
    told = spread(times)
    assert told.count == len(times)
    if not times:
        assert (told.p50_ms, told.p95_ms) == (None, None)
        return
    for rank, value in ((50, told.p50_ms), (95, told.p95_ms)):
        assert value is not None
        below = sum(time / 1000 <= value for time in times)
        assert below * 100 >= rank * len(times)
        assert sum(time / 1000 < value for time in times) * 100 < rank * len(times)
