"""Clients that ask a gateway without a pause, and remember what they were told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import msgspec

from process.talk import Reply, chat, exchange, port_of, post
from waypost.core.money import parse_usd

CLIENTS = 24


class _Usage(msgspec.Struct):
    prompt_tokens: int
    cost: msgspec.Raw


class _Answer(msgspec.Struct):
    usage: _Usage | None = None


class Load:
    """`acknowledged`: exchange id → cost in nano-dollars."""

    def __init__(self, keys: list[str], dice: random.Random, clients: int = CLIENTS) -> None:
        self.keys = keys
        self.dice = dice
        self.clients = clients
        self.number = 0
        self.acknowledged: dict[str, int] = {}
        self.in_doubt = 0
        """Requests that were sent and never answered whole."""
        self.refused = 0
        """Those that were told to come again."""
        self._over = False

    async def until(self, urls: list[str], ended: Callable[[], Awaitable[object]]) -> None:
        """Load on these gateways until `ended` returns, and then until each client has its answer: or none, where the
        gateway was killed."""
        self._over = False
        async with asyncio.TaskGroup() as group:
            for number in range(self.clients):
                group.create_task(self._client(port_of(urls[number % len(urls)])))
            await ended()
            self._over = True

    async def _client(self, port: int) -> None:
        while not self._over:
            reply = await exchange(port, post(self.body(), key=self.dice.choice(self.keys)))
            if reply.complete:
                self.acknowledged[reply.exchange_id] = cost_of(reply)
            elif (reply.status, reply.end) == (503, "whole"):
                self.refused += 1
                await asyncio.sleep(0.01)
            else:
                assert reply.status in (0, 200), reply
                self.in_doubt += 1
                return

    def body(self) -> dict[str, object]:
        """The next request. Each has a size of its own, so that its lines are known again."""
        self.number += 1
        simulate: dict[str, object] = {"tokens": self.dice.randint(1, 12)}
        if self.dice.random() < 0.7:
            simulate |= {"ttft_ms": self.dice.randint(1, 30), "tps": 400}
        stream = self.dice.random() < 0.5
        return chat("sim-fast", self.number, stream=stream, simulate=simulate, max_tokens=50)


def cost_of(reply: Reply) -> int:
    """What the client was told that its answer costs."""
    whole = reply.events[-2] if reply.streamed else reply.body
    usage = msgspec.json.decode(whole, type=_Answer).usage
    assert usage is not None
    return parse_usd(bytes(usage.cost).decode())
