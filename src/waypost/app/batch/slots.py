"""How many lines may be under way at once, over all batches."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Slots:
    """First come, first served; a limit that changes applies to whoever comes next."""

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._queue: deque[asyncio.Future[None]] = deque()
        self.taken = 0

    async def __aenter__(self) -> None:
        if self.taken < self._limit() and not self._queue:
            self.taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back()  # it was our turn in the same moment
            elif turn in self._queue:
                self._queue.remove(turn)
            raise

    async def __aexit__(self, *_: object) -> None:
        self._give_back()

    def _give_back(self) -> None:
        self.taken -= 1
        while self._queue and self.taken < self._limit():
            turn = self._queue.popleft()
            if not turn.done():
                self.taken += 1
                turn.set_result(None)
