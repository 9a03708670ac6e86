"""Stage 8: try a plan's candidates until one answers.

Until the commit point a failure costs the client nothing but time: the same target is asked again where that can help
and its retry budget has room, then the next. One deadline is over all of it. Every attempt goes through the board of
health, which says who may be asked and hears how it went.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import TypedDict, Unpack

import msgspec

from waypost.config.nodes import Overlay
from waypost.config.targets import Target
from waypost.core.asked import Asked
from waypost.core.origin import Deadlines
from waypost.core.record import Role
from waypost.errors import (
    AllDown,
    Disconnected,
    GatewayError,
    InvalidRequest,
    Retry,
    TimedOut,
    Unavailable,
    Unrepresentable,
    UpstreamError,
)
from waypost.pipeline.continuation import Broken, Continuation
from waypost.pipeline.conversation import asked_of
from waypost.pipeline.exchange import LiveExchange, Trial
from waypost.pipeline.hedge import Hedges
from waypost.pipeline.relay import Relay
from waypost.pipeline.settle import Settle
from waypost.ports import Answer, Clock, Ledger, Upstream
from waypost.routing.planned import Candidate, Plan
from waypost.routing.requested.overlay import apply
from waypost.routing.retry import backoff_s, has_room, step, worst
from waypost.telemetry.logs import Log
from waypost.upstream.attempt import Heads, accept
from waypost.upstream.drill import Fault, pretend, send_broken

#: With less than this left before the deadline, nothing more is begun.
_LEAST_S = 0.01


class Tools(TypedDict):
    """What attempts are made with."""

    clock: Clock
    random: Callable[[], float]
    sleep: Callable[[float], Coroutine[object, object, None]]
    ledger: Ledger
    upstream: Upstream
    settle: Settle
    relay: Relay
    log: Log


class Attempts:
    """Asks targets. Stateless but for what it was given."""

    def __init__(self, **tools: Unpack[Tools]) -> None:
        self._clock = tools["clock"]
        self._random = tools["random"]
        self._sleep = tools["sleep"]
        self._ledger = tools["ledger"]
        self._upstream = tools["upstream"]
        self._settle = tools["settle"]
        self._relay = tools["relay"]
        self._heads = Heads(self._clock.wall)
        self._continuation = Continuation(self._ledger, tools["log"])
        self._hedges = Hedges(self, self._clock, self._sleep, self._ledger, self._settle, self._relay)

    async def run(self, live: LiveExchange, plan: Plan) -> None:
        """Answer through the first candidate that can. Raises the failure that tells the client most."""
        first = live.asked
        failures: list[GatewayError] = []
        left = list(plan.candidates)
        if plan.hedge_after_s is not None and _may_hedge(first, left):
            used = await self._hedges.race(live, left[0], left[1], plan.hedge_after_s, failures)
            if used is None:
                return
            left = left[used:]
        forced = False
        while left:
            candidate = left.pop(0)
            # What one target was told of its wrong answer, or is asked in its own way, is not another's business.
            live.asked = first if candidate.overlay is None else _overlaid(live, first, candidate.overlay)
            candidate = self._continuable(live, candidate)
            begun = live.begun
            role: Role = "failover" if begun else "first"
            enter = live.board.force_probe if forced else live.board.try_enter
            follows = await self._persist(live, candidate, role, failures, enter, left)
            if follows is None:
                return
            if follows is Retry.STOP:
                raise failures[-1]
            if live.begun > begun:
                left = _rest(left, candidate, follows, failures[-1])
            if not left and not live.begun and not forced:
                # All are out of order: one of them is asked nevertheless, before the client is turned away.
                forced, left = True, self._longest_ago(live, plan)
        if not failures:
            raise _all_down(plan, self._soonest(live, plan))
        raise _told(failures)

    async def _persist(
        self,
        live: LiveExchange,
        candidate: Candidate,
        role: Role,
        failures: list[GatewayError],
        enter: Callable[[Target, float, int], bool],
        left: list[Candidate],
    ) -> Retry | None:
        """Ask one target, and again where that can help; an answer that breaks off is finished by those that are
        `left`, where that is wished. None: it was answered. Else the step after its last failure, which is among
        `failures` if it was asked at all."""
        board, target = live.board, candidate.target
        asked = live.asked
        tokens = 0 if asked is None else asked.input_estimate
        tries = 0
        while True:
            now = self._clock.monotonic()
            if live.deadline - now < _LEAST_S:
                failures.append(_too_late())
                return Retry.STOP
            if not enter(target, now, tokens):
                return Retry.NEXT
            tries += 1
            try:
                broken = await self._counted(live, candidate, role, now)
                if broken is not None:
                    await self._go_on(live, broken, left)
            except Unrepresentable as error:
                failures.append(error)  # another target may have a form for it
                return Retry.NEXT
            except UpstreamError as error:
                if live.streaming:
                    raise
                if live.call.client.gone:
                    raise Disconnected("The client left before any target answered.") from None
                failures.append(error)
                follows = step(error, tries, target.provider.retries, candidate.overlay)
            else:
                return None
            if follows is not Retry.AGAIN:
                return follows
            now = self._clock.monotonic()
            pause = backoff_s(tries, self._random)
            if now + pause > live.deadline or not board.may_retry(target, now):
                return Retry.NEXT
            await self._sleep(pause)
            live.waited += self._clock.monotonic() - now
            role, enter = "retry", board.try_enter

    def _continuable(self, live: LiveExchange, candidate: Candidate) -> Candidate:
        """The candidate on a lane whose stream can be gone on with, where that is wished."""
        lane = self._continuation.lane(live, candidate.lane)
        return candidate if lane is candidate.lane else msgspec.structs.replace(candidate, lane=lane)

    async def _go_on(self, live: LiveExchange, broken: Broken, left: list[Candidate]) -> None:
        """An answer broke off behind the commit point: the next targets finish it, each where the one before it ended.
        When none does, the client is told why it broke off."""
        asked = live.asked
        for candidate in left:
            target = candidate.target
            lane = self._continuation.next_lane(live, target, candidate.lane, broken)
            now = self._clock.monotonic()
            standing = live.board.of(target)
            if lane is None or standing.ejected_until(now) or standing.parked_until(now):
                continue
            if not self._continuation.can_go_on(live, asked, broken):
                break
            if not live.board.try_enter(target, now, tokens_of(live)):
                continue
            finishing = msgspec.structs.replace(candidate, lane=lane)
            try:
                again = await self._counted(live, finishing, "continuation", now, broken)
            except (InvalidRequest, Unrepresentable):
                continue  # the words so far have no form for this target
            if again is None:
                return
            broken = again
        raise broken.error

    async def _counted(
        self, live: LiveExchange, candidate: Candidate, role: Role, began: float, before: Broken | None = None
    ) -> Broken | None:
        """One attempt, with the board told of how it went. None: the client has its answer. What can be gone on from,
        where the answer broke off and that is wished; `before`: what this attempt itself goes on from."""
        tokens = tokens_of(live)
        try:
            trial = await self.attempt(live, candidate, role)
        except UpstreamError as error:
            failed = live.trial
            broken = self._continuation.broken(live, error, before)
            self._settle.fail_trial(live, error)
            self.failed(live, candidate, failed, error, began)
            if broken is None:
                raise
            return broken
        except BaseException:
            live.board.leave(candidate.target, self._clock.monotonic(), tokens, began)
            raise
        self.succeeded(live, candidate, trial, began)
        return None

    async def attempt(self, live: LiveExchange, candidate: Candidate, role: Role) -> Trial:
        """Ask one target once, and pass its answer on to the end. Raises UpstreamError and Unrepresentable."""
        trial = self.begin(live, candidate, role)
        try:
            await self.open(live, trial, candidate.overlay)
            await self._relay.go_on(live, trial)
        finally:
            self._relay.close(trial)
        return trial

    def begin(self, live: LiveExchange, candidate: Candidate, role: Role) -> Trial:
        """Render the request for a target. Raises Unrepresentable, and Unavailable and CredentialRefused where its
        token or temporary keys have ended."""
        asked = live.asked
        assert asked is not None  # noqa: S101 - stage 3 set it
        target, lane = candidate.target, candidate.lane
        provider = target.provider
        onward = lane.render_onward(asked_of(live, provider, lane), target.model, provider.quirks)
        headers, version = live.call.headers, live.snapshot.version
        head = self._heads.render(target, lane, asked.stream, headers, onward, version)
        trial = live.open_trial(target, lane, onward.dropped, self._clock.monotonic(), role)
        trial.head, trial.body = head, onward.body
        return trial

    async def open(self, live: LiveExchange, trial: Trial, overlay: Overlay | None) -> None:
        """Send the request, and read its answer as far as `Relay.open` does. Raises UpstreamError."""
        asked, part = live.asked, live.part
        assert asked is not None  # noqa: S101 - stage 3 set it
        target = trial.target
        fault = None if part is None else part.fault_of(target, live.attempt_id(trial), trial.started)
        if fault is None or fault.sends(asked.stream):
            self._settle.dispatch(live, trial)
            if live.snapshot.settings.durability == "fsync":
                await self._ledger.durable()
            if live.aborted is not None:
                raise live.aborted  # its cancellation would arrive only once the request is on its way
            trial.sent = True
        monotonic = self._clock.monotonic
        sent = monotonic()
        provider = target.provider
        deadlines = _bounded(provider.deadlines, live.deadline - sent, overlay)
        try:
            if fault is None:
                answer = await self._upstream.send(
                    provider.origin, trial.head, trial.body, deadlines, stream=asked.stream
                )
            else:
                answer = await self._rehearse(fault, trial, deadlines, asked.stream)
        finally:
            live.waited += monotonic() - sent
        trial.answer = answer
        trial.answered = answer.status
        if answer.body is None:
            live.board.told(target, monotonic(), answer.headers)
        accept(trial.lane, asked, answer, provider.credential)
        await self._relay.open(live, trial, answer)

    async def _rehearse(self, fault: Fault, trial: Trial, deadlines: Deadlines, stream: bool) -> Answer:
        """An attempt that a rehearsal breaks."""
        if not fault.sends(stream):
            return await pretend(fault, deadlines, stream, self._sleep)

        def send() -> Awaitable[Answer]:
            origin = trial.target.provider.origin
            return self._upstream.send(origin, trial.head, trial.body, deadlines, stream=stream)

        return await send_broken(fault, send, deadlines, self._sleep)

    def succeeded(self, live: LiveExchange, candidate: Candidate, trial: Trial, began: float) -> None:
        """Tell the board of the attempt that was closed last."""
        done, answer, now = live.attempts[-1], trial.answer, self._clock.monotonic()
        first = done.first_token_us
        live.board.succeeded(
            candidate.target,
            now,
            tokens_of(live),
            () if answer is None or answer.body is None else answer.headers,
            done.usage,
            None if first is None else first / 1e6,
            now - began,
        )

    def failed(
        self,
        live: LiveExchange,
        candidate: Candidate,
        trial: Trial | None,
        error: UpstreamError,
        began: float,
    ) -> None:
        """Tell the board of a failure."""
        answer = None if trial is None else trial.answer
        headers = () if answer is None else answer.headers
        live.board.failed(candidate.target, self._clock.monotonic(), tokens_of(live), error, headers, began)

    def _longest_ago(self, live: LiveExchange, plan: Plan) -> list[Candidate]:
        """Of the candidates whose breakers are open, the one that failed least recently."""
        now, of = self._clock.monotonic(), live.board.of
        ejected = [each for each in plan.candidates if of(each.target).ejected_until(now) > 0]
        return sorted(ejected, key=lambda each: of(each.target).failed_at)[:1]

    def _soonest(self, live: LiveExchange, plan: Plan) -> float | None:
        """Seconds until one of the candidates may be asked."""
        now = self._clock.monotonic()
        waits = []
        for each in plan.candidates:
            standing = live.board.of(each.target)
            until = max(standing.ejected_until(now), standing.parked_until(now))
            if until > now:
                waits.append(until - now)
        return min(waits, default=None)


def tokens_of(live: LiveExchange) -> int:
    """What an attempt counts for on the board."""
    return 0 if live.asked is None else live.asked.input_estimate


def _may_hedge(asked: Asked | None, left: list[Candidate]) -> bool:
    """Two targets that are asked the same, for an answer that nobody else is to finish."""
    if len(left) < 2 or asked is None or asked.continues:
        return False
    return left[0].overlay is left[1].overlay is None


def _overlaid(live: LiveExchange, asked: Asked | None, overlay: Overlay) -> Asked | None:
    """The request as this candidate is asked it. Raises InvalidRequest."""
    call = live.call
    return (
        None if asked is None else apply(overlay, asked, call.dialect, live.snapshot.settings.json, call.path)
    )


def _rest(left: list[Candidate], failed: Candidate, follows: Retry, error: GatewayError) -> list[Candidate]:
    """The candidates after a failure: where the request was too long only larger models are left, and where the
    provider itself is down its other credentials come last."""
    target = failed.target
    if follows is Retry.LARGER:
        return [each for each in left if has_room(each.target, (target,))]
    if isinstance(error, (Unavailable, TimedOut)):
        name = target.provider.name
        return sorted(left, key=lambda each: each.target.provider.name == name)
    return left


def _bounded(deadlines: Deadlines, remaining: float, overlay: Overlay | None) -> Deadlines:
    """The provider's deadlines, within what is left of the exchange's own."""
    limit = None if overlay is None else overlay.timeout_s
    if remaining >= deadlines.total_s and limit is None:
        return deadlines
    first = deadlines.first_byte_s if limit is None else min(limit, deadlines.first_byte_s)
    return msgspec.structs.replace(
        deadlines,
        connect_s=min(deadlines.connect_s, remaining, first),
        first_byte_s=min(first, remaining),
        total_s=min(deadlines.total_s, remaining),
    )


def _told(failures: list[GatewayError]) -> GatewayError:
    """What the client is told: how asking failed, or why nobody could be asked."""
    asked = [failure for failure in failures if isinstance(failure, UpstreamError)]
    return worst(asked) if asked else failures[0]


def _too_late() -> TimedOut:
    return TimedOut(
        "The time for this request was over before any target had answered. Ask again, or allow more by "
        "`x-waypost-deadline` or `limits.exchange`.",
        phase="total",
        may_have_billed=False,
    )


def _all_down(plan: Plan, soonest_s: float | None) -> AllDown:
    known = [each for each in (plan.soonest_s, soonest_s) if each is not None]
    wait = min(known, default=None)
    when = "" if wait is None else f" The first of them is asked again in {wait:.0f} s."
    return AllDown(
        f"Every target that could serve this is out of order or at its limit just now.{when} Ask again then; "
        "`POST /v1/route/explain` tells why.",
        retry_after_s=wait,
    )
