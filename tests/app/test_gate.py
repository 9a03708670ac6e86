from __future__ import annotations

from transcript import FakeLedger, Stage
from waypost.app.gate import AppGate, gauges, resident_bytes
from waypost.telemetry.metrics import METRICS


class Config:
    def __init__(self) -> None:
        self.stage = Stage()

    def snapshot(self) -> object:
        return self.stage.snapshot


class Ledger(FakeLedger):
    backlog = 4
    open_dispatches = 2
    writer_starts = 1


class Idle:
    def stats(self) -> list[object]:
        return []


def test_readiness_is_the_ledgers() -> None:
    ledger = Ledger()
    gate = AppGate(Config(), ledger)  # type: ignore[arg-type]  # only what the gate reads
    assert gate.ready() == []
    ledger.ready = "the disk is full"
    assert gate.ready() == ["ledger: the disk is full"]
    assert gate.settings.drain_s == 30.0


def test_each_gauge_is_a_listed_metric_and_tells_the_truth() -> None:
    config, ledger = Config(), Ledger()
    gate = AppGate(config, ledger)  # type: ignore[arg-type]  # only what the gate reads
    found = gauges(config.stage.pipeline, ledger, Idle(), gate, config)  # type: ignore[arg-type]  # likewise
    assert set(found) <= set(METRICS)
    assert (found["waypost_ledger_queued"], found["waypost_dispatches_open"], found["waypost_ready"]) == (
        4,
        2,
        1,
    )
    gate.draining = True
    assert gauges(config.stage.pipeline, ledger, Idle(), gate, config)["waypost_ready"] == 0  # type: ignore[arg-type]


def test_memory_is_told_in_bytes() -> None:
    assert 5_000_000 < resident_bytes() < 100_000_000_000
