"""Which of several processes makes the answer for an idempotency key; the others hear of it.

From a worker of the same gateway it is heard as that one's client is told it. A node on another machine is too far for
that: there the end is waited for, and what it kept then is given again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Final

from waypost.core.replay import Claim
from waypost.errors import GatewayError, KeyReused, NotFound
from waypost.pipeline.exchange import LiveExchange
from waypost.pipeline.retelling import hear
from waypost.pipeline.shared import Shared
from waypost.ports import Claims, Clock, Replays, Telling
from waypost.telemetry.logs import Log

#: After its deadline an exchange has ended, whatever its provider does.
_OVER_S: Final = 60.0
_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 1.0


class Claiming:
    """Owns the tasks that listen to other processes."""

    def __init__(
        self,
        claims: Claims,
        replays: Replays | None,
        clock: Clock,
        sleep: Callable[[float], Coroutine[object, object, None]],
        log: Log,
    ) -> None:
        self._claims = claims
        self._replays = replays
        self._clock = clock
        self._sleep = sleep
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()

    async def claim(self, live: LiveExchange, shared: Shared, ended: Callable[[Shared], None]) -> bool:
        """True: the answer is to be made here. False: another process makes it, and what is heard of it comes into
        `shared`; `ended` is called when nothing more does. Raises KeyReused, Overloaded, StoreUnavailable."""
        now, (key_id, digest) = self._clock.wall(), shared.scope
        until = now + max(0.0, live.deadline - self._clock.monotonic()) + _OVER_S
        claim = Claim(key_id, digest, shared.fingerprint, live.call.exchange_id, now, until)
        shared.claim = claim  # so that it is released, even if this ends while it is taken
        void: str | None = None
        while True:
            other = await self._claims.take(claim, void=void)
            if other is None:
                return True
            if other.fingerprint != shared.fingerprint:
                raise reused()
            try:
                telling = await self._claims.follow(other)
            except NotFound:
                void = other.exchange_id  # it has just ended there, or with its worker
                continue
            shared.claim = None
            self._listen(shared, other, telling, ended)
            return False

    def release(self, claim: Claim) -> None:
        """The exchange that claimed it is over."""
        self._claims.release(claim)

    async def stop(self) -> None:
        """Hear nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _listen(
        self, shared: Shared, other: Claim, telling: Telling | None, ended: Callable[[Shared], None]
    ) -> None:
        task = asyncio.ensure_future(self._hear(shared, other, telling))
        shared.made_elsewhere(other.exchange_id, _Elsewhere(task))
        self._tasks.add(task)

        def over(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if telling is not None:
                telling.leave()
            ended(shared)

        task.add_done_callback(over)

    async def _hear(self, shared: Shared, other: Claim, telling: Telling | None) -> None:
        try:
            if telling is None:
                await self._wait(shared, other)
            else:
                await hear(shared, telling.next)
        except GatewayError as error:
            self._log.warning("an answer that another node makes could not be waited for", why=error.message)
        except Exception as error:  # noqa: BLE001 - told of; whoever waits asks again by itself
            self._log.fault("an answer that another process makes could not be heard", error)

    async def _wait(self, shared: Shared, other: Claim) -> None:
        pause = _PAUSE_S
        while await self._claims.held(other, self._clock.wall()):
            await self._sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
        if self._replays is not None:
            found = await self._replays.get(*shared.scope, self._clock.wall())
            if found is not None and found.fingerprint == shared.fingerprint:
                shared.fill(found)


class _Elsewhere:
    """`shared.Maker`: another process."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        self._task = task

    def stay(self) -> None:
        """See `Maker`."""

    def deserted(self) -> None:
        """See `Maker`: without listeners nothing is heard any more."""
        self._task.cancel()


def reused() -> KeyReused:
    """Another request under an idempotency key that was used."""
    return KeyReused(
        "This idempotency-key came before with another request. Use a new one for each request, and the same one "
        "only to send the same request again.",
        param="idempotency-key",
    )
