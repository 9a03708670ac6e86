from __future__ import annotations

from random import Random

import pytest

from routing.boards import NOW, FixedBoard, FixedStanding, PerToken, named, route_of, view
from waypost.config.nodes import Fallback, Keys, Leaf, MaxPrice, Need, Preferences
from waypost.config.snapshot import Route
from waypost.routing.plan import Planner
from waypost.routing.planned import Plan

A = named("a", tariff=PerToken(3), provider_region="eu")
B = named("b", tariff=PerToken(1))
C = named("c", tariff=PerToken(2), provider_region="us")
NODE = Fallback((Leaf(A), Leaf(B), Leaf(C)))
BOARD = {
    "a": FixedStanding(
        measures={("first_token", 50): 1.0, ("first_token", 90): 2.0, ("throughput", 50): 10.0}
    ),
    "b": FixedStanding(
        measures={("first_token", 50): 3.0, ("first_token", 90): 4.0, ("throughput", 50): 90.0}
    ),
}


def planned(wanted: Preferences, **changed: FixedStanding) -> Plan:
    board = FixedBoard({**BOARD, **changed})
    return Planner(Random(1).random).plan(route_of(NODE), view(preferences=wanted), board)


def order(made: Plan) -> str:
    return "".join(candidate.target.provider.name for candidate in made.candidates)


def left_out(made: Plan) -> dict[str, str]:
    assert made.decision is not None
    return {each.target[0]: each.reason for each in made.decision.excluded}


@pytest.mark.parametrize(
    ("wanted", "told", "rules", "excluded"),
    [
        (Preferences(sort="price"), "bca", ["price"] * 3, {}),
        (Preferences(sort="latency"), "abc", ["latency"] * 3, {}),
        (Preferences(sort="throughput"), "bac", ["throughput"] * 3, {}),
        (Preferences(order=("c", "b")), "cba", ["order"] * 3, {}),
        (Preferences(order=("*/us", "a/eu")), "cab", ["order"] * 3, {}),
        (Preferences(order=("nobody",)), "abc", ["order"] * 3, {}),
        (Preferences(order=("a",), sort="price"), "abc", ["order", "price", "price"], {}),
        (
            Preferences(order=("c", "b"), fallbacks=False),
            "cb",
            ["order"] * 2,
            {"a": "not_preferred"},
        ),
        (Preferences(fallbacks=False), "a", ["order"], {"b": "not_preferred", "c": "not_preferred"}),
        (
            Preferences(sort="price", fallbacks=False),
            "b",
            ["price"],
            {"a": "not_preferred", "c": "not_preferred"},
        ),
        (Preferences(max_latency_s={"p50": 0.5}), "cab", ["order", "preferred", "preferred"], {}),
        (Preferences(max_latency_s={"p50": 2.0}), "acb", ["order", "order", "preferred"], {}),
        (Preferences(max_latency_s={"p50": 2.0, "p90": 1.5}), "cab", ["order", "preferred", "preferred"], {}),
        (Preferences(max_latency_s={"p50": 3.0}), "abc", ["order"] * 3, {}),
        (Preferences(min_throughput={"p50": 50.0}), "bca", ["order", "order", "preferred"], {}),
        (Preferences(need=Need(ignore=("b",))), "ac", ["order"] * 2, {"b": "ignored"}),
        (Preferences(need=Need(only=("b", "c"))), "bc", ["order"] * 2, {"a": "not_allowed"}),
        (
            Preferences(need=Need(max_price=MaxPrice(input=2_000_000))),
            "bc",
            ["order"] * 2,
            {"a": "max_price"},
        ),
        (
            Preferences(need=Need(no_training=True)),
            "",
            [],
            {"a": "training", "b": "training", "c": "training"},
        ),
    ],
)
def test_preferences(wanted: Preferences, told: str, rules: list[str], excluded: dict[str, str]) -> None:
    made = planned(wanted)
    assert order(made) == told
    assert [candidate.rule for candidate in made.candidates] == rules
    assert left_out(made) == excluded


def test_the_slow_are_told_with_their_measure() -> None:
    made = planned(Preferences(max_latency_s={"p90": 3.0}))
    assert [(each.rule, each.score) for each in made.candidates][-1] == ("preferred", 4.0)


def test_without_fallbacks_the_first_that_can_be_asked_is_the_one() -> None:
    made = planned(Preferences(fallbacks=False), a=FixedStanding(ejected=NOW + 9))
    assert order(made) == "b"
    assert left_out(made) == {"a": "not_preferred", "c": "not_preferred"}


def test_named_providers_without_fallbacks_stay_when_they_are_not_well() -> None:
    made = planned(Preferences(order=("a", "b"), fallbacks=False), a=FixedStanding(ejected=NOW + 9))
    assert order(made) == "ba"
    assert left_out(made) == {"c": "not_preferred", "a": "ejected"}


def test_a_name_stands_for_all_keys_in_their_own_order() -> None:
    first, second = named("k", provider_key_name="1"), named("k", provider_key_name="2")
    board = FixedBoard()
    board.of(first).left = 0.1
    node = Fallback((Leaf(A), Keys((first, second))))
    made = Planner(Random(1).random).plan(route_of(node), view(preferences=Preferences(order=("k",))), board)
    assert [candidate.target.label for candidate in made.candidates] == ["k#2/m1", "k#1/m1", "a/m1"]


def test_preferences_hold_for_a_route_of_one_target_and_of_no_node() -> None:
    wanted = Preferences(need=Need(ignore=("a",)))
    for targets, told in (((A,), ""), ((A, B), "b")):
        made = Planner(Random(1).random).plan(Route("r", targets), view(preferences=wanted), FixedBoard())
        assert order(made) == told
        assert left_out(made) == {"a": "ignored"}
