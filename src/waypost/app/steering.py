"""What steers requests, wired: the board of health, what is shared of it, the planner, and what a reload tells them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence

from waypost.app.live_config import LiveConfig
from waypost.app.sharing import Sharing, providers_of
from waypost.config.snapshot import Snapshot
from waypost.config.targets import Target
from waypost.pipeline.entrance import Entrance
from waypost.pipeline.queue import Waiting
from waypost.ports import Clock
from waypost.routing.canary import RolledBack
from waypost.routing.health.board import HealthBoard
from waypost.routing.health.gauges import health_gauges
from waypost.routing.health.report import TargetReport, report
from waypost.routing.limiter import Limiter
from waypost.routing.plan import Planner
from waypost.telemetry.logs import Log
from waypost.telemetry.metrics import Labelled

_WATCH_S = 1.0


class Steering:
    """Owns the state of routing; one per process."""

    def __init__(self, config: LiveConfig, clock: Clock, log: Log) -> None:
        self._config = config
        self._clock = clock
        self._draw = random.SystemRandom().random
        self.limiter = Limiter()
        self.waiting = Waiting(
            self.limiter, clock.monotonic, _later, lambda: config.snapshot().settings.overload, self._draw
        )
        self.entrance = Entrance(self.limiter, self.waiting)
        self.board = self.new_board()
        self.sharing = Sharing(config, self.board, clock, log, self._draw)
        self.planner = Planner(self._draw)
        self._known: tuple[int, frozenset[tuple[str, str]]] = (0, frozenset())
        config.on_swap = self._swapped

    def new_board(self) -> HealthBoard:
        """A board on which nothing is known yet."""
        tuning = self._config
        return HealthBoard(
            lambda: tuning.snapshot().settings.resilience,
            self._draw,
            self._clock.wall,
            self.entrance.busy,
            crowded=self.entrance.crowded,
        )

    def report(self, target: Target) -> TargetReport | None:
        """How a target is doing; None for one that was not used."""
        place = self.board.known(target)
        return None if place is None else report((place,), self._clock.monotonic())[0]

    def labelled(self) -> Sequence[Labelled]:
        """For `/metrics`. Only targets of the configuration and of providers' lists are named: clients can make up
        others, and a label is there for good."""
        snapshot = self._config.snapshot()
        if self._known[0] != snapshot.version:
            self._known = (snapshot.version, frozenset(_names(snapshot)))
        known = self._known[1]
        gauges = health_gauges(
            self.board, self._clock.monotonic(), lambda provider, model: (provider, model) in known
        )
        return [*gauges, *self.sharing.labelled()]

    async def watch(self, log: Log, pause_s: float = _WATCH_S) -> None:
        """Tell of canaries that were rolled back, each once; runs until it is cancelled."""
        told: set[RolledBack] = set()
        while True:
            back = set(self.planner.rolled_back())
            for each in back - told:
                log.warning(
                    "a canary was rolled back until the configuration changes", canary=each.name, why=each.why
                )
            told = back
            await asyncio.sleep(pause_s)

    def _swapped(self, before: Snapshot | None, after: Snapshot, changed: bool) -> None:
        if changed:
            self.planner.begin_anew()
        self.sharing.swapped(before, after)
        if before is not None:
            self.board.replaced(providers_of(before), providers_of(after), self._clock.monotonic())


def _later(seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, call)


def _names(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for route in snapshot.routes.values():
        for target in route.targets:
            yield target.provider.name, target.model
