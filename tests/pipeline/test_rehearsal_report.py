from __future__ import annotations

import msgspec
import pytest

from ledger.books import exchange
from waypost.pipeline.rehearsal import Drill, Scope
from waypost.pipeline.rehearsal_report import (
    Order,
    Report,
    lines,
    render_markdown,
    report,
    tell_fault,
    tell_traffic,
)
from waypost.pipeline.rehearsal_tally import Spread
from waypost.upstream.drill import FAULTS, Fault

AT = 1_790_000_000.0
ORDER = Order(("openai",), ("gpt-5",), "eu", "staging", None, 0.05, Fault("503"), 600.0)


def drill() -> Drill:
    return Drill("d-1", Scope(("openai",)), Fault("503"), 100.0, 700.0, None)


def test_it_runs_then_ends_and_has_ended_only_when_nothing_is_under_way() -> None:
    made = drill()
    part = made.begin()
    running = report(made, ORDER, AT, 160.0, None, None)
    assert (running.state, running.left_s, running.in_flight) == ("running", 540.0, 1)
    assert report(made, ORDER, AT, 700.0, None, None).state == "ending"
    assert report(made, ORDER, AT, 700.0, None, "time").state == "ending", "one is still under way"
    part.settle(exchange(1))
    ended = report(made, ORDER, AT, 701.0, None, "time")
    assert (ended.state, ended.left_s, ended.in_flight, ended.lost) == ("ended", 0.0, 0, 0)
    assert ended.started_at == "2026-09-21T14:13:20Z"


def test_it_is_read_back_as_it_was_written() -> None:
    made = drill()
    made.begin().settle(exchange(1))
    told = report(made, ORDER, AT, 160.0, Spread(3, 1.0, 2.5), None)
    assert msgspec.json.decode(msgspec.json.encode(told), type=Report) == told


def test_the_page_has_every_number() -> None:
    made = drill()
    made.begin().settle(exchange(1))
    told = report(made, ORDER, AT, 160.0, Spread(3, 1.0, 2.5), "stopped")
    page = render_markdown(told)
    assert "openai (gpt-5) in eu: status 503" in page
    assert "5% of key staging" in page
    assert "ended because it was stopped" in page
    for name, value in lines(told):
        assert f"| {name} | {value} |" in page
    assert ("answered", "1 (100.00%)") in lines(told)
    assert ("total time before", "p50 1 ms, p95 2 ms (3)") in lines(told)


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_has_words(kind: str) -> None:
    told = tell_fault(Fault(kind, after=7, delay_s=1.5))
    assert told == f"status {kind}" or kind not in told or kind == "slow"
    assert ("7 events" in told) == (kind in ("cut", "stall"))


@pytest.mark.parametrize(
    ("key", "route", "share", "told"),
    [
        (None, None, 1.0, "every key"),
        ("app", None, 1.0, "key app"),
        ("app", "fast", 1.0, "key app on route fast"),
        (None, "fast", 0.25, "25% of route fast"),
    ],
)
def test_whose_requests(key: str | None, route: str | None, share: float, told: str) -> None:
    assert tell_traffic(Order((), (), None, key, route, share, Fault("503"), 1.0)) == told


def test_what_other_workers_counted_is_part_of_it() -> None:
    mine, other = drill(), drill()
    mine.begin().settle(exchange(2, 10))
    for number in (1, 3):
        other.begin().settle(exchange(number, 20))
    part = other.begin()
    told = report(mine, ORDER, AT, 700.0, None, "time", [other.counts()])
    assert (told.state, told.in_flight, told.numbers.requests, told.numbers.answered) == ("ending", 1, 3, 3)
    assert told.numbers.cost_usd == "0.00000005"
    assert told.numbers.total.count == 3
    assert len(told.recent) == 3
    assert mine.tally.requests == 1, "it only looks"
    part.settle(exchange(4))
    assert report(mine, ORDER, AT, 700.0, None, "time", [other.counts()]).state == "ended"
