"""An organization whose credit has no room, and which pays a provider itself: its own keys are asked, and no others."""

from __future__ import annotations

import pytest

from pipeline.crowd import Crowd, Door
from pipeline.test_run_own import P1, P2, brought, failure, posted, prepaid, shown, stage_of
from transcript import CHAT, Stage, completion, error_code, events, streamed
from waypost.config.nodes import Fallback, Leaf
from waypost.config.snapshot import Route
from waypost.core.budget import Budget
from waypost.core.free_tier import FreeTier
from waypost.core.scope import EXCHANGE
from waypost.routing.own import Brought

CREDIT = "organization:org_a:credit"
ALL = Budget("bud_1", "org_a", "all", "organization", "org_a", 10**9, "total")
SMALL = {**CHAT, "max_tokens": 5}


def empty(*own: Brought, script: list[object] | None = None, **more: object) -> Stage:
    """A stage whose organization had credit, and has none left."""
    stage = stage_of(*own, script=script, purse=True, **more)  # type: ignore[arg-type]
    prepaid(stage, 0)
    return stage


def left_out(stage: Stage) -> list[tuple[str, str]]:
    decision = stage.ledger.settled[-1].decision
    assert decision is not None
    return [(each.target, each.reason) for each in decision.excluded]


async def test_ones_own_key_is_asked_and_nobody_elses() -> None:
    stage = empty(brought("mine", "sk-mine"))
    stage.rule(ALL)
    assert (await stage.ask(SMALL)).status == 200
    assert shown(stage) == ["sk-mine"]
    assert left_out(stage) == [("p1/m1", "credit")]
    assert [each.target for each in stage.exchange.decision.order] == ["p1#cred_mine:1/m1"]  # type: ignore[union-attr]
    assert await posted(stage, "organization:org_a:total") == stage.exchange.cost_nusd == 39
    assert stage.exchange.accounts == ("organization:org_a:total",)


async def test_a_stream_too() -> None:
    stage = empty(brought("mine", "sk-mine"), script=[streamed(events())])
    assert (await stage.ask({**SMALL, "stream": True})).finished
    assert shown(stage) == ["sk-mine"]


@pytest.mark.parametrize("use", ["first", "last", "only"])
async def test_whatever_its_place_is(use: str) -> None:
    stage = empty(brought("mine", "sk-mine", use=use))
    assert (await stage.ask(SMALL)).status == 200
    assert shown(stage) == ["sk-mine"]


async def test_the_operators_key_does_not_follow_one_that_is_refused() -> None:
    stage = empty(brought("mine", "sk-mine"), script=[failure(429)])
    client = await stage.ask(SMALL)
    assert (client.status, shown(stage)) == (429, ["sk-mine"])
    again = await stage.ask(SMALL, number=2)  # it is parked now, and the operator's is not paid for
    assert (again.status, error_code(again.body)) == (402, "credits_exhausted")
    assert shown(stage) == ["sk-mine"]
    assert left_out(stage) == [("p1#cred_mine:1/m1", "parked"), ("p1/m1", "credit")]


async def test_without_a_key_for_what_was_asked_it_is_refused_as_ever() -> None:
    for own in ((), (brought("mine", "sk-mine", provider="p2", origin="https://p2.example"),)):
        stage = empty(*own)
        client = await stage.ask(SMALL)
        assert (client.status, error_code(client.body)) == (402, "credits_exhausted")
        assert shown(stage) == []


async def test_a_key_that_can_not_be_used_is_none() -> None:
    stage = empty(brought("mine", "sk-mine", expires_at=1.0))
    client = await stage.ask(SMALL)
    assert (client.status, error_code(client.body)) == (402, "credits_exhausted")


