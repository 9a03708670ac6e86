from __future__ import annotations

import pytest

from transcript import Stage, provider, target
from waypost.core.budget import Budget
from waypost.core.key import Key
from waypost.core.people import DEFAULT, Organization, Team
from waypost.dialects.lane import Lanes
from waypost.dialects.registry import DIALECTS
from waypost.errors import Forbidden, InvalidRequest, ModelNotFound, Unpriced
from waypost.pipeline.plans import OPERATOR, Planned, key_of
from waypost.routing.fixed_board import FixedBoard
from waypost.routing.plan import Planner

FIRST, SECOND = target(provider("p1")), target(provider("p2"), priority=2)
CHAT = DIALECTS["openai_chat"]


def planned(stage: Stage, board: FixedBoard | None = None) -> Planned:
    planner = Planner(lambda: 0.0)
    return Planned(lambda: stage.snapshot, Lanes(DIALECTS), stage.clock, planner, board or FixedBoard())


def ask(stage: Stage, key: Key = OPERATOR, model: str = "fast", **more: object) -> list[str]:
    import msgspec

    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **more}
    asked = CHAT.parse_ask(msgspec.json.encode(body))
    _, plan = planned(stage).plan_of(asked, CHAT, {}, key)
    return [each.target.name for each in plan.candidates]


def test_where_a_request_would_go_and_nothing_is_taken() -> None:
    stage = Stage(targets=(FIRST, SECOND))
    assert ask(stage) == ["p1/m1", "p2/m1"]
    assert (stage.ledger.holds, stage.ledger.marks, stage.upstream.sent) == ([], [], [])
    assert stage.limits.prune(0.0) == 0


def test_the_lane_fits_a_wanted_shape() -> None:
    stage = Stage(targets=(FIRST,))
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    assert ask(stage, response_format=schema) == ["p1/m1"]


@pytest.mark.parametrize(
    ("key", "model", "more", "error"),
    [
        (key_of("k", ("slow",)), "fast", {}, Forbidden),
        (key_of("k", ("fast",)), "fast", {"models": ["gpt-5"]}, Forbidden),
        (OPERATOR, "nothing", {}, ModelNotFound),
        (OPERATOR, "fast", {"waypost": {"nonsense": 1}}, InvalidRequest),
    ],
)
def test_it_authorizes_like_the_real_call(
    key: Key, model: str, more: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        ask(Stage(targets=(FIRST,)), key, model, **more)


def test_a_budget_wants_prices_as_it_does_of_the_real_call() -> None:
    stage = Stage(targets=(target(provider("p1"), tariff=None),))
    with pytest.raises(Unpriced):
        ask(stage, key_of("k", budget_nusd=5))
    assert ask(stage, key_of("k")) == ["p1/m1"]


def test_a_plan_without_candidates_is_told_and_not_raised() -> None:
    stage = Stage(targets=(FIRST, target(provider("p2", dialects=("openai_embeddings",)))))
    asked = CHAT.parse_ask(b'{"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}')
    route, plan = planned(stage, FixedBoard(parked=["p1"])).plan_of(asked, CHAT, {}, OPERATOR)
    assert (route.name, plan.candidates) == ("fast", ())
    assert plan.decision is not None
    assert {each.target: each.reason for each in plan.decision.excluded} == {
        "p1/m1": "parked",
        "p2/m1": "operation",
    }
    assert plan.soonest_s is None, "it is parked for ever"


def test_the_command_lines_own_key_is_no_key_of_a_client() -> None:
    assert OPERATOR.operator
    assert OPERATOR.digest == b""


def test_it_is_held_to_the_rules_of_whom_the_key_belongs_to() -> None:
    stage = Stage(targets=(FIRST, target(provider("p2"), tariff=None)))
    stage.rule(Team("team_w", DEFAULT, "web"), Budget("bud_1", DEFAULT, "b", "tag", "cost:42", 10))
    planner = Planner(lambda: 0.5)
    plans = Planned(
        lambda: stage.snapshot, Lanes(DIALECTS), stage.clock, planner, FixedBoard(), directory=stage.directory
    )
    asked = CHAT.parse_ask(b'{"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}')
    key = key_of("k", team_id="team_w")
    assert plans.plan_of(asked, CHAT, {}, key)[0].name == "fast"
    with pytest.raises(Unpriced):
        plans.plan_of(asked, CHAT, {b"x-waypost-metadata": b'{"cost":"42"}'}, key)
    stage.rule(Team("team_w", DEFAULT, "web", models=("slow",)))
    with pytest.raises(Forbidden, match="the team 'web'"):
        plans.plan_of(asked, CHAT, {}, key)
    stage.rule(Organization(DEFAULT, "default", suspended=True))
    with pytest.raises(Forbidden, match="suspended"):
        plans.plan_of(asked, CHAT, {}, key)


@pytest.mark.parametrize(
    ("model", "spoken"),
    [("claude-5", "anthropic_messages"), ("gpt-6", "openai_responses"), ("kimi-k3", "openai_chat")],
)
def test_a_model_is_asked_in_a_dialect_that_it_is_served_in(model: str, spoken: str) -> None:
    serves = {"claude-*": ("anthropic_messages",), "gpt-*": ("openai_responses",), "*": ("openai_chat",)}
    zen = provider("p1", dialects=("openai_chat", "openai_responses", "anthropic_messages"), serves=serves)
    stage = Stage(targets=(target(zen, model),))
    for client in ("openai_chat", "anthropic_messages"):
        dialect = DIALECTS[client]
        asked = dialect.parse_ask(
            b'{"model": "fast", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}'
        )
        _, plan = planned(stage, FixedBoard()).plan_of(asked, dialect, {}, OPERATOR)
        assert [each.lane.target.name for each in plan.candidates] == [spoken]
