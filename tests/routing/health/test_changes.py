"""What nodes tell each other."""

from __future__ import annotations

import msgspec

from routing.health.rig import WALL, Rig, target
from waypost import errors
from waypost.routing.health.changes import Change, Outbox

M = target(key="k")
DOWN = errors.Unavailable("down")


def pass_on(giver: Rig, taker: Rig) -> tuple[Change, ...]:
    """As a store between them would: encoded, and at once."""
    changes = giver.board.export_changes()
    for change in changes:
        taker.board.absorb(msgspec.json.decode(msgspec.json.encode(change), type=Change), taker.now)
    return changes


def pair() -> tuple[Rig, Rig]:
    return Rig(), Rig()


def test_an_ejection_and_its_end_hold_for_all() -> None:
    one, two = pair()
    for _ in range(5):
        one.attempt(M, DOWN)
    assert pass_on(one, two) == (Change("ejected", "p", "", "m", WALL + one.now + 30),)
    assert two.board.of(M).ejected_until(two.now) == two.now + 30
    assert not two.enter(target(key="another"))
    for rig in (one, two):
        rig.now += 30
    one.attempt(M)
    assert pass_on(one, two) == (Change("ejected", "p", "", "m", 0.0),)
    assert all(two.enter(M) for _ in range(3))


def test_parkings_and_their_ends_hold_for_all() -> None:
    one, two = pair()
    one.attempt(M, errors.Throttled("x", retry_after_s=20))
    one.attempt(target(key="k", model="n"), errors.CredentialRefused("x"))
    assert pass_on(one, two) == (
        Change("parked", "p", "k", "m", WALL + one.now + 20),
        Change("parked", "p", "k", "", WALL + one.now + 300),
    )
    assert two.board.of(M).parked_until(two.now) == two.now + 300
    for rig in (one, two):
        rig.now += 300
    one.attempt(M)
    assert {change.until for change in pass_on(one, two)} == {0.0}
    assert all(two.enter(M) for _ in range(3))


def test_what_was_heard_is_not_said_again_and_what_was_said_is_said_once() -> None:
    one, two = pair()
    for _ in range(5):
        one.attempt(M, DOWN)
    one.attempt(target(model="n"), errors.QuotaSpent("x"))
    assert len(pass_on(one, two)) == 2
    assert two.board.export_changes() == ()
    assert one.board.export_changes() == ()


def test_clocks_that_began_at_other_times_agree() -> None:
    one, two = pair()
    two.now = 5000.0
    two.board._wall = lambda: WALL + 100.0
    one.attempt(M, errors.Throttled("x", retry_after_s=20))
    pass_on(one, two)
    assert two.board.of(M).parked_until(two.now) == two.now + 20


def test_only_the_newest_is_said_and_nothing_that_is_over() -> None:
    rig = Rig()
    rig.attempt(M, errors.Throttled("x", retry_after_s=20))
    rig.now += 20
    rig.attempt(M, errors.Throttled("x", retry_after_s=40))
    assert [change.until for change in rig.board.export_changes()] == [WALL + rig.now + 40]
    rig.now += 40
    rig.attempt(M, errors.Throttled("x", retry_after_s=10))
    rig.now += 11
    assert rig.board.export_changes() == ()


def test_what_others_say_is_bounded() -> None:
    rig = Rig(most=10)
    forever = WALL + 1e9
    rig.board.absorb(Change("ejected", "p", "", "m", forever), rig.now)
    rig.board.absorb(Change("parked", "p", "k", "m", forever), rig.now)
    rig.board.absorb(Change("parked", "p", "k2", "", forever), rig.now)
    assert rig.board.of(M).ejected_until(rig.now) == rig.now + 300
    assert rig.board.of(M).parked_until(rig.now) == rig.now + 3600
    assert rig.board.of(target(key="k2")).parked_until(rig.now) == rig.now + 86_400
    for number in range(100):
        rig.board.absorb(Change("ejected", "p", "", f"{number}", forever), rig.now)
        rig.board.absorb(Change("parked", "p", f"{number}", "m", forever), rig.now)
    assert len(rig.board._registry.breakers) <= 10
    assert len(rig.board._registry.parkings) <= 21


def test_what_is_over_or_not_known_changes_nothing() -> None:
    rig = Rig()
    for kind in ("ejected", "parked"):
        rig.board.absorb(msgspec.convert([kind, "p", "k", "m", WALL], Change), rig.now)
        rig.board.absorb(msgspec.convert([kind, "p", "k", "m", 0.0], Change), rig.now)
    assert rig.enter(M)
    assert rig.board.export_changes() == ()


def test_an_outbox_keeps_the_newest() -> None:
    outbox = Outbox(most=2)
    changes = [Change("ejected", "p", "", model, 1.0) for model in "abc"]
    for change in changes:
        outbox.put(change)
    again = Change("ejected", "p", "", "b", 2.0)
    outbox.put(again)
    assert outbox.take() == (changes[2], again)
    assert outbox.take() == ()


def test_who_passes_changes_on_is_told_of_each_and_of_nothing_else() -> None:
    one, two = pair()
    told: list[int] = []
    one.board.on_change = lambda: told.append(len(one.board.export_changes()))
    two.board.on_change = lambda: told.append(-1)
    for _ in range(4):
        one.attempt(M, DOWN)
    one.attempt(M)
    assert told == []
    for _ in range(5):
        one.attempt(M, DOWN)
    one.attempt(target(key="k", model="n"), errors.CredentialRefused("x"))
    assert told == [1, 1]
    two.board.absorb(Change("ejected", "p", "", "m", WALL + two.now + 30), two.now)
    assert told == [1, 1]
