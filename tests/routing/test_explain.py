from __future__ import annotations

from random import Random
from typing import get_args

import pytest

from routing.boards import NOW, FixedBoard, FixedStanding, PerToken, named, route_of, view
from waypost.config.nodes import Cheapest, Leaf
from waypost.config.snapshot import Route
from waypost.core.decision import Considered, Decision, Excluded, Reason, Rule
from waypost.routing.explain import enrich, sentences
from waypost.routing.plan import Planner

CHEAP, DEAR, LATE = named("c", tariff=PerToken(1)), named("d", tariff=PerToken(2)), named("l", tariff=None)
BOARD = FixedBoard(
    {
        "c": FixedStanding(measures={("first_token", 50): 0.25}),
        "l": FixedStanding(ejected=NOW + 12),
    }
)


def test_a_decision_with_costs_and_times_and_its_sentences() -> None:
    seen = view()
    plan = Planner(Random(1).random).plan(
        route_of(Cheapest((Leaf(DEAR), Leaf(LATE), Leaf(CHEAP)))), seen, BOARD
    )
    told = enrich(plan, seen, BOARD)
    assert told.order == (
        Considered("c/m1", "price", 2e-6, 2000, 0.25),
        Considered("d/m1", "price", 4e-6, 4000, None),
    )
    assert sentences(told) == (
        "1. c/m1: by what the request is expected to cost (0.000002 US dollars); expected to cost 0.000002 US dollars, "
        "first token after 0.25 s.",
        "2. d/m1: by what the request is expected to cost (0.000004 US dollars); expected to cost 0.000004 US dollars.",
        "l/m1 was put last: its breaker is open (for 12 s; asked when nothing else is left).",
    )


def test_a_plan_without_a_choice_gets_a_decision_too() -> None:
    seen = view()
    plan = Planner(Random(1).random).plan(Route("r", (CHEAP,)), seen, BOARD)
    assert plan.decision is None
    assert enrich(plan, seen, BOARD).order == (Considered("c/m1", "only", None, 2000, 0.25),)


@pytest.mark.parametrize(
    ("rule", "score", "told"),
    [
        ("only", None, "the only one"),
        ("latency", 0.1234, "by its time to first token (0.123 s)"),
        ("throughput", 51.27, "by its tokens per second (51.3 tokens/s)"),
        ("weight", 3, "drawn by weight (weight 3)"),
        ("least_busy", 2, "by requests under way (2 under way)"),
        ("balanced", 0.25, "drawn by health and price (25.0% of the draw)"),
        ("canary", 5, "drawn for the canary (5 % of requests)"),
        ("quota", 0.5, "by what is left of its quota (50% left)"),
        ("preferred", 4.0, "slower than the request prefers (4)"),
    ],
)
def test_scores_in_their_units(rule: Rule, score: float | None, told: str) -> None:
    assert sentences(Decision((Considered("p/m", rule, score),))) == (f"1. p/m: {told}.",)


def test_every_rule_and_reason_has_words() -> None:
    for rule in get_args(Rule):
        assert sentences(Decision((Considered("p/m", rule),)))[0].startswith("1. p/m: ")
    for reason in get_args(Reason):
        (told,) = sentences(Decision((), (Excluded("p/m", reason),)))
        assert told.startswith("p/m was put last" if reason in ("busy", "ejected") else "p/m was left out")


def test_notes_come_last() -> None:
    assert sentences(Decision((), (), ("Held: x",))) == ("Held: x",)
