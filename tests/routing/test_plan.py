from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.boards import LANE, NOW, FixedBoard, FixedStanding, Holds, named, route_of, some, view
from waypost.config.nodes import (
    Branch,
    Conditional,
    Fallback,
    Hedge,
    Leaf,
    Need,
    Overlay,
    Preferences,
    Shadow,
    Weighted,
)
from waypost.config.snapshot import Route
from waypost.config.targets import Target
from waypost.core.facts import ModelFacts
from waypost.routing.plan import Planner
from waypost.routing.planned import Plan

A, B, C, D = some("abcd")
LEAVES = (Leaf(A), Leaf(B), Leaf(C))


def order(made: Plan) -> str:
    return "".join(candidate.target.provider.name for candidate in made.candidates)


def left_out(made: Plan) -> dict[str, str]:
    assert made.decision is not None
    return {each.target.partition("/")[0]: each.reason for each in made.decision.excluded}


def planned(node: Fallback | Conditional | Shadow | Hedge, board: FixedBoard, **seen: object) -> Plan:
    return Planner(Random(1).random).plan(route_of(node), view(**seen), board)


@given(
    shape=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9)), min_size=1, max_size=8),
    seed=st.integers(0, 1000),
)
def test_without_a_node_every_target_once_and_priorities_in_order(
    shape: list[tuple[int, int]], seed: int
) -> None:
    targets = sorted(
        (named(f"p{i}", priority=priority, weight=weight) for i, (priority, weight) in enumerate(shape)),
        key=lambda each: each.priority,
    )
    route = Route("r", tuple(targets))
    made = Planner(Random(seed).random).plan(route, view(), FixedBoard())
    tried = [each.target for each in made.candidates]
    assert sorted(each.provider.name for each in tried) == sorted(each.provider.name for each in targets)
    assert [each.priority for each in tried] == [each.priority for each in targets]
    assert (made.decision is None) == (len(targets) == 1)


def test_weights_decide_how_often_a_target_is_first() -> None:
    targets = (named("heavy", weight=3), named("light"), named("backup", priority=2, weight=9))
    route = Route("r", targets)
    planner = Planner(Random(1).random)
    first = Counter(order(planner.plan(route, view(), FixedBoard()))[:5] for _ in range(4000))
    assert first["backu"] == 0
    assert 0.72 < first["heavy"] / 4000 < 0.78


@pytest.mark.parametrize("point", [0.0, 1.0])
def test_the_smallest_and_the_largest_random_number_pick_somebody(point: float) -> None:
    route = Route("r", (A, B))
    assert set(order(Planner(lambda: point).plan(route, view(), FixedBoard()))) == {"a", "b"}


def test_the_rules_of_priority_and_weight_are_told() -> None:
    route = Route("r", (named("a", weight=2), named("b", weight=1), named("c", priority=2)))
    decision = Planner(Random(1).random).plan(route, view(), FixedBoard()).decision
    assert decision is not None
    assert {each.target: (each.rule, each.score) for each in decision.order} == {
        "a/m1": ("weight", 2),
        "b/m1": ("weight", 1),
        "c/m1": ("order", None),
    }


def test_a_single_target_that_can_be_asked_needs_no_decision() -> None:
    overlay = Overlay(timeout_s=3.0)
    for route in (Route("r", (A,)), route_of(Leaf(A)), route_of(Leaf(A, overlay=overlay))):
        made = Planner(Random(1).random).plan(route, view(), FixedBoard())
        assert order(made) == "a"
        assert made.decision is None
        assert made.candidates[0].rule == "only"
        assert made.candidates[0].lane is LANE
        assert made.candidates[0].overlay is (route.node.overlay if isinstance(route.node, Leaf) else None)