async def test_of_several_providers_those_with_a_key_are_left() -> None:
    own = brought("mine", "sk-mine", provider="p2", origin="https://p2.example")
    stage = empty(own, targets=(P1, P2))
    stage.snapshot.routes["fast"] = Route("fast", (P1, P2), node=Fallback((Leaf(P1), Leaf(P2))))
    assert (await stage.ask(SMALL)).status == 200
    assert [origin.host for origin, _, _ in stage.upstream.sent] == ["p2.example"]
    assert left_out(stage) == [("p1/m1", "credit"), ("p2/m1", "credit")]


async def test_a_hedge_does_not_go_to_the_operators_keys() -> None:
    door = Door()
    stage = empty(brought("mine", "sk-mine"), script=[door, completion()], targets=(P1, P2))
    stage.snapshot.routes["fast"] = Route("fast", (P1, P2), node=Fallback((Leaf(P1), Leaf(P2))))
    stage.planner.hedge_after_s = 0.0
    crowd = Crowd(stage)
    crowd.ask(SMALL, headers={})
    await crowd.until(200)
    assert shown(stage) == ["sk-mine"]
    door.opened.set()
    await crowd.all()


async def test_budgets_hold_all_the_same() -> None:
    stage = empty(brought("mine", "sk-mine"))
    stage.rule(Budget("bud_1", "org_a", "all", "organization", "org_a", 1, "total"))
    client = await stage.ask(SMALL)
    assert (client.status, error_code(client.body)) == (402, "budget_exceeded")
    assert shown(stage) == []


async def test_while_there_is_room_both_are_in_the_plan_and_held_on() -> None:
    stage = stage_of(brought("mine", "sk-mine"), script=[failure(429), completion()], purse=True)
    prepaid(stage, 10**9)
    assert (await stage.ask(SMALL)).status == 200
    assert shown(stage) == ["sk-mine", "upstream-secret"]
    assert await posted(stage, CREDIT) == 39


async def test_many_at_once_never_overshoot_the_credit() -> None:
    """It has room for two of ten: two could fall back to the operator's key, and eight may not."""
    only = brought("mine", "sk-mine", use="only")
    order = Route("fast", (P1, P2), node=Fallback((Leaf(P1), Leaf(P2))))
    probe = stage_of(only, targets=(P1, P2), purse=True)
    probe.snapshot.routes["fast"] = order
    prepaid(probe, 10**9)
    await probe.ask(SMALL)
    most = probe.ledger.holds[0].amount_nusd
    door = Door()
    stage = stage_of(only, targets=(P1, P2), purse=True)
    stage.snapshot.routes["fast"] = order
    stage.upstream.scripts = {
        "p1": [*[door] * 10, *[failure(500) for _ in range(10)]],
        "p2": [completion() for _ in range(2)],
    }
    prepaid(stage, 2 * most)
    crowd = Crowd(stage)
    for _ in range(10):
        crowd.ask(SMALL, headers={})
    await crowd.until()
    door.opened.set()
    await crowd.all()
    assert sorted(client.status for client in crowd.clients) == [200] * 2 + [502] * 8
    assert shown(stage) == ["sk-mine"] * 10 + ["upstream-secret"] * 2
    assert sum(CREDIT in record.accounts for record in crowd.records().values()) == 2
    assert await posted(stage, CREDIT) == 2 * 39


@pytest.mark.parametrize("credit", [None, 0])
async def test_a_free_tier_that_is_used_up_is_the_same(credit: int | None) -> None:
    stage = stage_of(brought("mine", "sk-mine"), purse=True)
    stage.directory.offer(FreeTier(EXCHANGE, requests=True, period="day"))
    if credit is not None:
        prepaid(stage, credit)
    stage.own.give([])
    first = await stage.ask(SMALL)
    assert first.header(b"x-waypost-free-tier") is not None
    stage.own.give([brought("mine", "sk-mine")])
    client = await stage.ask(SMALL, number=2)
    assert (client.status, client.header(b"x-waypost-free-tier")) == (200, None)
    assert shown(stage) == ["upstream-secret", "sk-mine"]
    assert left_out(stage) == [("p1/m1", "credit")]
