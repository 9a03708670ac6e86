from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

import pytest

from routing.boards import FixedBoard, FixedStanding, PerToken, named, route_of, some, view
from waypost.config.nodes import (
    Balanced,
    Canary,
    Cheapest,
    Conditional,
    Fallback,
    Fastest,
    Keys,
    Leaf,
    LeastBusy,
    Node,
    Overlay,
    Weighted,
)
from waypost.core.decision import Rule
from waypost.routing.order import STRATEGIES, draws
from waypost.routing.plan import Planner
from waypost.routing.planned import Plan

A, B, C = some("abc")
LEAVES = (Leaf(A), Leaf(B), Leaf(C))
ROUNDS = 6000


def order(made: Plan) -> str:
    return "".join(candidate.target.provider.name for candidate in made.candidates)


def orders(node: Node, board: FixedBoard | None = None, rounds: int = ROUNDS, **seen: object) -> Counter[str]:
    planner, route, known = Planner(Random(7).random), route_of(node), board or FixedBoard()
    return Counter(order(planner.plan(route, view(**seen), known)) for _ in range(rounds))


def share(counted: Counter[str], first: str) -> float:
    return sum(count for told, count in counted.items() if told[0] == first) / counted.total()


def rules(
    node: Node, board: FixedBoard | None = None, random: Callable[[], float] | None = None
) -> list[tuple[Rule, float | None]]:
    made = Planner(random or Random(7).random).plan(route_of(node), view(), board or FixedBoard())
    return [(candidate.rule, candidate.score) for candidate in made.candidates]


def latency(**seconds: float) -> FixedBoard:
    return FixedBoard(
        {name: FixedStanding(measures={("first_token", 50): value}) for name, value in seconds.items()}
    )


def test_every_type_of_node_has_a_strategy() -> None:
    assert set(STRATEGIES) == set(Node.__args__)


def test_a_draw_of_weight_0_is_last() -> None:
    assert draws((0, 2), lambda: 0.5)[0] == float("inf")
    assert draws((1, 2), lambda: 0.5)[0] == 2 * draws((1, 2), lambda: 0.5)[1]


def test_a_node_above_names_the_rule_only_where_the_one_below_had_none() -> None:
    node = Fallback((Weighted((Leaf(A), Leaf(B)), (1, 0)), Leaf(C)))
    assert rules(node) == [("weight", 1), ("weight", 0), ("order", None)]
    node = Weighted((Fallback((Leaf(A), Leaf(B))), Leaf(C)), (1, 0))
    assert rules(node) == [("weight", 1), ("order", None), ("weight", 0)]


# --- weighted ---------------------------------------------------------------------------------------------------


def test_weights_are_shares_of_the_first_place_and_of_the_second() -> None:
    counted = orders(Weighted(LEAVES, (5, 3, 2)))
    assert share(counted, "a") == pytest.approx(0.5, abs=0.03)
    assert share(counted, "b") == pytest.approx(0.3, abs=0.03)
    after_a = Counter({told[1:]: count for told, count in counted.items() if told[0] == "a"})
    assert share(after_a, "b") == pytest.approx(0.6, abs=0.03)


def test_one_that_is_ejected_leaves_its_share_to_the_others_by_their_weights() -> None:
    counted = orders(Weighted(LEAVES, (5, 3, 1)), FixedBoard({"a": FixedStanding(ejected=2000.0)}))
    assert share(counted, "b") == pytest.approx(0.75, abs=0.03)
    assert all(told[-1] == "a" for told in counted)


# --- fastest ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ({"a": 3.0, "b": 1.0, "c": 2.0}, "bca"),
        ({"a": 1.09, "b": 1.0, "c": 0.5}, "cab"),  # within 10 %: as written
        ({"a": 1.2, "b": 1.1, "c": 1.0}, "bca"),  # b is close to c; a is not
        ({"b": 5.0}, "bac"),
        ({}, "abc"),
    ],
)
def test_fastest_by_latency(seconds: dict[str, float], told: str) -> None:
    made = Planner(lambda: 0.5).plan(route_of(Fastest(LEAVES)), view(), latency(**seconds))
    assert order(made) == told
    assert {(each.rule, each.score) for each in made.candidates} == {
        ("latency", seconds.get(name)) for name in "abc"
    }


