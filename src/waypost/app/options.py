"""How a gateway is started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from waypost.app.workers.part import Part


class Options(msgspec.Struct, frozen=True):
    """What `waypost serve` was asked for; None takes what the configuration says."""

    data: Path
    config: Path | None = None
    host: str | None = None
    port: int | None = None
    drain_delay_s: float = 0.0
    part: Part | None = None
    """As which of several workers; None: alone."""
    environ: Mapping[str, str] = msgspec.field(default_factory=lambda: dict(os.environ))