@pytest.mark.parametrize(
    ("standing", "candidates", "reason", "soonest_s"),
    [
        (FixedStanding(parked=NOW + 30), "", "parked", 30.0),
        (FixedStanding(ejected=NOW + 5), "a", "ejected", 5.0),
        (FixedStanding(is_busy=True), "a", None, None),
        (FixedStanding(half_open=True), "a", None, None),
    ],
)
def test_a_single_target_that_is_not_well(
    standing: FixedStanding, candidates: str, reason: str | None, soonest_s: float | None
) -> None:
    made = Planner(Random(1).random).plan(Route("r", (A,)), view(), FixedBoard({"a": standing}))
    assert order(made) == candidates
    assert made.soonest_s == soonest_s
    assert (left_out(made) if made.decision else {}) == ({"a": reason} if reason else {})


def test_a_single_target_of_another_operation_is_left_out() -> None:
    made = Planner(Random(1).random).plan(Route("r", (A,)), view(serve=lambda _: "operation"), FixedBoard())
    assert made.candidates == ()
    assert left_out(made) == {"a": "operation"}
    assert made.soonest_s is None


def test_a_single_leaf_with_a_need_is_held_to_it() -> None:
    made = Planner(Random(1).random).plan(route_of(Leaf(A, Need(no_training=True))), view(), FixedBoard())
    assert left_out(made) == {"a": "training"}


STANDINGS = {
    "a": FixedStanding(ejected=NOW + 9),
    "b": FixedStanding(is_busy=True),
    "c": FixedStanding(left=0.0),
}


def test_those_that_can_be_asked_come_first_and_the_ejected_last() -> None:
    made = planned(Fallback((*LEAVES, Leaf(D))), FixedBoard(STANDINGS))
    assert order(made) == "dcba"
    assert left_out(made) == {"b": "busy", "a": "ejected"}
    assert made.soonest_s is None
    assert made.decision is not None
    assert [each.target for each in made.decision.order] == ["d/m1", "c/m1"]
    assert made.decision.excluded[-1].detail == "for 9 s; asked when nothing else is left"


def test_a_target_whose_context_is_probably_too_small_goes_behind_the_others() -> None:
    small = named("s", facts=ModelFacts(context=999))
    made = planned(Fallback((Leaf(small), Leaf(A))), FixedBoard(), input_estimate=1000)
    assert order(made) == "as"
    made = planned(Fallback((Leaf(small), Leaf(A))), FixedBoard(), input_estimate=999)
    assert order(made) == "sa"


def test_a_parked_target_is_left_out_with_the_time_left() -> None:
    made = planned(Fallback(LEAVES), FixedBoard({"b": FixedStanding(parked=NOW + 61.2)}))
    assert order(made) == "ac"
    assert made.decision is not None
    assert [(each.reason, each.detail) for each in made.decision.excluded] == [("parked", "for 62 s")]


def test_all_parked_or_ejected_tells_when_the_first_may_be_asked() -> None:
    board = FixedBoard(
        {
            "a": FixedStanding(parked=NOW + 20),
            "b": FixedStanding(ejected=NOW + 7),
            "c": FixedStanding(ejected=NOW + 30),
        }
    )
    made = planned(Fallback(LEAVES), board)
    assert order(made) == "bc"
    assert made.soonest_s == 7.0
    assert made.decision is not None
    assert made.decision.order == ()
    assert any("ejected" in note for note in made.decision.notes)


def test_each_target_once_and_its_first_place_wins() -> None:
    overlay = Overlay(timeout_s=1.0)
    made = planned(Fallback((Fallback((Leaf(B, overlay=overlay), Leaf(A))), Leaf(B), Leaf(C))), FixedBoard())
    assert order(made) == "bac"
    assert made.candidates[0].overlay is overlay


def test_a_target_admitted_anywhere_is_not_left_out() -> None:
    made = planned(Fallback((Leaf(A, Need(no_training=True)), Leaf(B), Leaf(A))), FixedBoard())
    assert order(made) == "ba"
    assert left_out(made) == {}