def test_fastest_by_throughput_is_the_other_way_round() -> None:
    board = FixedBoard(
        {
            name: FixedStanding(measures={("throughput", 50): value})
            for name, value in (("a", 10), ("b", 50.0))
        }
    )
    made = Planner(lambda: 0.5).plan(route_of(Fastest(LEAVES, "throughput")), view(), board)
    assert order(made) == "bac"
    assert made.candidates[0].rule == "throughput"


def test_what_was_not_measured_goes_first_now_and_then() -> None:
    counted = orders(Fastest(LEAVES), latency(a=1.0), rounds=20_000)
    assert share(counted, "b") + share(counted, "c") == pytest.approx(0.05, abs=0.006)
    assert share(counted, "b") == pytest.approx(share(counted, "c"), abs=0.006)
    assert rules(Fastest(LEAVES), latency(a=1.0), lambda: 0.0)[0] == ("explore", None)


def test_what_is_not_well_is_not_tried_for_its_measure() -> None:
    board = FixedBoard(
        {"a": FixedStanding(measures={("first_token", 50): 1.0}), "b": FixedStanding(left=0.0)}
    )
    made = Planner(lambda: 0.0).plan(route_of(Fastest((Leaf(A), Leaf(B)))), view(), board)
    assert order(made) == "ab"


# --- cheapest, balanced -----------------------------------------------------------------------------------------

DEAR, CHEAP, FREE, UNKNOWN = (
    named("d", tariff=PerToken(9)),
    named("c", tariff=PerToken(3)),
    named("f", tariff=PerToken(0)),
    named("u", tariff=None),
)


def test_cheapest_by_what_the_request_is_expected_to_cost() -> None:
    node = Cheapest((Leaf(UNKNOWN), Leaf(DEAR), Leaf(CHEAP), Leaf(FREE)))
    made = Planner(Random(1).random).plan(route_of(node), view(), FixedBoard())
    assert order(made) == "fcdu"
    # 1,000 tokens of input and the reserve of 100 tokens of output, which cost ten times as much
    assert [each.score for each in made.candidates] == [0.0, 6e-6, 18e-6, None]
    assert {each.rule for each in made.candidates} == {"price"}


def test_a_child_is_judged_by_its_first_target_that_can_be_asked() -> None:
    node = Cheapest((Fallback((Leaf(FREE), Leaf(DEAR))), Leaf(CHEAP)))
    assert orders(node, rounds=1) == {"fdc": 1}
    assert orders(node, FixedBoard({"f": FixedStanding(ejected=2000.0)}), rounds=1) == {"cdf": 1}


def test_balanced_draws_by_the_inverse_square_of_the_price() -> None:
    counted = orders(Balanced((Leaf(DEAR), Leaf(CHEAP))))
    assert share(counted, "c") == pytest.approx(0.9, abs=0.02)  # three times the price: a ninth of the draws
    assert [rule for rule, _ in rules(Balanced((Leaf(DEAR), Leaf(CHEAP))))] == ["balanced"] * 2


def test_balanced_takes_free_and_unpriced_ones_for_the_cheapest() -> None:
    counted = orders(Balanced((Leaf(CHEAP), Leaf(FREE), Leaf(UNKNOWN))))
    assert [share(counted, name) for name in "cfu"] == pytest.approx([1 / 3] * 3, abs=0.03)


def test_balanced_counts_health() -> None:
    board = FixedBoard({"a": FixedStanding(well=0.25)})
    assert share(orders(Balanced((Leaf(A), Leaf(B))), board), "a") == pytest.approx(0.2, abs=0.02)
    board = FixedBoard({"a": FixedStanding(well=0.0)})
    assert orders(Balanced((Leaf(A), Leaf(B))), board, rounds=100) == {"ba": 100}


# --- least busy, keys -------------------------------------------------------------------------------------------


