from __future__ import annotations

from routing.boards import LANE, FixedStanding, named
from waypost.routing.place import BUSY, EJECTED, MISFIT, READY, SHORT, TIGHT, Place, foremost


def place(rank: int) -> Place:
    return Place(named("p"), "p/m1", LANE, FixedStanding(), rank)


def test_a_part_is_judged_by_the_first_of_those_that_can_be_asked_most_gladly() -> None:
    busy, ready, also = place(BUSY), place(READY), place(READY)
    assert foremost([[busy, ready, also], [], [also]]) == [ready, None, also]
    assert foremost([[busy, place(EJECTED)]])[0] is busy


def test_lacking_something_is_worse_than_any_state_of_health() -> None:
    assert READY < SHORT < TIGHT < BUSY < EJECTED < MISFIT
