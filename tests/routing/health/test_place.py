from __future__ import annotations

from math import inf

from routing.health.rig import STEADY, WALL, Rig, target
from waypost import errors
from waypost.routing.health.board import HealthBoard


def test_of_two_parkings_the_longer_counts() -> None:
    rig = Rig()
    at = target()
    place = rig.board.of(at)
    assert place.parked_until(rig.now) == 0.0
    rig.enter(at)
    rig.enter(at)
    rig.fail(at, errors.Throttled("x", retry_after_s=900))
    rig.fail(at, errors.CredentialRefused("x"))
    assert place.parked_until(rig.now) == rig.now + 900
    assert place.parked_until(rig.now + 900) == 0.0


def test_a_place_that_nothing_happened_at() -> None:
    place = Rig().board.of(target())
    assert place.failed_at == -inf
    assert place.health(0.0) == 1.0
    assert place.headroom(0.0, 10**6) == 1.0
    assert place.measured("first_token", 50, 10, 0.0) is None
    assert not place.busy(0.0)
    assert not place.probing(0.0)
    assert place.idle(0.0)
    assert place.admits(0.0)
    assert place.ready(0.0, 10**6, True)


def test_a_place_in_use_parked_or_ejected_is_not_idle() -> None:
    rig = Rig()
    used, parked, ejected = target(model="used"), target(model="parked"), target(model="ejected")
    rig.enter(used)
    rig.attempt(parked, errors.Throttled("x", retry_after_s=9))
    for _ in range(5):
        rig.attempt(ejected, errors.Unavailable("x"))
    assert [rig.board.of(at).idle(rig.now) for at in (used, parked, ejected)] == [False] * 3
    assert [rig.board.of(at).idle(rig.now + 31) for at in (used, parked, ejected)] == [False, True, True]


def test_ready_says_no_to_whatever_is_against_it() -> None:
    taken: list[str] = []
    board = HealthBoard(lambda: STEADY, lambda: 0.5, lambda: WALL, lambda at, _, __: at.model in taken)
    rig = Rig(board=board)
    names = ("ok", "parked", "ejected", "short", "busy")
    ok, parked, ejected, short, busy = (target(model=name) for name in names)
    rig.attempt(parked, errors.Throttled("x", retry_after_s=9))
    for _ in range(5):
        rig.attempt(ejected, errors.Unavailable("x"))
    for at, left in ((ok, b"90"), (short, b"0")):
        rig.enter(at)
        rig.ok(
            at, headers=[(b"x-ratelimit-remaining-requests", left), (b"x-ratelimit-reset-requests", b"9s")]
        )
    taken.append("busy")
    places = [rig.board.of(at) for at in (ok, parked, ejected, short, busy)]
    assert [place.ready(rig.now, 10, True) for place in places] == [True, False, False, False, False]
    assert [place.ready(rig.now, 10, False) for place in places] == [True, False, False, False, True]
    closer = [
        place.parked_until(rig.now) <= rig.now
        and place.ejected_until(rig.now) <= rig.now
        and place.headroom(rig.now, 10) > 0.0
        and not place.busy(rig.now)
        for place in places
    ]
    assert closer == [True, False, False, False, False]