def test_least_busy_counts_by_weight() -> None:
    heavy = named("h", weight=4)
    board = FixedBoard({"h": FixedStanding(in_flight=4), "a": FixedStanding(in_flight=2)})
    node = LeastBusy((Leaf(A), Leaf(heavy)))
    assert orders(node, board, rounds=20) == {"ha": 20}
    assert rules(node, board) == [("least_busy", 4), ("least_busy", 2)]


def test_least_busy_draws_among_equals() -> None:
    node = LeastBusy((Leaf(A), Leaf(named("h", weight=3))))
    assert share(orders(node), "h") == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize(
    ("left", "first"),
    [
        ({"a": 0.2, "b": 0.3}, "b"),
        ({"a": 1.0, "b": 0.7}, "a"),
        ({"a": 0.9, "b": 1.0}, "ab"),  # the same quarter: drawn
        ({"a": 0.0, "b": 0.01}, "b"),
    ],
)
def test_keys_by_what_is_left_of_their_quota(left: dict[str, float], first: str) -> None:
    overlay = Overlay(retries=0)
    board = FixedBoard({name: FixedStanding(left=value) for name, value in left.items()})
    node = Keys((A, B), overlay=overlay)
    assert {told[0] for told in orders(node, board, rounds=60)} == set(first)
    made = Planner(Random(1).random).plan(route_of(node), view(), board)
    assert all(each.rule == "quota" and each.overlay is overlay for each in made.candidates)
    assert sorted(each.score or 0.0 for each in made.candidates) == sorted(left.values())


def test_keys_with_the_same_quota_are_drawn_by_weight() -> None:
    assert share(orders(Keys((A, named("h", weight=3)))), "h") == pytest.approx(0.75, abs=0.03)


# --- canary -----------------------------------------------------------------------------------------------------


def test_a_canary_gets_its_share_first_and_stable_is_its_fallback() -> None:
    counted = orders(Canary(Leaf(A), Leaf(B), 20, "next"))
    assert set(counted) == {"ba", "a"}
    assert share(counted, "b") == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(
    ("point", "told"), [(0.0, [("canary", 20), ("order", None)]), (0.9, [("stable", None)])]
)
def test_the_rules_of_a_canary(point: float, told: Sequence[tuple[Rule, float | None]]) -> None:
    assert rules(Canary(Leaf(A), Leaf(B), 20, "next"), None, lambda: point) == told


def test_who_is_not_drawn_for_the_canary_is_told_so() -> None:
    made = Planner(lambda: 0.9).plan(route_of(Canary(Leaf(A), Leaf(B), 20, "next")), view(), FixedBoard())
    assert made.decision is not None
    assert [(each.target, each.reason, each.detail) for each in made.decision.excluded] == [
        ("b/m1", "branch", "not drawn for the canary next")
    ]


def test_a_sticky_canary_is_the_same_for_the_same_user() -> None:
    node = Canary(Leaf(A), Leaf(B), 30, "next", ("user",))
    by_user = [orders(node, rounds=5, facets={"user": str(user)}) for user in range(400)]
    assert all(len(counted) == 1 for counted in by_user)
    assert sum(share(counted, "b") for counted in by_user) / 400 == pytest.approx(0.3, abs=0.06)


def test_a_canary_that_fails_is_rolled_back_and_stays_so() -> None:
    board = FixedBoard({"b": FixedStanding(requests=20, failures=5)})
    planner, route = Planner(lambda: 0.0), route_of(Canary(Leaf(A), Leaf(B), 100, "next"))
    made = planner.plan(route, view(), board)
    assert order(made) == "a"
    assert made.decision is not None
    assert [each.reason for each in made.decision.excluded] == ["rolled_back"]
    assert [back.name for back in planner.rolled_back()] == ["next"]
    board.of(B).failures = 0
    assert order(planner.plan(route, view(now=5000.0), board)) == "a"
    planner.begin_anew()
    assert order(planner.plan(route, view(now=5000.0), board)) == "ba"


def test_a_conditional_without_any_branch_takes_the_other_way() -> None:
    assert rules(Conditional((), Fallback((Leaf(A), Leaf(B))))) == [("condition", None), ("order", None)]
