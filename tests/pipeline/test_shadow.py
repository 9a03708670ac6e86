"""Copies beside: looked at, paid by nobody, waited for by nobody."""

from __future__ import annotations

import asyncio

from transcript import CHAT, STREAM, Stage, completion, events, provider, streamed, target
from waypost.core.budget import Budget
from waypost.core.record import Exchange
from waypost.errors import Unavailable
from waypost.pipeline import shadow

MAIN, BESIDE = target(provider("main")), target(provider("beside", retries=0))


async def asked(stage: Stage, body: object) -> tuple[Exchange, Exchange]:
    stage.planner.shadows = (BESIDE,)
    client = await stage.ask(body)
    assert client.status == 200
    assert client.header(b"x-waypost-provider") == b"main"
    for _ in range(20):
        await asyncio.sleep(0)
    served, copy = sorted(stage.ledger.settled, key=lambda each: len(each.exchange_id))
    return served, copy


async def test_the_copy_is_an_exchange_of_its_own_and_billed_to_no_key() -> None:
    stage = Stage({"main": [completion()], "beside": [completion(output=5)]}, targets=(MAIN, BESIDE))
    served, copy = await asked(stage, CHAT)
    assert (served.exchange_id, served.key_id, served.cost_nusd) == ("x1", "k1", 39)
    assert (copy.exchange_id, copy.key_id, copy.cost_nusd) == ("x1-shadow1", None, 59)
    assert (copy.outcome, copy.accounts, copy.route) == ("ok", (), "fast")
    assert [attempt.role for attempt in (*served.attempts, *copy.attempts)] == ["first", "shadow"]
    assert stage.upstream.sent[0][2] == stage.upstream.sent[1][2]


async def test_a_streamed_copy_is_read_to_its_end() -> None:
    stage = Stage({"main": [streamed(events())], "beside": [streamed(events())]}, targets=(MAIN, BESIDE))
    _, copy = await asked(stage, STREAM)
    assert (copy.outcome, copy.cost_nusd) == ("ok", 39)


async def test_a_copy_that_fails_is_recorded_and_troubles_nobody() -> None:
    stage = Stage({"main": [completion()], "beside": [Unavailable("x")]}, targets=(MAIN, BESIDE))
    served, copy = await asked(stage, CHAT)
    assert served.outcome == "ok"
    assert (copy.outcome, copy.error) == ("failed", "upstream_unavailable")


async def test_copies_are_bounded() -> None:
    async def never() -> None:
        await asyncio.get_running_loop().create_future()

    many = shadow.AT_ONCE + 3
    stage = Stage(
        {"main": [completion() for _ in range(many)], "beside": [never] * many}, targets=(MAIN, BESIDE)
    )
    stage.planner.shadows = (BESIDE,)
    for number in range(many):
        await stage.ask(CHAT, number=number)
        await asyncio.sleep(0)
    shadows = stage.pipeline._shadows
    assert shadows.skipped == 3
    await stage.pipeline.stop()
    assert len(stage.ledger.settled) == many + shadow.AT_ONCE
    assert {each.attempts[0].state for each in stage.ledger.settled if each.key_id is None} == {"unknown"}


async def test_a_budget_of_the_whole_gateway_counts_copies_and_where_it_has_no_room_none_is_sent() -> None:
    def stage(limit: int) -> Stage:
        made = Stage(
            {"main": [completion()], "beside": [completion(output=5)]}, targets=(MAIN, BESIDE), purse=True
        )
        made.rule(Budget("bud_1", "", "all", "gateway", "*", limit, "total"))
        return made

    made = stage(10**9)
    _, copy = await asked(made, {**CHAT, "max_tokens": 10})
    assert copy.accounts == ("gateway:*:total",)
    assert made.ledger.purse.account("gateway:*:total").posted_nusd == 39 + 59  # type: ignore[attr-defined]
    made = stage(130)
    _, copy = await asked(made, {**CHAT, "max_tokens": 10})
    assert (copy.outcome, copy.error, copy.status) == ("refused", "budget_exceeded", 402)
    assert len(made.upstream.sent) == 1
