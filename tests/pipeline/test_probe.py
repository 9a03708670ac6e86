"""One word of a provider that nobody asked: an attempt as any other, and billed to no key."""

from __future__ import annotations

import msgspec

from transcript import Stage, completion, provider, target
from waypost.config.snapshot import Route
from waypost.config.targets import Probe
from waypost.core.budget import Budget
from waypost.dialects.lane import Lanes
from waypost.dialects.registry import DIALECTS
from waypost.errors import Unavailable
from waypost.pipeline.probe import Prober

P = provider("p", probe=Probe("m1", 30.0), retries=0)


def prober(stage: Stage) -> Prober:
    return Prober(
        run=stage.pipeline.attempts.run,
        admit=stage.pipeline.admission.admit_own,
        snapshot=lambda: stage.snapshot,
        dialect=DIALECTS["openai_chat"],
        lanes=Lanes(DIALECTS),
        board=stage.board,
        clock=stage.clock,
        settle=stage.pipeline._settle,
        new_id=lambda: "x1",
    )


async def test_a_word_is_asked_for_and_the_board_hears_of_it() -> None:
    stage = Stage([completion()], targets=(target(P),))
    assert await prober(stage).ask(P)
    sent = msgspec.json.decode(stage.upstream.sent[0][2])
    assert (sent["model"], sent["max_tokens"]) == ("m1", 16)
    assert stage.board.ends == [("p", "ok")]
    assert (stage.exchange.exchange_id, stage.exchange.key_id, stage.exchange.outcome) == (
        "x1-probe",
        None,
        "ok",
    )
    assert stage.exchange.accounts == ()


async def test_a_failure_is_told_to_the_board_and_to_nobody_else() -> None:
    stage = Stage([Unavailable("down")], targets=(target(P),))
    assert not await prober(stage).ask(P)
    assert stage.board.ends == [("p", "upstream_unavailable")]
    assert (stage.exchange.outcome, stage.exchange.error) == ("failed", "upstream_unavailable")


async def test_one_that_may_not_be_asked_is_not() -> None:
    stage = Stage([], targets=(target(P),))
    stage.board.closed = {"p"}
    assert not await prober(stage).ask(P)
    assert stage.upstream.sent == []
    assert (stage.exchange.outcome, stage.exchange.error) == ("refused", "all_targets_down")


async def test_without_a_probe_or_a_dialect_for_it_nothing_is_asked() -> None:
    stage = Stage([], targets=(target(P),))
    assert not await prober(stage).ask(provider("q"))
    assert not await prober(stage).ask(provider("r", probe=Probe("m", 1.0), dialects=("cohere_rerank",)))
    assert stage.ledger.settled == []


async def test_a_probe_is_held_on_the_gateways_own_budget_and_not_sent_without_room() -> None:
    for limit, asked in ((10**9, True), (1, False)):
        stage = Stage([completion()], targets=(target(P),), purse=True)
        stage.snapshot.routes["p/m1"] = Route("p/m1", (target(P),))
        stage.rule(Budget("bud_1", "", "all", "gateway", "*", limit, "total"))
        assert await prober(stage).ask(P) is asked
        assert stage.exchange.accounts == (("gateway:*:total",) if asked else ())
        assert len(stage.upstream.sent) == asked
        assert stage.exchange.error == (None if asked else "budget_exceeded")
