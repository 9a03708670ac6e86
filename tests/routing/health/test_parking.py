from __future__ import annotations

import pytest

from waypost.config.tuning import ParkingTuning
from waypost.routing.health.breaker import LOST_S
from waypost.routing.health.effects import Park
from waypost.routing.health.parking import Parking

TUNING = ParkingTuning()


def park(
    parking: Parking,
    reason: Park,
    wait_s: float | None,
    now: float,
    began: float | None = None,
    draw: float = 1.0,
) -> bool:
    return parking.park(reason, wait_s, now, began, TUNING, lambda: draw)


@pytest.mark.parametrize(
    ("reason", "said", "waits"),
    [
        ("throttled", 7.5, [7.5, 7.5, 7.5]),
        ("throttled", 0.0, [1.0]),
        ("throttled", 86_400.0, [3600.0]),
        ("throttled", None, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]),
        ("refused", None, [300.0, 300.0]),
        ("refused", 30.0, [30.0, 30.0]),
        ("quota", None, [900.0, 1800.0, 3600.0, 7200.0, 14_400.0, 14_400.0]),
        ("quota", 40_000.0, [40_000.0]),
        ("quota", 9e9, [86_400.0]),
    ],
)
def test_how_long(reason: Park, said: float | None, waits: list[float]) -> None:
    parking, now, found = Parking(), 0.0, []
    for _ in waits:
        assert park(parking, reason, said, now)
        found.append(parking.until - now)
        now = parking.until
    assert found == waits


def test_a_wait_that_is_not_said_is_drawn() -> None:
    parking = Parking()
    park(parking, "throttled", None, 10.0, draw=0.25)
    assert parking.parked_until(10.1) == 10.25
    assert parking.parked_until(10.25) == 0.0


def test_after_it_one_at_a_time_until_one_succeeds() -> None:
    parking = Parking()
    assert parking.admits(0.0)
    park(parking, "throttled", 10.0, 0.0)
    assert not parking.admits(9.9)
    assert parking.admits(10.0)
    parking.enter(10.0)
    assert not parking.admits(11.0)
    parking.release(10.0)
    assert parking.admits(11.0)
    parking.enter(11.0)
    assert parking.succeeded(11.0)
    assert (parking.held, parking.times) == (False, 0)
    assert parking.admits(11.0)


def test_what_began_before_proves_nothing() -> None:
    parking = Parking()
    park(parking, "throttled", 10.0, 5.0)
    assert not parking.succeeded(1.0)
    parking.enter(15.0)
    parking.release(1.0)
    assert not parking.admits(16.0)
    assert not parking.succeeded(1.0)
    assert parking.held


def test_more_of_the_same_is_no_news_unless_the_wait_is_longer() -> None:
    parking = Parking()
    park(parking, "throttled", 10.0, 0.0)
    assert not park(parking, "throttled", None, 1.0)
    assert parking.until == 10.0
    assert not park(parking, "throttled", 30.0, 1.0)
    assert (parking.until, parking.times) == (31.0, 1)
    parking.enter(31.0)
    parking.succeeded(31.0)
    assert not park(parking, "throttled", None, 32.0, began=-1.0)
    assert parking.admits(32.0)


def test_a_lost_probe_is_given_up() -> None:
    parking = Parking()
    park(parking, "refused", 10.0, 0.0)
    parking.enter(10.0)
    assert not parking.admits(10.0 + LOST_S)
    assert parking.admits(10.1 + LOST_S)


def test_another_nodes_parking_holds_here() -> None:
    parking = Parking()
    parking.hear(50.0, 10.0)
    parking.hear(40.0, 10.0)
    assert parking.parked_until(11.0) == 50.0
    parking.enter(50.0)
    assert parking.succeeded(50.0)
