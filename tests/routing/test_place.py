from __future__ import annotations

from math import inf

from routing.boards import LANE, FixedStanding, named
from waypost.routing.place import BUSY, EJECTED, MISFIT, READY, SHORT, TIGHT, Place, foremost, lasting


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


def test_lacking_something_is_worse_than_any_state_of_health() -> None:
    assert READY < SHORT < TIGHT < BUSY < EJECTED < MISFIT


def test_what_is_left_is_never_told_as_none() -> None:
    assert [lasting(left) for left in (0.2, 5.0, 5.1, inf)] == ["for 1 s", "for 5 s", "for 6 s", "for good"]
