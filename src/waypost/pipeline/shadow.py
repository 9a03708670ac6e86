"""Copies of requests for targets that are only looked at: nobody waits for the answer, and no key pays for it.

Where an organization's own route asks for them, the organization does: its budgets, limits and credit hold for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from waypost.config.snapshot import Route
from waypost.errors import GatewayError, LimitError
from waypost.pipeline.exchange import Call, LiveExchange
from waypost.pipeline.settle import Settle
from waypost.ports import Clock
from waypost.routing.planned import Candidate, Plan
from waypost.telemetry.logs import Log

#: Copies under way at once; more are not made. What is looked at must not crowd out what is served.
AT_ONCE = 64


class Shadows:
    """Owns the copies under way."""

    def __init__(
        self,
        run: Callable[[LiveExchange, Plan], Awaitable[None]],
        admit: Callable[[LiveExchange, Route], Awaitable[None]],
        clock: Clock,
        settle: Settle,
        log: Log,
    ) -> None:
        """`run` is `Attempts.run`; `admit` is `Admission.admit_own`."""
        self._run = run
        self._admit = admit
        self._clock = clock
        self._settle = settle
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()
        #: Copies that were not made because too many were under way.
        self.skipped = 0

    def send(self, live: LiveExchange, candidates: tuple[Candidate, ...]) -> None:
        """Begin a copy for each candidate."""
        for place, candidate in enumerate(candidates, 1):
            if len(self._tasks) >= AT_ONCE:
                self.skipped += 1
                continue
            copy = self._copy(live, place)
            task = asyncio.get_running_loop().create_task(self._serve(copy, candidate))
            copy.task = task
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End all copies; what they cost so far is booked."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _copy(self, live: LiveExchange, place: int) -> LiveExchange:
        call = live.call
        made = Call(
            dialect=call.dialect,
            body=call.body,
            headers=call.headers,
            key=None,
            exchange_id=f"{call.exchange_id}-shadow{place}",
            received=self._clock.monotonic(),
            client=Nobody(),
            path=call.path,
        )
        copy = LiveExchange(made, live.snapshot, int(self._clock.wall() * 1e6))
        copy.shadow, copy.board = True, live.board
        copy.asked, copy.route, copy.original = live.asked, live.route, live.original
        return copy

    async def _serve(self, copy: LiveExchange, candidate: Candidate) -> None:
        try:
            name = candidate.target.name if copy.route is None else copy.route.name
            await self._admit(copy, Route(name, (candidate.target,), owner=candidate.owner))
            await self._run(copy, Plan((candidate,)))
        except LimitError as error:
            copy.error, copy.status = error.code, error.status
        except GatewayError as error:
            copy.error, copy.outcome, copy.status = error.code, "failed", error.status
        except Exception as error:  # noqa: BLE001 - told of in the log; nobody waits for this answer
            copy.outcome = "failed"
            self._log.fault(
                "a shadow request failed inside the gateway", error, exchange_id=copy.call.exchange_id
            )
        finally:
            self._settle.settle(copy)


class Nobody:
    """`ports.Client` for an answer that nobody reads."""

    gone = False

    def on_gone(self, call: Callable[[], None]) -> None:
        """It never leaves."""

    async def reply(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Dropped."""

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Dropped."""

    async def write(self, chunk: bytes) -> None:
        """Dropped."""

    def try_write(self, _chunk: bytes) -> bool:
        """Dropped."""
        return True

    def framed(self) -> Callable[[bytes], bool] | None:
        """Not sent in chunks."""
        return None

    async def finish(self) -> None:
        """Nothing is open."""
