from __future__ import annotations

import io
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from waypost.app.workers.figures import WHAT, Figures
from waypost.app.workers.siblings import Room, Siblings
from waypost.telemetry.logs import Log
from waypost.telemetry.metrics import Metrics

OK = 'waypost_exchanges_total{operation="chat",outcome="ok",status="200"}'


class Worker:
    def __init__(self, folder: Path, number: int) -> None:
        self.metrics = Metrics(lambda: {"waypost_ready": 1.0})
        self.figures = Figures(self.metrics, folder, Siblings(folder, number, 2))
        self.room = Room(folder, number, Log(io.StringIO(), lambda: 0.0))
        self.room.answers[WHAT] = self.figures.answer

    def count(self, times: int) -> None:
        for _ in range(times):
            self.metrics.exchange("chat", "ok", 200, 1000, 60, None)

    async def told(self, name: str = OK) -> float:
        text = (await self.figures.render()).decode()
        return next(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


@pytest_asyncio.fixture
async def two() -> AsyncIterator[tuple[Worker, Worker, Path]]:
    with tempfile.TemporaryDirectory(prefix="wp-", dir="/tmp") as folder:
        workers = Worker(Path(folder), 1), Worker(Path(folder), 2)
        for each in workers:
            await each.room.open()
        yield *workers, Path(folder)
        for each in workers:
            await each.room.close()


async def test_whoever_is_asked_tells_of_both(two: tuple[Worker, Worker, Path]) -> None:
    one, other, _ = two
    one.count(2)
    other.count(3)
    assert [await one.told(), await other.told()] == [5.0, 5.0]
    assert await one.told('waypost_ready{worker="2"}') == 1.0
    assert await other.told("waypost_workers") == 2.0


async def test_sums_never_fall_when_a_worker_ends_and_another_takes_its_place(
    two: tuple[Worker, Worker, Path],
) -> None:
    one, other, folder = two
    one.count(2)
    other.count(3)
    assert await one.told() == 5.0
    await other.room.close()
    assert await one.told() == 5.0
    assert await one.told("waypost_workers") == 1.0
    after = Worker(folder, 2)
    await after.room.open()
    after.count(1)
    assert [await one.told(), await after.told()] == [6.0, 6.0]
    await after.room.close()
    assert await one.told() == 6.0


async def test_a_file_that_can_not_be_read_is_nothing(two: tuple[Worker, Worker, Path]) -> None:
    one, _, folder = two
    one.count(2)
    (folder / "2.figures").write_bytes(b"\xc1")
    (folder / "1.new").mkdir()
    assert await Worker(folder, 2).told() == pytest.approx(2.0)
