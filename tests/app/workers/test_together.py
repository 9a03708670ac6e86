from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import cast

import msgspec
import pytest
import pytest_asyncio

from pipeline.test_shared import Making as SharedMaking
from transcript import FakeClock
from waypost.app.admin import AdminSide
from waypost.app.drills import Rehearsal, Rehearsals
from waypost.app.workers.part import Part
from waypost.app.workers.together import Together
from waypost.core.key import Key
from waypost.core.replay import Claim
from waypost.edge.gate import Errand
from waypost.errors import InvalidRequest, NotFound, StoreUnavailable
from waypost.pipeline.event_logs import EventLog, Follower
from waypost.pipeline.rehearsal import Drills, Scope
from waypost.pipeline.retelling import Retelling
from waypost.routing.fixed_board import FixedBoard
from waypost.stores.node import node_of
from waypost.stores.sql.keys import SqlKeys
from waypost.telemetry.logs import Log
from waypost.telemetry.metrics import Metrics
from waypost.upstream.drill import Fault

KEY = Key("k1", "app", b"\xff" * 32, "", 0.0, budget_nusd=5, tags=("a",))


class Making:
    def __init__(self) -> None:
        self.log = EventLog()
        self.mine = {"resp_1"}
        self.forgotten: list[str] = []

    def cancel(self, response_id: str) -> bool:
        return response_id in self.mine

    def forget(self, response_id: str) -> None:
        self.forgotten.append(response_id)

    def follow(self, response_id: str, after: int | None) -> Follower:
        if response_id not in self.mine:
            raise InvalidRequest("None of its events is kept.", param="stream")
        return Follower(self.log, 0 if after is None else after + 1)


class Serving:
    def __init__(self) -> None:
        self.asked: list[Errand] = []

    async def answer(self, errand: Errand) -> bytes:
        self.asked.append(errand)
        if errand.name == "none":
            raise NotFound("There is no batch.")
        return b'{"id":"batch_1"}'


class Worker:
    def __init__(self, folder: Path, number: int) -> None:
        self.folder = folder
        log, self.clock = Log(io.StringIO(), lambda: 0.0), FakeClock()
        self.together = Together(Part(number, 2, {}, cast("object", None), "", folder), folder, log)  # type: ignore[arg-type]
        self.making, self.storeroom, self.orders = Making(), Serving(), Serving()
        self.lacking: list[str] = []
        self.drills = Drills(self.clock, lambda: 0.0)
        self.together.tell(Metrics(lambda: {"waypost_ready": 1.0}), lambda: self.lacking)
        self.together.serve(self.making, self.storeroom)
        self.together.rehearse(cast(Rehearsals, self), self.drills, FixedBoard, self.clock)

    async def answer(self, errand: Errand) -> object:
        return {"asked": errand.name}


@pytest_asyncio.fixture
async def two() -> AsyncIterator[Sequence[Worker]]:
    with tempfile.TemporaryDirectory(prefix="wp-", dir="/tmp") as folder:
        workers = Worker(Path(folder), 1), Worker(Path(folder), 2)
        for each in workers:
            await each.together.open()
        yield workers
        for each in workers:
            await each.together.close()


class Looking:
    """The directory, or the keys, in the memory of a worker."""

    def __init__(self) -> None:
        self.looked = 0
        self.live = self
        self.spread: Callable[[], Awaitable[None]] | None = None

    async def refresh(self) -> bool:
        self.looked += 1
        return True


async def test_what_one_changes_is_looked_at_by_the_others(two: Sequence[Worker]) -> None:
    controls, keys = (Looking(), Looking()), (Looking(), Looking())
    for worker, control, known in zip(two, controls, keys, strict=True):
        worker.together.change(cast(AdminSide, control), cast(SqlKeys, known))
    assert controls[0].spread is not None
    await controls[0].spread()
    assert [each.looked for each in (*controls, *keys)] == [0, 1, 0, 1]
    await two[1].together.close()
    await controls[0].spread()