def test_targets_of_other_branches_are_left_out_and_the_condition_is_noted() -> None:
    node = Conditional(
        (Branch(Holds("plan", "pro"), Leaf(A)), Branch(Holds("plan", "free"), Leaf(B))), Leaf(C)
    )
    made = planned(node, FixedBoard(), facets={"plan": "free"})
    assert order(made) == "b"
    assert left_out(made) == {"a": "branch", "c": "branch"}
    assert made.decision is not None
    assert made.decision.notes == ("Held: plan == 'free'",)
    assert made.candidates[0].rule == "condition"


def test_no_branch_and_no_otherwise_is_no_target() -> None:
    made = planned(Conditional((Branch(Holds("plan", "pro"), Leaf(A)),)), FixedBoard())
    assert made.candidates == ()
    assert left_out(made) == {"a": "branch"}


TOOLS, NONE, UNKNOWN = (
    named("t", facts=ModelFacts(features=("tools", "vision"))),
    named("n", facts=ModelFacts(features=("vision",))),
    named("u"),
)


@pytest.mark.parametrize(
    ("targets", "wanted", "candidates", "excluded"),
    [
        ((NONE, TOOLS, UNKNOWN), ("tools",), "tu", {"n": "features"}),
        ((NONE, TOOLS), ("vision",), "nt", {}),
        ((NONE,), ("tools",), "n", {}),
        ((NONE, TOOLS), ("tools", "audio"), "t", {"n": "features"}),
        ((NONE, TOOLS), (), "nt", {}),
    ],
)
def test_features_are_wished_for_softly(
    targets: Sequence[Target], wanted: Sequence[str], candidates: str, excluded: dict[str, str]
) -> None:
    made = planned(Fallback(tuple(map(Leaf, targets))), FixedBoard(), features=wanted)
    assert order(made) == candidates
    assert (left_out(made) if made.decision else {}) == excluded


def test_a_target_that_alone_has_the_feature_but_is_parked_takes_nobody_away() -> None:
    made = planned(
        Fallback((Leaf(NONE), Leaf(TOOLS))),
        FixedBoard({"t": FixedStanding(parked=NOW + 1)}),
        features=("tools",),
    )
    assert order(made) == "n"


def test_one_that_has_the_feature_but_is_ejected_takes_nobody_away() -> None:
    board = FixedBoard({"t": FixedStanding(ejected=NOW + 5)})
    made = planned(Fallback((Leaf(TOOLS), Leaf(NONE))), board, features=("tools",))
    assert order(made) == "nt"
    assert left_out(made) == {"t": "ejected"}
    assert made.soonest_s is None
    made = planned(Fallback((Leaf(TOOLS), Leaf(NONE), Leaf(UNKNOWN))), board, features=("tools",))
    assert order(made) == "ut"
    assert left_out(made) == {"n": "features", "t": "ejected"}


def test_of_those_that_are_all_ejected_the_ones_with_the_feature_are_tried() -> None:
    gone = FixedStanding(ejected=NOW + 5)
    board = FixedBoard({"t": gone, "n": gone})
    made = planned(Fallback((Leaf(NONE), Leaf(TOOLS))), board, features=("tools",))
    assert order(made) == "t"
    assert left_out(made) == {"n": "features", "t": "ejected"}


def test_one_that_is_ejected_and_lacks_more_is_left_out() -> None:
    board = FixedBoard({"n": FixedStanding(ejected=NOW + 5)})
    made = planned(Fallback((Leaf(NONE), Leaf(TOOLS))), board, features=("tools",))
    assert order(made) == "t"
    assert left_out(made) == {"n": "features"}


def test_with_require_parameters_a_feature_is_a_need() -> None:
    made = planned(
        Fallback((Leaf(NONE), Leaf(UNKNOWN))),
        FixedBoard(),
        features=("tools",),
        preferences=Preferences(require_parameters=True),
    )
    assert order(made) == "u"
    assert left_out(made) == {"n": "parameters"}


