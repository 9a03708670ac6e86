from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from transcript import Stage, provider, target
from waypost.config.snapshot import Route, Settings
from waypost.config.targets import Target
from waypost.core.asked import Asked
from waypost.core.decision import Considered, Decision, Excluded
from waypost.core.facts import ModelFacts
from waypost.core.key import Key
from waypost.core.markup import charged
from waypost.core.money import render_usd
from waypost.dialects.dialect import Dialect
from waypost.dialects.lane import Lanes
from waypost.dialects.registry import DIALECTS
from waypost.errors import InvalidRequest
from waypost.pipeline.explain import Explain, Explanation, expected_cost, read_question
from waypost.pipeline.plans import key_of
from waypost.routing.board import Kind
from waypost.routing.fixed_board import FixedBoard, FixedStanding
from waypost.routing.planned import Candidate, Chosen, Plan

KEY = key_of("app")
FIRST = target(provider("p1", key_name="eu"), facts=ModelFacts(max_output=100))
SECOND = target(provider("p2"), tariff=None)
LANES = Lanes(DIALECTS)
BODY = {"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}


class Told:
    """`Plans` that says what it is told to, and remembers what it was asked."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.asked: list[tuple[Asked, str, Mapping[bytes, bytes], Key]] = []

    def plan_of(
        self, asked: Asked, dialect: Dialect, headers: Mapping[bytes, bytes], key: Key
    ) -> tuple[Route, Plan]:
        self.asked.append((asked, dialect.name, headers, key))
        return Route("fast", (FIRST, SECOND)), self.plan


class Measured(FixedBoard):
    def of(self, target: Target) -> FixedStanding:
        class Standing(FixedStanding):
            def measured(self, kind: Kind, percentile: int, input_tokens: int, now: float) -> float | None:
                return 0.25 if (kind, percentile, target) == ("first_token", 50, FIRST) else None

        return Standing()


def candidate(each: Target, **more: object) -> Candidate:
    lane = LANES.find(DIALECTS["openai_chat"], each.provider.dialects)
    assert lane is not None
    return msgspec.structs.replace(Chosen(each, lane, "order"), **more)


PLAN = Plan(
    (candidate(FIRST, rule="price", score=0.5), candidate(SECOND)),
    Decision((Considered("ignored", "only"),), (Excluded("p3/m1", "region", "it is in us"),), ("A note.",)),
    hedge_after_s=1.5,
    shadows=(candidate(SECOND),),
)


def explain(
    body: object, plan: Plan = PLAN, headers: Mapping[bytes, bytes] | None = None
) -> tuple[Explanation, Told]:
    stage, told = Stage(targets=(FIRST, SECOND)), Told(plan)
    explainer = Explain(told, DIALECTS, lambda: stage.snapshot, Measured(), stage.clock)
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return explainer.explain(raw, headers or {}, KEY), told


def test_an_explanation_has_order_rules_costs_times_and_what_was_left_out() -> None:
    answer, _ = explain({"request": {**BODY, "max_tokens": 7}})
    first, second = answer.candidates
    assert (first.place, first.target, first.rule, first.score) == (1, "p1#eu/m1", "price", 0.5)
    assert first.median_first_token_ms == 250.0
    tokens = answer.asked.input_tokens
    assert first.expected_cost_usd == f"0.{tokens + 70:09d}".rstrip("0")
    assert (second.expected_cost_usd, second.median_first_token_ms) == (None, None)
    (left,) = answer.excluded
    assert (left.target, left.reason, left.why) == (
        "p3/m1",
        "region",
        "it is not in an allowed region: it is in us",
    )
    assert answer.notes == ("A note.",)
    assert (answer.hedge_after_ms, answer.shadows, answer.retry_after_s) == (1500.0, ("p2/m1",), None)
    assert (answer.route.name, answer.key, answer.asked.output_tokens) == ("fast", "app", 7)


def test_a_plain_chat_body_is_taken_with_the_requests_own_headers() -> None:
    answer, told = explain(BODY, headers={b"x-waypost-route": b"cheap"})
    asked, dialect, headers, key = told.asked[0]
    assert (asked.model, dialect, key) == ("fast", "openai_chat", KEY)
    assert headers == {b"x-waypost-route": b"cheap"}
    assert answer.object == "route.explanation"


def test_an_envelope_brings_its_own_headers_and_dialect() -> None:
    body = {"model": "fast", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    _, told = explain(
        {"request": body, "dialect": "anthropic_messages", "headers": {"X-Waypost-Route": "cheap"}},
        headers={b"x-other": b"1"},
    )
    asked, dialect, headers, _ = told.asked[0]
    assert (dialect, asked.max_output) == ("anthropic_messages", 5)
    assert headers == {b"x-waypost-route": b"cheap"}


@pytest.mark.parametrize("stream", [False, True])
def test_a_dialect_with_the_model_in_its_path_is_told_it_beside(stream: bool) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    answer, told = explain({"request": body, "dialect": "gemini_generate", "model": "fast", "stream": stream})
    assert (told.asked[0][0].model, answer.asked.stream) == ("fast", stream)


def test_without_candidates_it_says_when_one_may_be_asked() -> None:
    answer, _ = explain(BODY, Plan((), Decision((), (Excluded("p1/m1", "parked"),)), soonest_s=12.5))
    assert (answer.candidates, answer.retry_after_s) == ((), 12.5)


def test_a_plan_with_nothing_to_choose_has_no_decision() -> None:
    answer, _ = explain(BODY, Plan((candidate(FIRST, rule="only"),)))
    assert [(one.target, one.rule) for one in answer.candidates] == [("p1#eu/m1", "only")]
    assert (answer.excluded, answer.notes) == ((), ())


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"nonsense", None),
        (b'{"request": {}, "dialect": 5}', "request"),
        (b'{"request": {}, "nonsense": 5}', "request"),
        (b'{"request": {"model": "m"}, "dialect": "latin"}', "dialect"),
        (b'{"request": {"model": "m"}}', "messages"),
        (b'{"request": 5}', None),
        (b'{"model": "m"}', "messages"),
    ],
)
def test_what_can_not_be_read_is_refused(body: bytes, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        explain(body)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("asked", "facts", "output"),
    [
        (Asked("m", False, {}, max_output=7), ModelFacts(), 7),
        (Asked("m", False, {}, max_output=7, choices=3), ModelFacts(), 21),
        (Asked("m", False, {}), ModelFacts(), 4096),
        (Asked("m", False, {}), ModelFacts(max_output=100), 100),
        (Asked("m", False, {}), ModelFacts(max_output=9999), 4096),
        (Asked("m", False, {}, choices=0), ModelFacts(), 0),
    ],
)
def test_costs_are_reckoned_with_all_the_output_that_may_come(
    asked: Asked, facts: ModelFacts, output: int
) -> None:
    asked = msgspec.structs.replace(asked, input_estimate=11)
    cost = expected_cost(asked, msgspec.structs.replace(FIRST, facts=facts), Settings(), 0.0)
    assert cost == 11 + 10 * output


def test_a_body_that_is_both_is_a_chat() -> None:
    both = msgspec.json.encode({**BODY, "request": 1})
    assert read_question(both, {}, Settings()).request == both


def test_an_explanation_tells_the_markup_that_is_in_a_cost() -> None:
    dear = msgspec.structs.replace(FIRST, own_markup=500_000)
    plan = msgspec.structs.replace(PLAN, candidates=(candidate(dear), candidate(SECOND)))
    answer, _ = explain({"request": {**BODY, "max_tokens": 7}}, plan)
    plain = answer.asked.input_tokens + 70
    first, second = answer.candidates
    assert first.expected_cost_usd == render_usd(charged(plain, 500_000))
    assert (first.markup, second.markup) == ("50%", None)
