"""Rehearsals by order, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from copy import copy
from io import StringIO
from pathlib import Path

import msgspec
import pytest

from ledger.books import exchange
from transcript import FakeClock, Stage, provider, target
from waypost.app.drill_trail import DrillTrail
from waypost.app.drills import Rehearsal, Rehearsals
from waypost.config.snapshot import OrgRoutes, Route
from waypost.core.deed import Deed, Done, Kept, Wanted
from waypost.core.key import Key
from waypost.edge.gate import Errand
from waypost.errors import InvalidRequest, ModelNotFound, NotFound, StoreUnavailable
from waypost.pipeline.plans import OPERATOR
from waypost.pipeline.rehearsal import Drill, Drills, Scope
from waypost.pipeline.rehearsal_report import Report
from waypost.pipeline.rehearsal_tally import Counts, Spread
from waypost.routing.fixed_board import FixedBoard
from waypost.telemetry.logs import Log
from waypost.upstream.drill import Fault

EU, US = (target(provider("p1", key_name=name, region=name)) for name in ("eu", "us"))
OTHER = target(provider("p2"), "m2")
KEYS = (
    Key("k1", "staging", b"", "", 0.0),
    Key("k2", "twin", b"", "", 0.0),
    Key("k3", "twin", b"", "", 0.0),
    Key("k4", "gone", b"", "", 0.0, revoked_at=1.0),
)


BY = Deed("operator", "machine")


class Rows:
    """`ports.audit.AuditLog`, as far as it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Deed, Done]] = []
        self.deed = Deed()
        self.away = False

    def by(self, deed: Deed) -> Rows:
        made = copy(self)
        made.deed = deed
        return made

    def add(self, done: Done) -> None:
        if self.away:
            raise StoreUnavailable("The database does not answer.")
        self.told.append((self.deed, done))

    def page(self, wanted: Wanted, before: int | None, limit: int) -> Sequence[Kept]:
        raise NotImplementedError


class Room:
    """Rehearsals over a pipeline's worth of configuration."""

    def __init__(self, data: Path) -> None:
        self.clock = FakeClock()
        self.log = StringIO()
        self.stage = Stage(targets=(EU, US, OTHER))
        self.drills = Drills(self.clock, lambda: 0.0)
        self.scopes: list[Scope] = []
        self.rows = Rows()
        self.rehearsals = Rehearsals(
            drills=self.drills,
            snapshot=lambda: self.stage.snapshot,
            keys=self._keys,
            home={"acme": "org_acme"}.get,
            before=self._before,
            board=FixedBoard,
            data=data,
            clock=self.clock,
            log=Log(self.log, self.clock.wall),
            trail=DrillTrail(self.rows, Log(self.log, self.clock.wall)),
            sleep=self._sleep,
        )

    async def _keys(self, named: str) -> Sequence[Key]:
        return [key for key in KEYS if named in (key.key_id, key.name)]

    async def _before(self, scope: Scope) -> Spread | None:
        self.scopes.append(scope)
        return Spread(2, 1.0, 2.0)

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)

    async def start(self, **wanted: object) -> Report:
        body = {"provider": "p1", "fault": "503", "key": "staging", **wanted}
        return await self.rehearsals.start(msgspec.json.encode(body), BY)

    async def ended(self, drill_id: str) -> Report:
        """Its report once it has ended."""
        while True:
            found = await self.rehearsals.find(drill_id)
            assert isinstance(found, Report)
            if found.state == "ended":
                return found
            await asyncio.sleep(0)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


async def test_it_begins_ends_by_itself_and_leaves_a_report(room: Room, tmp_path: Path) -> None:
    begun = await room.start(duration="10m", models=["m1"], region="eu", route="quick")
    assert (begun.state, begun.left_s, begun.order.key, begun.order.route) == (
        "running",
        600.0,
        "staging",
        "fast",
    )
    assert begun.before == Spread(2, 1.0, 2.0)
    assert room.scopes == [Scope(("p1",), ("m1",), "eu", "k1", "fast")]
    (drill,) = room.drills.running
    assert (drill.scope.covers(EU), drill.scope.covers(US), drill.scope.covers(OTHER)) == (True, False, False)
    part = drill.begin()
    room.clock.advance(600.0)
    for _ in range(5):
        await asyncio.sleep(0)
    waiting = await room.rehearsals.find(begun.id)
    assert isinstance(waiting, Report)
    assert (waiting.state, waiting.in_flight, room.drills.running) == ("ending", 1, ())
    part.settle(exchange(1))
    told = await room.ended(begun.id)
    assert (told.end, told.numbers.requests, told.lost) == ("time", 1, 0)
    kept = (tmp_path / "drills" / f"{begun.id}.json").read_bytes()
    assert msgspec.json.decode(kept, type=Report) == told
    assert (tmp_path / "drills" / f"{begun.id}.md").read_text().startswith(f"# Outage rehearsal {begun.id}")
    assert "an outage rehearsal ended" in room.log.getvalue()