def test_an_answer_longer_than_a_model_gives_goes_to_others() -> None:
    short = named("s", facts=ModelFacts(max_output=100))
    made = planned(Fallback((Leaf(short), Leaf(A))), FixedBoard(), max_output=101)
    assert order(made) == "a"
    assert left_out(made) == {"s": "max_output"}
    assert order(planned(Fallback((Leaf(short), Leaf(A))), FixedBoard(), max_output=100)) == "sa"
    assert order(planned(Fallback((Leaf(short),)), FixedBoard(), max_output=101)) == "s"


@pytest.mark.parametrize(
    ("after_s", "standings", "hedge_after_s"),
    [
        (0.7, {}, 0.7),
        (None, {}, None),
        (None, {"a": FixedStanding(measures={("first_token", 95): 1.5})}, 1.5),
        (0.7, {"b": FixedStanding(is_busy=True), "c": FixedStanding(is_busy=True)}, None),
        (0.7, {"b": FixedStanding(parked=NOW + 1), "c": FixedStanding(parked=NOW + 1)}, None),
    ],
)
def test_a_hedge_waits_as_it_says_or_for_the_first_targets_own_tail(
    after_s: float | None, standings: dict[str, FixedStanding], hedge_after_s: float | None
) -> None:
    assert planned(Hedge(Fallback(LEAVES), after_s), FixedBoard(standings)).hedge_after_s == hedge_after_s


def test_a_hedge_around_what_is_not_first_does_nothing() -> None:
    node = Fallback((Leaf(A), Hedge(Fallback((Leaf(B), Leaf(C))), 0.5)))
    assert planned(node, FixedBoard()).hedge_after_s is None
    assert planned(node, FixedBoard({"a": FixedStanding(ejected=NOW + 1)})).hedge_after_s == 0.5


def test_of_two_hedges_the_inner_one_holds() -> None:
    node = Hedge(Fallback((Hedge(Fallback((Leaf(A), Leaf(B))), 0.2), Leaf(C))), 0.9)
    assert planned(node, FixedBoard()).hedge_after_s == 0.2


def test_a_shadow_gets_its_share_and_is_no_candidate() -> None:
    planner = Planner(Random(1).random)
    route = route_of(Shadow(Leaf(A), Fallback((Leaf(B), Leaf(C))), 30))
    board = FixedBoard({"b": FixedStanding(is_busy=True)})
    plans = [planner.plan(route, view(), board) for _ in range(2000)]
    assert {order(each) for each in plans} == {"a"}
    sent = [each.shadows[0].target.provider.name for each in plans if each.shadows]
    assert set(sent) == {"c"}
    assert 0.26 < len(sent) / 2000 < 0.34


def test_a_shadow_obeys_the_needs_above_it_and_leaves_no_trace() -> None:
    node = Shadow(Leaf(named("m", provider_trains=False)), Leaf(B), 100, Need(no_training=True))
    made = planned(node, FixedBoard())
    assert order(made) == "m"
    assert made.shadows == ()
    assert made.decision is None


def test_a_shadow_of_what_is_not_first_is_not_sent() -> None:
    node = Fallback((Leaf(A), Shadow(Leaf(B), Leaf(C), 100)))
    assert planned(node, FixedBoard()).shadows == ()
    made = planned(node, FixedBoard({"a": FixedStanding(ejected=NOW + 1)}))
    assert [each.target for each in made.shadows] == [C]


def test_a_new_configuration_forgets_what_was_worked_out() -> None:
    planner = Planner(Random(1).random)
    route = route_of(Fallback((Leaf(A, Need(regions=frozenset({"eu"}))), Leaf(B))))
    first = planner.plan(route, view(), FixedBoard())
    planner.begin_anew()
    again = planner.plan(route, view(), FixedBoard())
    assert msgspec.to_builtins(first.decision) == msgspec.to_builtins(again.decision)
    assert planner.rolled_back() == []


def test_weighted_children_of_weight_0_are_only_a_fallback() -> None:
    planner = Planner(Random(1).random)
    route = route_of(Weighted((Leaf(A), Leaf(B)), (0, 1)))
    assert {order(planner.plan(route, view(), FixedBoard())) for _ in range(50)} == {"ba"}