async def test_what_one_lacks_is_said_by_all(two: Sequence[Worker]) -> None:
    one, other = two
    assert await other.together.missing() == []
    one.lacking.append("ledger: the disk is full")
    assert await other.together.missing() == ["worker 1: ledger: the disk is full"]
    assert await one.together.missing() == []
    assert b'waypost_ready{worker="2"} 1.0' in await one.together.metrics()


async def test_the_first_works_batches_off_for_all(two: Sequence[Worker]) -> None:
    one, other = two
    assert one.together.batches is None
    ask = other.together.batches
    assert ask is not None
    errand = Errand("batch", "GET", KEY, "batch_1", b"a=1", {b"a": b"b"}, b"{}")
    assert await ask(errand) == b'{"id":"batch_1"}'
    assert one.storeroom.asked == [errand]
    with pytest.raises(NotFound):
        await ask(msgspec.structs.replace(errand, name="none"))
    await one.together.close()
    with pytest.raises(StoreUnavailable, match="Worker 1"):
        await ask(errand)


async def test_the_first_takes_orders_for_rehearsals_and_all_take_part(two: Sequence[Worker]) -> None:
    one, other = two
    assert one.together.orders is None
    assert other.together.rehearsing is None
    assert other.together.orders is not None
    told = await other.together.orders.answer(Errand("drill", "GET", KEY, "d-1"))
    assert msgspec.json.encode(told) == b'{"asked":"d-1"}'
    assert one.together.rehearsing is not None
    begun = Rehearsal("d-1", Scope(("p1",)), Fault("503", 0, 0.0), 9.0)
    assert set(await one.together.rehearsing(begun)) == {2}
    assert [each.drill_id for each in other.drills.running] == ["d-1"]


async def test_answers_that_another_makes_are_ended_and_followed_there(two: Sequence[Worker]) -> None:
    one, other = two
    elsewhere = one.together.elsewhere
    assert await elsewhere.cancel("resp_1")
    assert not await elsewhere.cancel("resp_2")
    await elsewhere.forget("resp_1")
    assert other.making.forgotten == ["resp_1"]
    assert await elsewhere.follow("resp_2", None) is None
    other.making.log.events.extend((b"one", b"two"))
    following = await elsewhere.follow("resp_1", 0)
    assert following is not None
    assert await following.next() == b"two"
    following.leave()
    assert await following.next() == b""
    async with asyncio.timeout(20):
        while other.making.log.followers:  # noqa: ASYNC110 - it comes over a socket
            await asyncio.sleep(0)


async def test_an_answer_for_an_idempotency_key_is_told_by_the_worker_that_makes_it(
    two: Sequence[Worker],
) -> None:
    one, other = two
    made = SharedMaking()
    claim = Claim("k1", b"d" * 32, b"f" * 32, "x1", 0.0, 9.0, f"{node_of(one.folder)}-2")

    def retell(key_id: str, digest: bytes, exchange_id: str) -> Retelling:
        if (key_id, digest) != made.shared.scope or exchange_id != "x1":
            raise NotFound("This answer is not made here any more.")
        return Retelling(made.shared, made.shared.attach())

    other.together.retell(retell)
    telling = await one.together.follow(claim)
    assert telling is not None
    await made.recorder.start(200, [])
    assert await telling.next()
    assert made.shared.awaited
    telling.leave()
    async with asyncio.timeout(20):
        while made.shared.awaited:  # noqa: ASYNC110 - it comes over a socket
            await asyncio.sleep(0)
    with pytest.raises(NotFound):
        await one.together.follow(msgspec.structs.replace(claim, exchange_id="x0"))
    assert await one.together.follow(msgspec.structs.replace(claim, node="elsewhere")) is None
    await other.together.close()
    with pytest.raises(NotFound):
        await one.together.follow(claim)
