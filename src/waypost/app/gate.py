"""The gateway's state as the edge and the metrics see it."""

from __future__ import annotations

from collections.abc import Mapping

from waypost.app.live_config import LiveConfig
from waypost.app.memory import resident_bytes
from waypost.config.snapshot import Settings
from waypost.ledger.ledger import BookLedger
from waypost.pipeline.run import Pipeline
from waypost.upstream.client import HttpUpstream


class AppGate:
    """`edge.gate.Gate`."""

    def __init__(self, config: LiveConfig, ledger: BookLedger) -> None:
        self._config = config
        self._ledger = ledger
        self.draining = False

    @property
    def settings(self) -> Settings:
        """Of the snapshot in force."""
        return self._config.snapshot().settings

    def ready(self) -> list[str]:
        """What keeps new work from being taken."""
        reason = self._ledger.ready
        return [] if reason is None else [f"ledger: {reason}"]


def gauges(
    pipeline: Pipeline, ledger: BookLedger, upstream: HttpUpstream, gate: AppGate, config: LiveConfig
) -> Mapping[str, float]:
    """Current values for `/metrics`; the names are in `telemetry.metrics.METRICS`."""
    stats = upstream.stats()
    return {
        "waypost_exchanges_active": pipeline.active,
        "waypost_ledger_queued": ledger.backlog,
        "waypost_ledger_writer_starts": ledger.writer_starts,
        "waypost_dispatches_open": ledger.open_dispatches,
        "waypost_upstream_connections": sum(pool.open for pool in stats),
        "waypost_upstream_idle": sum(pool.idle for pool in stats),
        "waypost_upstream_waiting": sum(pool.waiting for pool in stats),
        "waypost_ready": float(not gate.draining and not gate.ready()),
        "waypost_config_version": config.snapshot().version,
        "waypost_resident_bytes": resident_bytes(),
    }
