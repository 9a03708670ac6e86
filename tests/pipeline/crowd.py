"""Many requests under way together, of which each can be held back and let go."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from transcript import CHAT, KEY_TEXT, RecordingClient, Stage
from waypost.core.record import Exchange
from waypost.dialects.registry import DIALECTS
from waypost.pipeline.exchange import Call

ONCE = {b"idempotency-key": b"order-17"}


class Crowd:
    """Many requests on one stage, started one after the other and under way together."""

    def __init__(self, stage: Stage, name: str = "x") -> None:
        """`name`: what its exchanges' ids begin with."""
        self.stage = stage
        self.name = name
        self.clients: list[RecordingClient] = []
        self.tasks: list[asyncio.Task[None]] = []

    def ask(
        self,
        body: object = CHAT,
        client: RecordingClient | None = None,
        headers: Mapping[bytes, bytes] = ONCE,
        key: bytes = KEY_TEXT,
    ) -> RecordingClient:
        client = client or RecordingClient()
        call = Call(
            dialect=DIALECTS["openai_chat"],
            body=msgspec.json.encode(body),
            headers=dict(headers),
            key=key,
            exchange_id=f"{self.name}{len(self.tasks) + 1}",
            received=self.stage.clock.monotonic(),
            client=client,
        )
        self.clients.append(client)
        self.tasks.append(asyncio.ensure_future(self.stage.pipeline.run(call)))
        return client

    async def until(self, steps: int = 50) -> None:
        """Let everything go as far as it can."""
        for _ in range(steps):
            await asyncio.sleep(0)

    async def all(self) -> None:
        await asyncio.gather(*self.tasks)
        assert self.stage.pipeline.active == 0
        assert all(hold.closed for hold in self.stage.ledger.holds), "a hold was left open"

    def records(self) -> dict[str, Exchange]:
        return {record.exchange_id: record for record in self.stage.ledger.settled}


class Door:
    """A step of a script that waits until it is opened, and may fail then."""

    def __init__(self, error: Exception | None = None) -> None:
        self.opened = asyncio.Event()
        self.error = error

    async def __call__(self) -> None:
        await self.opened.wait()
        if self.error is not None:
            raise self.error
