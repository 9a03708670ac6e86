"""The `overload` section of `waypost.yaml`, and what it becomes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from waypost.config.kinds import Duration, Size
from waypost.config.values import parse_duration, parse_size

_LAG_LEAST_S = 0.001
_MEMORY_LEAST = 64 * 1024 * 1024


class OverloadConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What happens when there is more to do than can be done: who waits, and who is turned away. How many may be under
    way at once is `limits.concurrency`."""

    queue_time: Duration = "5s"
    """How long a request may wait while every target that could answer it has as many requests as it takes. `0s`:
    nobody waits."""
    queue_size: Annotated[int, Meta(ge=1, le=1_000_000)] = 1000
    """Most requests that wait at once, for all targets together. Of several workers each holds its share: the number
    divided by theirs, rounded down, and at least 1."""
    loop_lag: Duration = "200ms"
    """When the gateway's event loop is late by more than this for about a tenth of a second, the processor has more to
    do than it can: each key then gets its share, and what it sends beyond that is turned away unread."""
    memory: Size | None = None
    """Memory the gateway may use; from 85 % of it on, requests are turned away, low priorities first. Of several
    workers each may use its share, and at least 64MiB. Left out: the limit of its container (control group), in which
    all processes count, or else what the machine has."""
    unready_after: Duration = "10s"
    """`/readyz` answers 503 after all but high priorities were turned away for so long."""


class OverloadSettings(msgspec.Struct, frozen=True):
    """`OverloadConfig` as the gateway reads it."""

    wait_s: float = 5.0
    """Nobody waits longer for a busy target."""
    waiting_max: int = 1000
    """Nor do more wait at once."""
    lag_s: float = 0.2
    """The event loop is overloaded from this lateness on."""
    memory_bytes: int | None = None
    """None: what the control group, or else the machine, has."""
    unready_after_s: float = 10.0


def share(figure: int, workers: int) -> int:
    """One worker's of a figure that is meant for all of them together."""
    return max(1, figure // workers)


def build_overload(config: OverloadConfig, workers: int = 1) -> OverloadSettings:
    """The settings that the requests of one of several workers read."""
    memory = None if config.memory is None else parse_size(config.memory)
    return OverloadSettings(
        wait_s=parse_duration(config.queue_time),
        waiting_max=share(config.queue_size, workers),
        lag_s=parse_duration(config.loop_lag),
        memory_bytes=None if memory is None else max(_MEMORY_LEAST, share(memory, workers)),
        unready_after_s=parse_duration(config.unready_after),
    )


def check_overload(config: OverloadConfig) -> Iterator[tuple[str, str, str]]:
    """What the shape alone does not refuse: field, what is wrong with it, what belongs there."""
    if parse_duration(config.loop_lag) < _LAG_LEAST_S:
        yield "loop_lag", "no event loop is as punctual as that", "at least 1ms"
    if config.memory is not None and parse_size(config.memory) < _MEMORY_LEAST:
        yield "memory", "the gateway can not run in so little", "at least 64MiB"
