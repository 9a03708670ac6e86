from __future__ import annotations

import msgspec

from ledger.books import exchange
from transcript import FakeClock
from waypost.app.drills import Rehearsal
from waypost.app.workers.drilling import Followed
from waypost.pipeline.rehearsal import Drills, Scope
from waypost.pipeline.rehearsal_tally import Counts
from waypost.routing.fixed_board import FixedBoard
from waypost.upstream.drill import Fault


class Rig:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.drills = Drills(self.clock, lambda: 0.0)
        self.followed = Followed(self.drills, FixedBoard, self.clock)

    async def tell(self, left_s: float, drill_id: str = "d-1") -> Counts:
        told = Rehearsal(drill_id, Scope(("p1",)), Fault("503", 0, 0.0), left_s)
        return msgspec.msgpack.decode(await self.followed.answer(msgspec.msgpack.encode(told)), type=Counts)


async def test_it_takes_part_until_it_is_over_and_counts() -> None:
    rig = Rig()
    assert (await rig.tell(60.0)).requests == 0
    (drill,) = rig.drills.running
    assert (drill.drill_id, drill.scope, drill.fault.kind) == ("d-1", Scope(("p1",)), "503")
    part = drill.begin()
    assert (await rig.tell(60.0)).in_flight == 1
    part.settle(exchange(1, 30, ("key:a:total",)))
    counts = await rig.tell(0.0)
    assert (counts.requests, counts.in_flight, counts.lost, counts.cost_nusd) == (1, 0, 0, 30)
    assert rig.drills.running == ()


async def test_it_ends_when_nobody_leads_it_any_more() -> None:
    rig = Rig()
    await rig.tell(600.0)
    (drill,) = rig.drills.running
    rig.clock.now += 4.0
    await rig.tell(596.0)
    rig.clock.now += 4.0
    assert not drill.over(rig.clock.monotonic())
    rig.clock.now += 1.0
    assert drill.over(rig.clock.monotonic())
    await rig.tell(10.0, "d-2")
    assert [each.drill_id for each in rig.drills.running] == ["d-2"]


async def test_one_that_is_over_when_it_is_heard_of_is_not_begun() -> None:
    rig = Rig()
    assert (await rig.tell(0.0)).requests == 0
    assert rig.drills.running == ()


async def test_old_ones_are_forgotten() -> None:
    rig = Rig()
    for number in range(60):
        await rig.tell(1.0, f"d-{number}")
        await rig.tell(0.0, f"d-{number}")
    assert len(rig.followed._known) == 50
