from __future__ import annotations

from random import Random

from routing.boards import NOW, FixedBoard, FixedStanding, named, some, view
from waypost.config.nodes import Fallback, Leaf, Need, Overlay
from waypost.core.facts import ModelFacts
from waypost.routing.order import STRATEGIES
from waypost.routing.place import BUSY, EJECTED, MISFIT, SHORT, TIGHT
from waypost.routing.walk import Kept, Labels, Leaves, Walk

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
    targets = [*some("ebspr"), named("t", facts=ModelFacts(context=49))]
    places = made.admit(targets, [target.label for target in targets], ())
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
    (place,) = made.admit([named("p", facts=facts)], ["p/m1"], ())
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
    overlay, kept = Overlay(retries=3), Leaves()
    bare = (Leaf(A), Leaf(B))
    assert kept.of(bare) == ((A, B), None)
    assert kept.of(bare) is kept.of(bare)
    assert kept.of((Leaf(A), Leaf(B, overlay=overlay))) == ((A, B), (None, overlay))
    assert kept.of((Leaf(A), Leaf(B, Need()))) is None
    assert kept.of((Leaf(A), Fallback(bare))) is None
    parts = walk().parts((Leaf(A), Leaf(B, overlay=overlay)), ())
    assert [place.overlay for part in parts for place in part] == [None, overlay]


def test_what_is_kept_is_bounded() -> None:
    leaves = Leaves()
    children = [(Leaf(A), Leaf(B)) for _ in range(1025)]
    first = leaves.of(children[0])
    for each in children:
        leaves.of(each)
    assert leaves.of(children[0]) is not first
    labels = Labels()
    targets = tuple(named("p", model=str(number)) for number in range(16_385))
    assert labels.of_all(targets) == [target.label for target in targets]
    tuples = [(targets[0], targets[number]) for number in range(1025)]
    before = labels.of_all(tuples[0])
    for each in tuples[1:]:
        labels.of_all(each)
    assert labels.of_all(tuples[0]) == before
    assert labels.of_all(tuples[0]) is not before


def test_labels_are_told_apart_by_key() -> None:
    target = named("p", provider_key_name="k")
    labels = Labels()
    both = (target, target)
    assert labels.of_all(both) == ["p#k/m1", "p#k/m1"]
    assert labels.of_all(both) is labels.of_all(both)
    assert labels.of(target) is labels.of(target)
