from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from waypost.app.workers.part import LEAVING, NOW, READY, RELOAD, STOP, TELL, Calls, Orders, cover


class Rig:
    def __init__(self) -> None:
        self.ours, theirs = socket.socketpair()
        self.theirs = theirs
        self.heard: list[object] = []
        self.orders = Orders(
            theirs,
            Calls(
                lambda: self.heard.append("tell"),
                lambda: self.heard.append("reload"),
                lambda: self.heard.append("stop"),
                lambda: self.heard.append("now"),
                lambda worker, away: self.heard.append((worker, away)),
            ),
        )
        self.orders.begin()

    async def until(self, *heard: object) -> None:
        async with asyncio.timeout(20):
            while self.heard != list(heard):  # noqa: ASYNC110 - it comes over a socket
                await asyncio.sleep(0)


@pytest_asyncio.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    yield made
    made.orders.end()
    made.ours.close()
    made.theirs.close()


async def test_orders_are_obeyed_in_their_order_and_a_stop_once(rig: Rig) -> None:
    assert rig.ours.recv(9) == READY
    rig.ours.send(TELL + RELOAD + cover(1, True) + cover(64, True) + cover(64, False) + STOP + STOP + NOW)
    await rig.until("tell", "reload", (1, True), (64, True), (64, False), "stop", "now")


async def test_now_without_a_stop_before_it_is_both(rig: Rig) -> None:
    rig.ours.send(NOW)
    await rig.until("stop", "now")


async def test_without_a_supervisor_it_drains(rig: Rig) -> None:
    rig.ours.close()
    await rig.until("stop")


async def test_sigterm_to_it_alone_is_a_drain_that_it_tells_of(rig: Rig) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    await rig.until("stop")
    assert rig.ours.recv(9) == READY + LEAVING
    rig.ours.send(STOP)
    rig.ours.send(TELL)
    await rig.until("stop", "tell")


@pytest.mark.parametrize("worker", [1, 2, 63, 64])
def test_orders_about_others_are_no_other_orders(worker: int) -> None:
    orders = {cover(worker, True), cover(worker, False)}
    assert len(orders) == 2
    assert not orders & {TELL, RELOAD, STOP, NOW}
