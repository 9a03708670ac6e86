from __future__ import annotations

import asyncio

import pytest

from waypost.admin.throttle import Throttle, Turns, network
from waypost.errors import Overloaded, RateLimited


def fails(throttle: Throttle, account: str, address: str, at: float) -> float | None:
    """The wait, for a try that is refused; else it fails."""
    try:
        throttle.begin(account, address, at)
    except RateLimited as error:
        return error.retry_after_s
    return None


def test_waits_grow_by_account() -> None:
    throttle, at, waits = Throttle(), 0.0, []
    for number in range(17):
        wait = fails(throttle, "ann", f"10.0.0.{number}", at)
        if wait is not None:
            waits.append(wait)
            at += wait
            assert fails(throttle, "ann", "10.9.9.9", at) is None
    assert waits == [*(2**n for n in range(10)), 900]


def test_failures_of_others_slow_nobody_who_does_not_fail() -> None:
    """Behind a proxy all have its address."""
    throttle = Throttle()
    for number in range(1000):
        assert fails(throttle, f"made up {number}", "10.0.0.1", 0.0) is None
    assert fails(throttle, "ann", "10.0.0.1", 0.0) is None
    throttle.succeed("ann", "10.0.0.1")


def test_waits_by_address() -> None:
    throttle = Throttle()
    for name in range(22):
        for _ in range(2):
            assert fails(throttle, f"user{name}", "10.0.0.1", 0.0) is None
    waits = [fails(throttle, f"user{n}", "10.0.0.1", 0.0) for n in range(22)]
    assert waits == [None] + [60.0] * 21, "who fails more than once is slowed by all of the address"
    assert fails(throttle, "user1", "10.0.0.2", 0.0) is None
    assert fails(throttle, "user2", "10.0.0.1", 60.0) is None
    assert fails(throttle, "user2", "10.0.0.1", 60.0) == 60.0


def test_made_up_names_push_out_nobody_who_waits() -> None:
    throttle = Throttle()
    for _ in range(6):
        throttle.begin("ann", "10.0.0.1", 0.0)
    for number in range(25_000):
        throttle.begin(f"u{number}", "10.0.0.1", 0.0)
    assert fails(throttle, "ann", "10.0.0.2", 0.0) == 1.0


def test_a_success_begins_anew() -> None:
    throttle = Throttle()
    for _ in range(50):
        assert fails(throttle, "ann", "10.0.0.1", 0.0) is None
        throttle.succeed("ann", "10.0.0.1")
    for _ in range(50):
        throttle.begin("ann", "10.0.0.1", 0.0)
        throttle.undo("ann", "10.0.0.1")


def test_an_hour_of_quiet_begins_anew() -> None:
    throttle = Throttle()
    for _ in range(6):
        throttle.begin("ann", "10.0.0.1", 0.0)
    assert fails(throttle, "ann", "10.0.0.1", 0.5) == 0.5
    throttle.begin("ann", "10.0.0.1", 4000.0)
    assert fails(throttle, "ann", "10.0.0.1", 4000.0) is None


def test_the_longest_wait_is_a_quarter_of_an_hour() -> None:
    throttle, at = Throttle(), 0.0
    for _ in range(40):
        wait = fails(throttle, "ann", f"a{at}", at)
        at += wait or 0.0
        assert wait is None or wait <= 900


def test_what_is_kept_is_bounded() -> None:
    throttle = Throttle()
    for number in range(25_000):
        throttle.begin(f"u{number}", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
    assert len(throttle._kept) == 20_000


def test_a_home_shares_a_count() -> None:
    assert network("2001:db8::1") == network("2001:db8::ffff:2") != network("2001:db8:0:1::1")
    assert network("::ffff:10.0.0.1") == network("10.0.0.1") == "10.0.0.1"
    assert network("fe80::1%eth0") == network("fe80::2")
    assert network("") == ""


def test_who_waits_is_not_told_apart() -> None:
    throttle = Throttle()
    for _ in range(6):
        throttle.begin("nobody", "10.0.0.1", 0.0)
    with pytest.raises(RateLimited, match="Too many tries"):
        throttle.begin("nobody", "10.0.0.1", 0.0)


async def test_one_address_has_half_of_the_turns() -> None:
    turns, gate = Turns(), asyncio.Event()
    inside: list[str] = []

    async def work(address: str) -> None:
        async with turns.turn(address):
            inside.append(address)
            await gate.wait()

    flood = [asyncio.ensure_future(work("10.0.0.1")) for _ in range(40)]
    other = asyncio.ensure_future(work("10.0.0.2"))
    done, _ = await asyncio.wait(flood, return_when=asyncio.FIRST_EXCEPTION)
    while "10.0.0.2" not in inside:  # noqa: ASYNC110 - the loop is let run until it got its turn
        await asyncio.sleep(0)
    assert inside == ["10.0.0.1", "10.0.0.2"], "one at a time, and others beside it"
    gate.set()
    ends = await asyncio.gather(*flood, other, return_exceptions=True)
    assert (sum(isinstance(end, Overloaded) for end in ends), len(done) > 0) == (8, True)
    assert not turns._lines
    async with turns.turn("10.0.0.1"):
        pass


def test_each_of_several_workers_lets_its_share_through() -> None:
    throttle, at, waits, free = Throttle(2), 0.0, [], 0
    for number in range(9):
        wait = fails(throttle, "ann", f"10.0.0.{number}", at)
        if wait is None:
            free += not waits
            continue
        waits.append(wait)
        at += wait
        assert fails(throttle, "ann", "10.9.9.9", at) is None
    assert (free, waits[:4]) == (3, [2.0, 4.0, 8.0, 16.0]), "half of five without a wait, then twice as long"
    crowd = Throttle(64)
    assert fails(crowd, "ann", "10.0.0.1", 0.0) is None
