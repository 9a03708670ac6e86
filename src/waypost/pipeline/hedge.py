"""A second attempt beside the first, when the first takes longer to begin than it mostly does.

Whichever begins to answer first is passed on. The other one is cancelled, and booked for what it may have cost: its
provider was at work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Protocol

from waypost.config.nodes import Overlay
from waypost.core.record import Role
from waypost.errors import (
    BudgetExceeded,
    Disconnected,
    GatewayError,
    Misshapen,
    Retry,
    StoreUnavailable,
    Unrepresentable,
    UpstreamError,
)
from waypost.pipeline.course import Lost
from waypost.pipeline.entrance import Entrance
from waypost.pipeline.exchange import LiveExchange, Trial
from waypost.pipeline.relay import Relay
from waypost.pipeline.settle import Settle
from waypost.ports import Clock, Ledger
from waypost.routing.planned import Candidate
from waypost.routing.retry import step


class Asking(Protocol):
    """The parts of an attempt."""

    def begin(self, live: LiveExchange, candidate: Candidate, role: Role) -> Trial: ...

    async def open(self, live: LiveExchange, trial: Trial, overlay: Overlay | None) -> None: ...

    def succeeded(
        self, live: LiveExchange, candidate: Candidate, trial: Trial, began: float, tokens: int
    ) -> None: ...

    def failed(
        self,
        live: LiveExchange,
        candidate: Candidate,
        trial: Trial | None,
        error: UpstreamError,
        began: float,
        tokens: int,
    ) -> None: ...


class _Leg:
    """One of the two."""

    def __init__(
        self, candidate: Candidate, trial: Trial, task: asyncio.Task[None], began: float, tokens: int
    ) -> None:
        self.candidate = candidate
        self.trial = trial
        self.task = task
        self.began = began
        self.tokens = tokens


class Hedges:
    """Runs races. Stateless but for what it was given."""

    def __init__(
        self,
        attempts: Asking,
        clock: Clock,
        sleep: Callable[[float], Coroutine[object, object, None]],
        ledger: Ledger,
        settle: Settle,
        relay: Relay,
        entrance: Entrance,
    ) -> None:
        self._attempts = attempts
        self._clock = clock
        self._sleep = sleep
        self._ledger = ledger
        self._settle = settle
        self._relay = relay
        self._entrance = entrance

    async def race(
        self,
        live: LiveExchange,
        first: Candidate,
        second: Candidate,
        after_s: float,
    ) -> Lost | None:
        """Ask `first`, and `second` too if that has not begun to answer after `after_s`. None: one of them answered.

        Raises what no other target would answer otherwise, and what is no failure of a target."""
        legs: list[_Leg] = []
        failed: list[tuple[Candidate, GatewayError]] = []
        winner: _Leg | None = None
        timer = asyncio.ensure_future(self._sleep(after_s))
        waiting: set[asyncio.Future[None]] = {timer}
        try:
            used = self._start(live, first, "first", legs, failed)
            while legs and winner is None:
                tasks = waiting.union(leg.task for leg in legs)
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                winner = self._look(live, legs, failed)
                if timer in done:
                    waiting = set()
                    if winner is None and legs and await self._afford(live):
                        used += self._start(live, second, "hedge", legs, failed)
        finally:
            timer.cancel()
            await self._end(live, legs, winner)
        if winner is None:
            return Lost(used, failed)
        error = await self._pass_on(live, winner)
        if error is None:
            return None
        return Lost(used, [*failed, (winner.candidate, error)], isinstance(error, Misshapen))

    def _start(
        self,
        live: LiveExchange,
        candidate: Candidate,
        role: Role,
        legs: list[_Leg],
        failed: list[tuple[Candidate, GatewayError]],
    ) -> int:
        """Begin a leg. 1; 0 where its target may not be asked now."""
        began = self._clock.monotonic()
        if self._entrance.enter(live.board, candidate.target, began, _tokens(live)) != "in":
            return 0
        try:
            trial = self._attempts.begin(live, candidate, role)
        except UpstreamError as error:
            self._attempts.failed(live, candidate, None, error, began, _tokens(live))
            failed.append((candidate, error))
        except Unrepresentable as error:
            self._leave(live, candidate, began)
            failed.append((candidate, error))
        except BaseException:
            self._leave(live, candidate, began)
            raise
        else:
            task = asyncio.ensure_future(self._attempts.open(live, trial, candidate.overlay))
            legs.append(_Leg(candidate, trial, task, began, _tokens(live)))
        return 1

    async def _afford(self, live: LiveExchange) -> bool:
        """Hold as much again for the second leg; where the budget has no room for that, there is none."""
        hold = live.hold
        if hold is None:
            return True
        try:
            at = live.started_us / 1e6
            await self._ledger.enlarge(hold, live.rules, hold.amount_nusd, at, wait=False)
        except (BudgetExceeded, StoreUnavailable):
            return False
        return True

    def _look(
        self, live: LiveExchange, legs: list[_Leg], failed: list[tuple[Candidate, GatewayError]]
    ) -> _Leg | None:
        """The leg that has begun to answer, if there is one; legs that failed are closed and taken out. Raises what is
        no failure of a target, and what is the request's own: the other leg is no way around it."""
        for leg in [leg for leg in legs if leg.task.done()]:
            error = leg.task.exception()
            if error is None:
                return leg
            if not isinstance(error, UpstreamError):
                raise error
            legs.remove(leg)
            self._relay.close(leg.trial)
            self._settle.fail_trial(live, error, leg.trial)
            self._attempts.failed(live, leg.candidate, leg.trial, error, leg.began, leg.tokens)
            if step(error, 1, 0) is Retry.STOP:
                raise error
            failed.append((leg.candidate, error))
        return None

    async def _end(self, live: LiveExchange, legs: list[_Leg], winner: _Leg | None) -> None:
        """Cancel the legs but the winner's, and close their books; the winner's place too, if that is interrupted."""
        losers = [leg for leg in legs if leg is not winner]
        for leg in losers:
            leg.task.cancel()
        try:
            await asyncio.gather(*(leg.task for leg in losers), return_exceptions=True)
        except BaseException:
            if winner is not None:
                self._relay.close(winner.trial)
                self._leave(live, winner.candidate, winner.began)
            raise
        finally:
            for leg in losers:
                self._relay.close(leg.trial)
                self._settle.fail_trial(live, Disconnected("Another target answered sooner."), leg.trial)
                self._leave(live, leg.candidate, leg.began)

    async def _pass_on(self, live: LiveExchange, leg: _Leg) -> UpstreamError | None:
        """Tell the client what the winner says. What went wrong before the client was told anything comes back."""
        try:
            if leg.trial.reply is None:
                await self._relay.stream(live, leg.trial)
            else:
                await self._relay.whole(live, leg.trial, leg.trial.reply)
        except UpstreamError as error:
            self._settle.fail_trial(live, error)
            self._attempts.failed(live, leg.candidate, leg.trial, error, leg.began, leg.tokens)
            if live.streaming:
                raise
            if live.call.client.gone:
                raise Disconnected("The client left before any target answered.") from None
            return error
        except BaseException:
            self._leave(live, leg.candidate, leg.began)
            raise
        finally:
            self._relay.close(leg.trial)
        self._attempts.succeeded(live, leg.candidate, leg.trial, leg.began, leg.tokens)
        return None

    def _leave(self, live: LiveExchange, candidate: Candidate, began: float) -> None:
        now = self._clock.monotonic()
        self._entrance.leave(live.board, candidate.target, now, _tokens(live), began)


def _tokens(live: LiveExchange) -> int:
    return 0 if live.asked is None else live.asked.input_estimate
