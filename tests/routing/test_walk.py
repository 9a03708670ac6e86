from __future__ import annotations

from random import Random

from routing.boards import NOW, FixedBoard, FixedStanding, named, some, view
from waypost.config.nodes import Fallback, Leaf, Need, Overlay
from waypost.core.facts import ModelFacts
from waypost.routing.order import STRATEGIES
from waypost.routing.place import BUSY, EJECTED, MISFIT, SHORT, TIGHT
from waypost.routing.walk import Kept, Walk

A, B, C = some("abc")


def walk(board: FixedBoard | None = None, **seen: object) -> Walk:
    return Walk(view(**seen), board or FixedBoard(), Random(1).random, STRATEGIES, Kept())


def test_ranks_of_health() -> None:
    board = FixedBoard(
        {
            "e": FixedStanding(ejected=NOW + 4, is_busy=True, left=0.0),
            "b": FixedStanding(is_busy=True, left=0.0),
            "s": FixedStanding(left=0.0),
            "p": FixedStanding(parked=NOW + 2),
        }
    )
    made = walk(board, input_estimate=50)
    targets = (*some("ebspr"), named("t", facts=ModelFacts(context=49)))
    places = made.admit(made.kept.groups.of(targets), ())
    assert [None if place is None else place.rank for place in places] == [
        EJECTED,
        BUSY,
        SHORT,
        None,
        0,
        TIGHT,
    ]
    assert made.soonest == NOW + 2
    assert [(each.target, each.reason) for each in made.excluded.values()] == [("p/m1", "parked")]


def test_each_thing_that_is_lacking_counts() -> None:
    facts = ModelFacts(features=("vision",), max_output=10)
    made = walk(features=("tools", "audio"), max_output=11)
    (place,) = made.admit(made.kept.groups.alone(named("p", facts=facts)), ())
    assert place is not None
    assert place.rank == 3 * MISFIT
    assert made.misfit(place.target) == ("features", "it has no audio, tools, max_output")
    assert walk(max_output=11).misfit(place.target) == ("max_output", "it answers with at most 10 tokens")


def test_needs_add_up_on_the_way_down() -> None:
    node = Fallback(
        (Leaf(A, Need(ignore=("a",))), Fallback((Leaf(B),), Need(ignore=("b",))), Leaf(C)),
        Need(ignore=("c",)),
    )
    made = walk()
    assert made.visit(node, ()) == []
    assert [each.reason for each in made.excluded.values()] == ["ignored"] * 3


def test_the_reason_noted_first_stays() -> None:
    made = walk()
    made.exclude(A, "parked", "for 3 s")
    made.exclude(A, "branch")
    assert [(each.reason, each.detail) for each in made.excluded.values()] == [("parked", "for 3 s")]


def test_children_that_are_mere_leaves_are_taken_together() -> None:
    overlay = Overlay(retries=3)
    below = walk().below((Leaf(A), Leaf(B, overlay=overlay)), ())
    assert below.parts is None
    assert [place and place.overlay for place in below.firsts] == [None, overlay]
    below = walk().below((Leaf(A), Fallback((Leaf(B), Leaf(C)))), ())
    assert below.parts is not None
    assert [[place.label for place in part] for part in below.parts] == [["a/m1"], ["b/m1", "c/m1"]]
    assert [place and place.label for place in below.firsts] == ["a/m1", "b/m1"]


def test_who_is_busy_is_asked_only_where_it_is_crowded() -> None:
    class Quiet(FixedBoard):
        def crowded(self) -> bool:
            return False

    board = Quiet({"a": FixedStanding(is_busy=True)})
    assert [place and place.rank for place in walk(board).below((Leaf(A), Leaf(B)), ()).firsts] == [0, 0]