async def test_it_can_be_stopped_and_stopping_again_changes_nothing(room: Room) -> None:
    begun = await room.start()
    assert room.rehearsals.stop(begun.id, BY).state in ("ending", "ended")
    assert room.drills.running == ()
    told = await room.ended(begun.id)
    assert told.end == "stopped"
    assert room.rehearsals.stop(begun.id, BY) == told


async def test_the_gateways_end_ends_it_with_a_report_that_the_next_one_finds(
    room: Room, tmp_path: Path
) -> None:
    begun = await room.start(duration="1h")
    await asyncio.sleep(0)
    await room.rehearsals.close()
    later = Room(tmp_path)
    found = await later.rehearsals.find(begun.id)
    assert isinstance(found, msgspec.Raw)
    kept = msgspec.json.decode(found, type=Report)
    assert (kept.state, kept.end) == ("ended", "shutdown")


async def test_orders_by_the_desk(room: Room) -> None:
    body = b'{"provider": "p1", "fault": "cut", "after": 2, "share": 0.5}'
    begun = await room.rehearsals.answer(Errand("drills", "POST", OPERATOR, body=body))
    assert isinstance(begun, Report)
    assert (begun.order.fault.after, begun.order.share) == (2, 0.5)
    listed = await room.rehearsals.answer(Errand("drills", "GET", OPERATOR))
    assert listed == {"object": "list", "data": [begun]}
    assert await room.rehearsals.answer(Errand("drill", "GET", OPERATOR, begun.id)) == begun
    stopped = await room.rehearsals.answer(Errand("drill", "DELETE", OPERATOR, begun.id))
    assert isinstance(stopped, Report)
    assert room.drills.running == ()
    await room.rehearsals.close()


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ({"fault": "418"}, "fault"),
        ({"provider": "nobody"}, "provider"),
        ({"provider": None}, "provider"),
        ({"share": 0}, "share"),
        ({"share": 1.5}, "share"),
        ({"duration": "0s"}, "duration"),
        ({"duration": "25h"}, "duration"),
        ({"duration": "soon"}, "duration"),
        ({"delay": "soon"}, "delay"),
        ({"after": -1}, "after"),
        ({"key": "nobody"}, "key"),
        ({"key": "twin"}, "key"),
        ({"key": "gone"}, "key"),
        ({"models": ["none"]}, "models"),
        ({"region": "mars"}, "provider"),
        ({"key": None}, "everyone"),
        ({"nonsense": 1}, None),
        ({"share": "all"}, None),
    ],
)
async def test_orders_that_are_refused(room: Room, wanted: dict[str, object], param: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await room.start(**wanted)
    assert refused.value.param == param
    assert room.drills.running == ()


async def test_a_route_that_there_is_not(room: Room) -> None:
    with pytest.raises(ModelNotFound):
        await room.start(route="nothing")


async def test_everyone_has_to_be_said(room: Room) -> None:
    begun = await room.start(key=None, everyone=True)
    assert begun.order.key is None
    await room.rehearsals.close()


async def test_only_a_few_run_at_once(room: Room) -> None:
    begun = [await room.start() for _ in range(4)]
    assert len({each.id for each in begun}) == 4
    with pytest.raises(InvalidRequest, match="4 rehearsals"):
        await room.start()
    room.rehearsals.stop(begun[0].id, BY)
    assert (await room.start()).state == "running"
    await room.rehearsals.close()


async def test_not_more_run_when_they_are_ordered_at_the_same_time(room: Room) -> None:
    told = await asyncio.gather(*(room.start() for _ in range(6)), return_exceptions=True)
    assert [isinstance(each, InvalidRequest) for each in told] == [False] * 4 + [True] * 2
    await room.rehearsals.close()


@pytest.mark.parametrize("name", ["none", "d-20260921-141320-9", "../waypost", "d-20260921-141320-1/../../x"])
async def test_what_is_not_there(room: Room, name: str) -> None:
    with pytest.raises(NotFound):
        await room.rehearsals.find(name)
    with pytest.raises(NotFound):
        room.rehearsals.stop(name, BY)


async def test_a_disk_that_takes_no_report_is_told_of_and_the_numbers_stay(
    room: Room, tmp_path: Path
) -> None:
    (tmp_path / "drills").write_text("in the way")
    begun = await room.start()
    room.rehearsals.stop(begun.id, BY)
    assert (await room.ended(begun.id)).end == "stopped"
    assert "could not be written" in room.log.getvalue()


async def test_old_ones_are_forgotten_and_running_ones_are_not(room: Room) -> None:
    first = await room.start()
    for _ in range(60):
        begun = await room.start()
        room.rehearsals.stop(begun.id, BY)
        await room.ended(begun.id)
    listed = await room.rehearsals.answer(Errand("drills", "GET", OPERATOR))
    assert isinstance(listed, dict)
    assert len(listed["data"]) <= 50
    assert listed["data"][0].id == first.id
    await room.rehearsals.close()


async def test_other_workers_take_part_and_their_counts_are_in_the_report(room: Room, tmp_path: Path) -> None:
    told: list[Rehearsal] = []
    theirs = Drill("d", Scope(("p1",)), Fault("503"), 0.0, 9.0, None)
    theirs.begin().settle(exchange(5, 20))

    async def elsewhere(one: Rehearsal) -> Mapping[int, Counts]:
        told.append(one)
        return {2: theirs.counts()}

    room.rehearsals._elsewhere = elsewhere
    begun = await room.start(duration="10m")
    assert (told[0].drill_id, told[0].left_s, told[0].scope.key_id) == (begun.id, 600.0, "k1")
    assert begun.numbers.requests == 1
    stopped = await room.rehearsals.answer(Errand("drill", "DELETE", OPERATOR, begun.id))
    assert isinstance(stopped, Report)
    assert told[-1].left_s == 0.0
    assert (await room.ended(begun.id)).numbers.requests == 1


async def test_a_route_of_an_organization(room: Room) -> None:
    route = Route("route/own", room.stage.targets, "route", owner="org_acme", own=("route/own",))
    own = {"org_acme": OrgRoutes({"route/own": route})}
    room.stage.snapshot = msgspec.structs.replace(room.stage.snapshot, own=own)
    wanted = {"provider": "p1", "route": "route/own", "organization": "acme"}
    await room.start(**wanted)
    (drill,) = room.drills.running
    assert (drill.scope.route, drill.scope.owner) == ("route/own", "org_acme")
    for wrong in ({"organization": "nobody"}, {"route": "route/none"}):
        with pytest.raises(InvalidRequest) as caught:
            await room.start(**{**wanted, **wrong})
        assert caught.value.param == "route"
    await room.rehearsals.close()


async def test_the_audit_log_tells_who_begins_one_and_who_ends_it(room: Room) -> None:
    body = msgspec.json.encode({"provider": "p1", "fault": "503", "key": "staging", "duration": "10m"})
    asked = Errand("drills", "POST", OPERATOR, body=body, request_id="r1", address="127.0.0.1")
    begun = await room.rehearsals.answer(asked)
    assert isinstance(begun, Report)
    ((deed, done),) = room.rows.told
    assert deed == Deed("operator", "machine", "start_drill", "", "r1", "127.0.0.1")
    assert (done.kind, done.object_id, done.name) == ("drill", begun.id, "503 of p1")
    assert done.changes == {
        "key_id": [None, "k1"],
        "providers": [None, ["p1"]],
        "key": [None, "staging"],
        "share": [None, 1.0],
        "fault": [None, "503"],
        "duration_s": [None, 600.0],
    }
    room.clock.advance(200.0)
    by_key = Key("k9", "ops", b"", "", 0.0, user_id="u1", operator=True)
    for _ in range(2):
        await room.rehearsals.answer(Errand("drill", "DELETE", by_key, begun.id, request_id="r2"))
    await room.ended(begun.id)
    await room.rehearsals.close()
    deed, done = room.rows.told[1]
    assert deed == Deed("user:u1", "key:k9", "stop_drill", "", "r2")
    assert (done.object_id, done.changes) == (begun.id, {"left_s": [400.0, 0]})
    assert len(room.rows.told) == 2, "stopping again is nothing new"


async def test_without_its_row_none_begins(room: Room) -> None:
    room.rows.away = True
    with pytest.raises(StoreUnavailable):
        await room.start()
    assert room.drills.running == ()
    assert await room.rehearsals.answer(Errand("drills", "GET", OPERATOR)) == {"object": "list", "data": []}


async def test_no_more_begin_at_once_than_may_run(room: Room) -> None:
    told = await asyncio.gather(*(room.start() for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(each, InvalidRequest) for each in told) == 2
    assert len(room.drills.running) == 4
    await room.rehearsals.close()
