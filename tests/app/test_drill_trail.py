from __future__ import annotations

import asyncio
from io import StringIO

import pytest

from app.test_drills import Rows
from waypost.app.drill_trail import DrillTrail, deed_of
from waypost.core.deed import Deed
from waypost.core.key import Key
from waypost.edge.gate import Errand
from waypost.pipeline.plans import OPERATOR
from waypost.pipeline.rehearsal import Scope
from waypost.pipeline.rehearsal_report import Order
from waypost.telemetry.logs import Log
from waypost.upstream.drill import Fault

ORDER = Order(("p1", "p2"), ("m1",), "eu", None, "fast", 0.5, Fault("cut"), 60.0)
BY = Deed("operator", "machine")
KEY = Key("k1", "ops", b"", "", 0.0, operator=True)


class Trail:
    def __init__(self, patience_s: float = 60.0) -> None:
        self.rows, self.told = Rows(), StringIO()
        self.tries = 0
        self.trail = DrillTrail(self.rows, Log(self.told, lambda: 0.0), self._sleep, patience_s)

    async def _sleep(self, _: float) -> None:
        self.tries += 1
        await asyncio.sleep(0)


async def test_an_order_is_told_with_all_that_narrows_it() -> None:
    made = Trail()
    await made.trail.begun(BY, "d-1", ORDER, Scope(("p1", "p2"), route="fast", owner="org_a", share=0.5))
    ((_, done),) = made.rows.told
    assert (done.name, done.organization_id) == ("cut of p1, p2", "org_a")
    assert done.changes == {
        "organization_id": [None, "org_a"],
        "providers": [None, ["p1", "p2"]],
        "models": [None, ["m1"]],
        "region": [None, "eu"],
        "route": [None, "fast"],
        "share": [None, 0.5],
        "fault": [None, "cut"],
        "duration_s": [None, 60.0],
    }


async def test_an_end_waits_for_a_database_that_is_away() -> None:
    made = Trail()
    made.rows.away = True
    made.trail.stopped(BY, "d-1", ORDER, "org_a", 12.3456)
    while made.tries < 3:  # noqa: ASYNC110 - it tries again as often as it is let
        await asyncio.sleep(0)
    assert made.rows.told == []
    made.rows.away = False
    await made.trail.close()
    ((deed, done),) = made.rows.told
    assert (deed, done.changes, done.organization_id) == (BY, {"left_s": [12.346, 0]}, "org_a")
    assert made.told.getvalue() == ""


async def test_what_is_never_told_is_in_the_log() -> None:
    made = Trail(patience_s=0.0)
    made.rows.away = True
    made.trail.stopped(BY, "d-1", ORDER, "", 1.0)
    await made.trail.close()
    assert "the audit log was not told who ended a rehearsal" in made.told.getvalue()
    assert made.rows.told == []


@pytest.mark.parametrize(
    ("key", "actor", "via"),
    [
        (OPERATOR, "operator", "machine"),
        (KEY, "key:k1", "key:k1"),
        (Key("k1", "ops", b"", "", 0.0, user_id="u1", operator=True), "user:u1", "key:k1"),
        (Key("k1", "ops", b"", "", 0.0, service_id="s1", operator=True), "service:s1", "key:k1"),
    ],
)
def test_who_orders_is_whoever_the_key_belongs_to(key: Key, actor: str, via: str) -> None:
    deed = deed_of(Errand("drills", "POST", key, request_id="r1", address="10.0.0.1"))
    assert deed == Deed(actor, via, "start_drill", "", "r1", "10.0.0.1")
