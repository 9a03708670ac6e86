from __future__ import annotations

from math import inf

from routing.boards import LANE, FixedStanding, named
from waypost.routing.place import BUSY, EJECTED, MISFIT, READY, SHORT, TIGHT, Below, Place, foremost, lasting


def place(rank: int) -> Place:
    return Place(named("p"), "p/m1", LANE, FixedStanding(), rank)


def test_a_part_is_judged_by_the_first_of_those_that_can_be_asked_most_gladly() -> None:
    busy, ready, also = place(BUSY), place(READY), place(READY)
    assert foremost([[busy, ready, also], [], [also]]) == [ready, None, also]
    assert foremost([[busy, place(EJECTED)]])[0] is busy


def test_one_that_is_ejected_is_asked_after_those_that_lack_something() -> None:
    ejected, lacking = place(EJECTED), place(BUSY + 2 * MISFIT)
    assert foremost([[ejected, lacking], [ejected]]) == [lacking, ejected]
    assert foremost([[place(EJECTED + MISFIT), ejected]])[0] is ejected


def test_children_without_places_are_passed_over() -> None:
    assert Below([None, None], [[], []]).joined((1, 0), "order") == []
    assert Below([None, None], None).joined((1, 0), "order", (1.0, 2.0)) == []


def test_the_first_of_each_child_is_there_by_the_rule_unless_it_had_a_better_one() -> None:
    a, b, c, d = (place(READY) for _ in range(4))
    c.rule, c.score = "weight", 3.0
    assert Below([a, c], [[a, b], [c, d]]).joined((1, 0), "price", (0.5, 0.7)) == [c, d, a, b]
    assert [(each.rule, each.score) for each in (a, b, c, d)] == [
        ("price", 0.5),
        ("only", None),
        ("weight", 3.0),
        ("only", None),
    ]
    single = Below([b, None, d], None)
    assert single.joined((2, 1, 0), "price", (0.5, None, 0.7)) == [d, b]
    assert [(each.rule, each.score) for each in (b, d)] == [("price", 0.5), ("price", 0.7)]


def test_where_one_child_has_places_there_is_nothing_to_choose() -> None:
    one, two = place(READY), place(BUSY)
    assert Below([one, None, two], None).alone() is None
    assert Below([one, two], None).alone() is None
    assert Below([None, one], None).alone() == [one]
    assert Below([None], None).alone() == []
    assert Below([None, one], [[], [one, two]]).alone() == [one, two]
    assert Below([None], [[]]).alone() == []
    assert Below([one, two], [[one], [two]]).alone() is None


def test_who_leads_can_be_asked_now() -> None:
    one, two = place(READY), place(BUSY)
    assert [Below([one, two, None], None).leads(index) for index in range(3)] == [True, False, False]
    parts = Below([two, one, None], [[two, one], [one], []])
    assert [parts.leads(index) for index in range(3)] == [False, True, False]


def test_lacking_something_is_worse_than_any_state_of_health() -> None:
    assert READY < SHORT < TIGHT < BUSY < EJECTED < MISFIT


def test_what_is_left_is_never_told_as_none() -> None:
    assert [lasting(left) for left in (0.2, 5.0, 5.1, inf)] == ["for 1 s", "for 5 s", "for 6 s", "for good"]
