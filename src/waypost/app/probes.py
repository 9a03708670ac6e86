"""Asks providers with a `probe` for a word when nobody else has asked them lately."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from waypost.app.ending import end_all
from waypost.config.snapshot import Snapshot
from waypost.config.targets import Provider
from waypost.dialects.registry import DIALECTS
from waypost.errors import GatewayError
from waypost.pipeline.probe import Prober, target_of
from waypost.pipeline.run import Pipeline
from waypost.pipeline.sessions import Parts
from waypost.ports import Clock
from waypost.routing.health.board import HealthBoard
from waypost.telemetry.logs import Log

_LOOK_S = 1.0


def compose_probes(pipeline: Pipeline, parts: Parts, board: HealthBoard, new_id: Callable[[], str]) -> Probes:
    """Probes that ask through a pipeline's own attempts."""
    prober = Prober(
        run=pipeline.attempts.run,
        admit=pipeline.admission.admit_own,
        snapshot=parts["snapshot"],
        dialect=DIALECTS["openai_chat"],
        lanes=parts["lanes"],
        board=board,
        clock=parts["clock"],
        settle=parts["settle"],
        new_id=new_id,
    )
    return Probes(prober.ask, parts["snapshot"], board, parts["clock"], parts["log"])


class Probes:
    """Decides whom to ask, and when. Owns the questions under way."""

    def __init__(
        self,
        ask: Callable[[Provider], Awaitable[bool]],
        snapshot: Callable[[], Snapshot],
        board: HealthBoard,
        clock: Clock,
        log: Log,
    ) -> None:
        """`ask` is `Prober.ask`."""
        self._ask = ask
        self._snapshot = snapshot
        self._board = board
        self._clock = clock
        self._log = log
        self._asked: dict[str, float] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def watch(self, pause_s: float = _LOOK_S) -> None:
        """Ask whoever is due, again and again; ends the questions under way when it is cancelled."""
        try:
            while True:
                for provider in self.due():
                    task = asyncio.get_running_loop().create_task(self._one(provider))
                    self._under_way[provider.label] = task
                await asyncio.sleep(pause_s)
        finally:
            await end_all(self._under_way.values())

    def due(self) -> Iterator[Provider]:
        """Providers that are to be asked now."""
        now, snapshot = self._clock.monotonic(), self._snapshot()
        for provider in snapshot.every_provider():
            probe = provider.probe
            if probe is None or provider.label in self._under_way:
                continue
            place = self._board.known(target_of(snapshot, provider, probe.model))
            used = None if place is None else place.used_at
            last = max(
                self._asked.get(provider.label, -probe.every_s), -probe.every_s if used is None else used
            )
            if now - last >= probe.every_s:
                yield provider

    async def _one(self, provider: Provider) -> None:
        self._asked[provider.label] = self._clock.monotonic()
        try:
            await self._ask(provider)
        except GatewayError as error:
            self._log.warning("a probe could not be made", provider=provider.label, why=error.message)
        finally:
            self._under_way.pop(provider.label, None)
