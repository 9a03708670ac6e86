from __future__ import annotations

import asyncio

import pytest

from waypost.app.batch.slots import Slots


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_first_come_first_served_and_never_more_than_may_be() -> None:
    slots, served = Slots(lambda: 2), list[int]()
    leave = [asyncio.Event() for _ in range(5)]

    async def work(number: int) -> None:
        async with slots:
            served.append(number)
            await leave[number].wait()

    tasks = [asyncio.ensure_future(work(number)) for number in range(5)]
    await _turns()
    assert (served, slots.taken) == ([0, 1], 2)
    leave[1].set()
    await _turns()
    assert served == [0, 1, 2]
    tasks[3].cancel()
    for event in leave:
        event.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (served, slots.taken) == ([0, 1, 2, 4], 0)


async def test_a_turn_that_comes_with_a_cancellation_goes_to_the_next() -> None:
    slots, got = Slots(lambda: 1), asyncio.Event()

    async def work() -> None:
        async with slots:
            got.set()

    async with slots:
        first, second = asyncio.ensure_future(work()), asyncio.ensure_future(work())
        await _turns()
    first.cancel()  # its turn has come, and it has not run yet
    with pytest.raises(asyncio.CancelledError):
        await first
    await second
    assert got.is_set()
    assert slots.taken == 0


async def test_a_limit_that_grows_is_seen() -> None:
    limit = 1
    slots = Slots(lambda: limit)
    async with slots:
        limit = 2
        async with slots:
            assert slots.taken == 2
