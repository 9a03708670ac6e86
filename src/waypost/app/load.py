"""What has to do with load, put together: limits of targets, the queue before them, the gauge, and their metrics."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import thread_time

from waypost.app.load_watch import LoadWatch
from waypost.app.memory import MemoryReader
from waypost.app.steering import Steering
from waypost.config.snapshot import Snapshot
from waypost.ledger.ledger import BookLedger
from waypost.pipeline.queue import Waiting
from waypost.policy.overload import LoadGauge
from waypost.ports import Clock
from waypost.routing.limiter import Limiter
from waypost.telemetry.metrics import Labelled

OTHERS = "other"


class Load:
    """One process's."""

    def __init__(
        self,
        clock: Clock,
        random: Callable[[], float],
        snapshot: Callable[[], Snapshot],
        limiter: Limiter,
        waiting: Waiting,
        under_way: Callable[[], Iterable[str | None]],
        active: Callable[[], int],
        unposted: Callable[[], float],
    ) -> None:
        """`under_way`: the key ids of all exchanges under way; `active`: how many calls are, received ones included;
        `unposted`: how much waits for the database, see `LoadGauge.measured`. They are asked later only."""
        loop = asyncio.get_running_loop()
        settings = snapshot().settings
        self._clock = clock
        self._snapshot = snapshot
        self.limiter = limiter
        self.waiting = waiting
        self.gauge = LoadGauge(
            settings.concurrency_max,
            settings.overload,
            random=random,
            under_way=under_way,
            soon=loop.call_soon,
        )
        self.watch = LoadWatch(
            loop,
            clock.monotonic,
            thread_time,
            self.gauge,
            lambda: snapshot().settings,
            active,
            waiting,
            limiter,
            MemoryReader(),
            unposted,
        )

    def values(self) -> Mapping[str, float]:
        """Current values for `/metrics`."""
        return {
            "waypost_queue_waiting": len(self.waiting),
            "waypost_queue_oldest_seconds": self.waiting.oldest_s(self._clock.monotonic()),
            "waypost_loop_lag_seconds": self.gauge.lag_s,
            "waypost_load_level": self.gauge.level,
        }

    def labelled(self) -> Sequence[Labelled]:
        """For `/metrics`. Targets that the configuration does not list are one: `provider/model` works for any model,
        so their names are the clients'."""
        shed: dict[str, float] = {str(cause): count for cause, count in self.gauge.shed.items()}
        shed.update((why.value, count) for why, count in self.waiting.turned_away.items())
        routes = self._snapshot().routes.values()
        known = {target.label for route in routes for target in route.targets}
        limits: dict[str, float] = {}
        for target, limit, _ in self.limiter.limits():
            label = target if target in known else OTHERS
            limits[label] = min(limit, limits.get(label, limit))
        return (
            Labelled("waypost_shed_total", ("reason",), [((cause,), count) for cause, count in shed.items()]),
            Labelled(
                "waypost_target_limit", ("target",), [((name,), limit) for name, limit in limits.items()]
            ),
        )


def start_load(
    clock: Clock,
    snapshot: Callable[[], Snapshot],
    steering: Steering,
    under_way: Callable[[], Iterable[str | None]],
    active: Callable[[], int],
    ledger: BookLedger,
) -> Load:
    """Measured from now on, until its watch is stopped."""
    spread = random.Random(random.SystemRandom().random())  # noqa: S311 - spreads retries, without a system call
    limiter, waiting = steering.limiter, steering.waiting
    load = Load(clock, spread.random, snapshot, limiter, waiting, under_way, active, lambda: ledger.fullness)
    load.watch.start()
    return load
