from __future__ import annotations

from waypost.telemetry import sheet
from waypost.telemetry.metrics import Labelled, Metrics
from waypost.telemetry.sheet import Sheet, sheet_of, sum_of, together


def made(exchanges: int, active: float) -> Sheet:
    metrics = Metrics(
        lambda: {"waypost_exchanges_active": active},
        lambda: [Labelled("waypost_target_in_flight", ("provider", "model"), [(("p", "m"), active)])],
    )
    for _ in range(exchanges):
        metrics.exchange("chat", "ok", 200, 1000, 60, None)
    return sheet_of(metrics.collect())


def rows(found: Sheet) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {(row.name, row.labels): row.value for family in found for row in family.rows}


OK = (("operation", "chat"), ("outcome", "ok"), ("status", "200"))
CHAT = (("operation", "chat"),)


def test_what_grows_is_added_up_and_gauges_are_told_apart() -> None:
    found = rows(together({1: made(3, 1.0), 2: made(4, 2.0)}))
    assert found["waypost_exchanges_total", OK] == 7.0
    assert found["waypost_exchange_seconds_count", CHAT] == 7.0
    assert found["waypost_exchange_seconds_bucket", (*CHAT, ("le", "+Inf"))] == 7.0
    assert found["waypost_exchange_seconds_sum", CHAT] == 0.007
    assert found["waypost_exchanges_active", (("worker", "1"),)] == 1.0
    assert found["waypost_exchanges_active", (("worker", "2"),)] == 2.0
    assert found["waypost_target_in_flight", (("provider", "p"), ("model", "m"), ("worker", "2"))] == 2.0


def test_a_successor_goes_on_from_what_was_told() -> None:
    found = rows(sum_of((made(2, 1.0), sheet.grown(made(5, 9.0)))))
    assert found["waypost_exchanges_total", OK] == 7.0
    assert found["waypost_exchanges_active", ()] == 1.0
    assert rows(sum_of((made(2, 1.0), ())))["waypost_exchanges_total", OK] == 2.0


def test_it_is_the_same_when_sent_and_rendered_as_one_process_renders() -> None:
    found = made(2, 1.0)
    assert sheet.decode(sheet.encode(found)) == found
    metrics = Metrics(lambda: {"waypost_exchanges_active": 1.0})
    metrics.exchange("chat", "ok", 200, 1000, 60, None)
    assert sheet.render(sheet_of(metrics.collect())) == metrics.render()
