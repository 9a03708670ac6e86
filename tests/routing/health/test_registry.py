"""What is forgotten, and what is not."""

from __future__ import annotations

from routing.health.rig import Rig, target
from waypost import errors
from waypost.providers.spec import RateHeaders
from waypost.routing.health.registry import UNUSED_S

DAY = 86_400.0


def names(rig: Rig) -> set[str]:
    return {place.target.model for place in rig.board.places()}


def test_what_was_not_used_for_a_day_is_forgotten() -> None:
    rig = Rig()
    rig.attempt(target(model="old"))
    rig.enter(target(model="busy"))
    rig.attempt(target(model="parked"), errors.QuotaSpent("x", retry_after_s=2 * DAY))
    rig.board.of(target(model="only looked at"))
    rig.now += DAY - 1
    rig.attempt(target("q", model="young"))
    rig.board.tidy(rig.now)
    assert names(rig) == {"old", "busy", "parked", "young"}
    rig.now += 2
    rig.board.tidy(rig.now)
    assert names(rig) == {"busy", "young"}
    registry = rig.board._registry
    assert set(registry.places) == {("p", "", "busy"), ("q", "", "young")}
    assert set(registry.breakers) == {("p", "busy"), ("q", "young")}
    assert set(registry.parkings) == {("p", "", ""), ("q", "", ""), ("p", "", "busy"), ("q", "", "young")}


def test_places_that_are_asked_for_together_are_those_that_are_there() -> None:
    rig = Rig()
    both = (target(model="a"), target(model="b"))
    rig.attempt(both[0])
    rig.attempt(both[1])
    places = rig.board.of_all(both)
    assert places == [rig.board.of(each) for each in both]
    assert rig.board.of_all(both) is places
    assert rig.board.of_all(both[:1]) == places[:1]
    rig.now += UNUSED_S
    rig.attempt(both[1])
    rig.board.tidy(rig.now)
    assert rig.board.of_all(both) == [rig.board.of(each) for each in both]
    assert [new is old for new, old in zip(rig.board.of_all(both), places, strict=True)] == [False, True]


def test_one_that_was_pushed_out_is_not_asked_for_any_more() -> None:
    rig = Rig(most=10)
    both = (target(model="a"), target(model="b"))
    before = rig.board.of_all(both)
    for number in range(20):
        rig.attempt(target(model=str(number)))
    after = rig.board.of_all(both)
    assert after == [rig.board.of(each) for each in both]
    assert not any(new is old for new, old in zip(after, before, strict=True))


def test_it_tidies_by_itself() -> None:
    rig = Rig()
    rig.attempt(target(model="old"))
    rig.now += 2 * DAY
    rig.attempt(target(model="young"))
    assert names(rig) == {"young"}


def test_names_that_clients_make_up_do_not_push_out_what_stands_for_something() -> None:
    rig = Rig(most=100)
    parked, busy = target(model="parked"), target(model="busy")
    rig.attempt(parked, errors.Throttled("x", retry_after_s=3600))
    rig.enter(busy)
    for number in range(5000):
        rig.now += 0.001
        rig.attempt(target(model=f"made up {number}"), errors.Rejected("x", status=404))
        assert len(rig.board._registry.places) <= 100
    assert {"parked", "busy", "made up 4999"} <= names(rig)
    assert not rig.enter(parked)
    registry = rig.board._registry
    assert len(registry.breakers) <= 100
    assert len(registry.parkings) <= 101
    rig.ok(busy)
    assert rig.board.of(busy).in_flight == 0


def test_the_least_recently_used_goes_first() -> None:
    rig = Rig(most=10)
    for number in range(10):
        rig.attempt(target(model=str(number)))
    rig.now += 100
    rig.attempt(target(model="0"))
    rig.attempt(target(key="k", model="1"))
    assert names(rig) == {*map(str, range(10))}  # the first user of model 1 went, the second came
    registry = rig.board._registry
    assert ("p", "", "1") not in registry.places
    assert ("p", "1") in registry.breakers
    rig.attempt(target(model="new"))
    assert names(rig) == {*map(str, range(10)), "new"} - {"2"}
    assert set(registry.breakers) == {("p", model) for model in names(rig)}


def test_even_what_stands_for_something_is_bounded() -> None:
    rig = Rig(most=20)
    for number in range(200):
        rig.attempt(target(model=str(number)), errors.Throttled("x", retry_after_s=3600))
    assert len(rig.board._registry.places) <= 20


def test_other_rate_headers_are_taken_up_with_a_new_configuration() -> None:
    rig = Rig()
    old, new = target(), target(rates=RateHeaders(requests_limit="l", requests_remaining="r"))
    rig.attempt(old)
    rig.board.replaced([old.provider], [new.provider], rig.now)
    rig.board.told(new, rig.now, [(b"l", b"10"), (b"r", b"1")])
    assert rig.board.of(new).headroom(rig.now, 0) == 0.1


def test_a_credential_that_somebody_brought_has_a_breaker_of_its_own() -> None:
    rig = Rig(most=100)
    own, another, operators = (target(key=key) for key in ("cred_1:1", "cred_2:1", "a"))
    for _ in range(9):
        rig.attempt(own, errors.Unavailable("x"))
    assert rig.board.of(own).ejected_until(rig.now) > rig.now
    for each in (another, operators, target(key="b")):
        assert not rig.board.of(each).ejected_until(rig.now)
    assert rig.board.of(operators).breaker is rig.board.of(target(key="b")).breaker
    rig.now += 100_000.0
    rig.board.tidy(rig.now)
    for number in range(150):
        rig.attempt(target(key=f"cred_{number}:1"))
    assert len(list(rig.board.places())) <= 100
