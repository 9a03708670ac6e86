"""Who is asked for a word, and when."""

from __future__ import annotations

import asyncio
from io import StringIO

import pytest

from transcript import FakeClock, NoCatalog, provider
from waypost.app.probes import Probes
from waypost.config.snapshot import Settings, Snapshot
from waypost.config.targets import Probe, Provider
from waypost.config.tuning import Resilience
from waypost.errors import ModelNotFound
from waypost.routing.health.board import HealthBoard
from waypost.telemetry.logs import Log

A = provider("a", probe=Probe("m", 30.0))
POOL = tuple(provider("b", key_name=name, probe=Probe("m", 10.0)) for name in ("k1", "k2"))
PLAIN = provider("c")


class Rig:
    def __init__(self) -> None:
        self.clock, self.log = FakeClock(), StringIO()
        self.asked: list[str] = []
        self.snapshot = Snapshot(
            version=1,
            providers={"a": A, "b": POOL[0], "c": PLAIN},
            pools={"b": POOL},
            routes={},
            aliases={},
            settings=Settings(),
            catalog=NoCatalog(),
        )
        self.board = HealthBoard(Resilience, lambda: 0.5, self.clock.wall)
        log = Log(self.log, self.clock.wall)
        self.probes = Probes(self.ask, lambda: self.snapshot, self.board, self.clock, log)
        self.error: ModelNotFound | None = None

    async def ask(self, asked: Provider) -> bool:
        self.asked.append(asked.label)
        if self.error is not None:
            raise self.error
        return True

    async def rounds(self, count: int) -> list[str]:
        watching = asyncio.ensure_future(self.probes.watch(pause_s=0))
        for _ in range(count):
            await asyncio.sleep(0)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        asked, self.asked = self.asked, []
        return asked


async def test_each_credential_of_a_provider_with_a_probe_is_asked_when_its_time_has_come() -> None:
    rig = Rig()
    assert await rig.rounds(9) == ["a", "b#k1", "b#k2"]
    assert await rig.rounds(9) == []
    rig.clock.advance(10.0)
    assert await rig.rounds(9) == ["b#k1", "b#k2"]
    rig.clock.advance(20.0)
    assert await rig.rounds(9) == ["a", "b#k1", "b#k2"]


async def test_one_that_clients_have_asked_is_left_alone() -> None:
    rig = Rig()
    target = rig.snapshot.find("a/m").targets[0]
    assert rig.board.try_enter(target, rig.clock.now, 1)
    assert "a" not in await rig.rounds(9)
    rig.clock.advance(30.0)
    assert "a" in await rig.rounds(9)


async def test_a_question_that_can_not_be_made_is_told_of_and_asked_again_later() -> None:
    rig = Rig()
    rig.error = ModelNotFound("There is no model.")
    await rig.rounds(9)
    assert rig.log.getvalue().count("a probe could not be made") == 3
    rig.clock.advance(30.0)
    assert "a" in await rig.rounds(9)


async def test_the_end_ends_the_questions_under_way() -> None:
    rig = Rig()
    ended: list[str] = []

    async def hang(asked: Provider) -> bool:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(asked.label)
        return True

    rig.probes._ask = hang
    await rig.rounds(9)
    assert ended == ["a", "b#k1", "b#k2"]


@pytest.mark.parametrize("every", [10.0, 29.9])
async def test_nobody_is_asked_before_the_time(every: float) -> None:
    rig = Rig()
    await rig.rounds(9)
    rig.clock.advance(every)
    assert "a" not in await rig.rounds(9)
