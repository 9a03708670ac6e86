from __future__ import annotations

from transcript import FakeClock, Stage
from waypost.app.load import OTHERS, Load
from waypost.pipeline.queue import Why
from waypost.telemetry.metrics import METRICS, Labelled, Metrics


def made(stage: Stage) -> Load:
    snapshot = stage.snapshot
    return Load(
        FakeClock(),
        lambda: 0.5,
        lambda: snapshot,
        stage.limiter,
        stage.waiting,
        lambda: (),
        lambda: 0,
        lambda: 0.0,
    )


async def test_its_metrics_are_listed_and_name_only_what_is_configured() -> None:
    stage = Stage()
    snapshot, load = stage.snapshot, made(stage)
    [known] = {target.label for route in snapshot.routes.values() for target in route.targets}
    for target, places in ((known, 10), ("openai/whatever-a-client-wrote", 20), ("openai/and-another", 5)):
        for _ in range(places):
            load.waiting.try_take(target, 1.0)
        load.waiting.give_back(target, 1.0, "overload")
    load.gauge.shed["lag"] += 3
    load.waiting.turned_away[Why.FULL] += 2
    assert load.labelled() == (
        Labelled(
            "waypost_shed_total",
            ("reason",),
            [
                (("lag",), 3.0),
                (("memory",), 0.0),
                (("ledger",), 0.0),
                (("concurrency",), 0.0),
                (("queue",), 0.0),
                (("queue_full",), 2.0),
                (("queue_estimate",), 0.0),
                (("queue_time",), 0.0),
            ],
        ),
        Labelled("waypost_target_limit", ("target",), [((known,), 7.0), ((OTHERS,), 3.5)]),
    )
    assert set(load.values()) <= set(METRICS)
    text = Metrics(load.values, load.labelled).render().decode()
    assert 'waypost_shed_total{reason="queue_full"} 2.0' in text
    assert 'waypost_target_limit{target="other"} 3.5' in text
    assert "waypost_queue_waiting 0.0" in text
