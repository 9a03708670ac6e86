"""Stage 8: try a plan's candidates until one answers.

Until the commit point a failure costs the client nothing but time: the same target is asked again where that can help
and its retry budget has room, then the next. One deadline is over all of it. Every attempt goes through the board of
health, which says who may be asked and hears how it went.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Literal, TypedDict, Unpack

from waypost.config.nodes import Overlay
from waypost.config.targets import Target
from waypost.core.origin import Deadlines
from waypost.core.record import Role
from waypost.errors import (
    Disconnected,
    GatewayError,
    InvalidRequest,
    Overloaded,
    Retry,
    TimedOut,
    Unrepresentable,
    UpstreamError,
)
from waypost.pipeline.continuation import Broken, Continuation
from waypost.pipeline.conversation import asked_of
from waypost.pipeline.course import (
    all_down,
    behind,
    bounded,
    longest_ago,
    may_hedge,
    overlaid,
    rest,
    told,
    too_late,
)
from waypost.pipeline.entrance import Entrance
from waypost.pipeline.exchange import LiveExchange, Trial
from waypost.pipeline.hedge import Hedges
from waypost.pipeline.relay import Relay
from waypost.pipeline.settle import Settle
from waypost.ports import Answer, Clock, Ledger, Upstream
from waypost.routing.planned import Candidate, Plan, through
from waypost.routing.retry import backoff_s, step
from waypost.telemetry.logs import Log
from waypost.upstream.attempt import Heads, accept, hide_key
from waypost.upstream.drill import Fault, pretend, send_broken

#: How a target is entered: as it is free; though its breaker is open; or by a place that was waited for.
Way = Literal["free", "forced", "taken"]
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
    entrance: Entrance
    log: Log


class Attempts:
    """Asks targets. Stateless but for what it was given."""

    #: Two may be asked at once.
    _may_hedge = True

    def __init__(self, **tools: Unpack[Tools]) -> None:
        self._clock = tools["clock"]
        self._random = tools["random"]
        self._sleep = tools["sleep"]
        self._ledger = tools["ledger"]
        self._upstream = tools["upstream"]
        self._settle = tools["settle"]
        self._relay = tools["relay"]
        self._entrance = tools["entrance"]
        self._heads = Heads(self._clock.wall)
        self._continuation = Continuation(self._ledger, tools["log"])
        self._hedges = Hedges(
            self, self._clock, self._sleep, self._ledger, self._settle, self._relay, self._entrance
        )

    async def run(self, live: LiveExchange, plan: Plan) -> None:
        """Answer through the first candidate that can. Raises the failure that tells the client most."""
        first = live.asked
        failures: list[GatewayError] = []
        left = list(plan.candidates)
        if plan.hedge_after_s is not None and self._may_hedge and may_hedge(first, left):
            lost = await self._hedges.race(live, left[0], left[1], plan.hedge_after_s)
            if lost is None:
                return
            failures.extend(error for _, error in lost.failed)
            left = behind(lost, left)
        forced = False
        crowded: list[Candidate] = []
        while left or (crowded and not live.begun):
            taken = not left
            candidate = left.pop(0) if left else await self._wait(live, crowded)
            # What one target was told of its wrong answer, or is asked in its own way, is not another's business.
            live.asked = first if candidate.overlay is None else overlaid(live, first, candidate.overlay)
            if first is not None and first.continues:
                candidate = self._continuable(live, candidate)
            begun = live.begun
            way: Way = "taken" if taken else "forced" if forced else "free"
            follows = await self._persist(live, candidate, failures, way, left, crowded)
            if follows is None:
                return
            if follows is Retry.STOP:
                raise failures[-1]
            if live.begun > begun:
                left = rest(left, candidate, follows, failures[-1])
            if not (left or crowded or live.begun or forced):
                # All are out of order: one of them is asked nevertheless, before the client is turned away.
                forced, left = True, longest_ago(plan, live.board, self._clock.monotonic())
        if not failures:
            raise all_down(plan, live.board, self._clock.monotonic())
        raise told(failures)

    async def _wait(self, live: LiveExchange, crowded: list[Candidate]) -> Candidate:
        """All that may be asked have as much to do as they take: wait in turn for one of them. Raises Overloaded."""
        waiting = self._clock.monotonic()
        if live.key is None:
            raise Overloaded(
                "Every target has as many requests as it takes, and nobody waits for this answer."
            )
        target = await self._entrance.wait(live.key, [each.target for each in crowded], live.deadline)
        live.waited += self._clock.monotonic() - waiting
        return crowded.pop(next(i for i, each in enumerate(crowded) if each.target.label == target.label))

    async def _persist(
        self,
        live: LiveExchange,
        candidate: Candidate,
        failures: list[GatewayError],
        way: Way,
        left: list[Candidate],
        crowded: list[Candidate],
    ) -> Retry | None:
        """Ask one target, and again where that can help; an answer that breaks off is finished by those that are
        `left`, where that is wished. None: it was answered. Else the step after its last failure, which is among
        `failures` if it was asked at all; one that was too busy for it is among the `crowded`."""
        target, tokens, tries = candidate.target, tokens_of(live), 0
        role: Role = "failover" if live.begun else "shadow" if live.shadow else "first"
        while True:
            now = self._clock.monotonic()
            if live.deadline - now < _LEAST_S:
                self._give_up(target, now, way, failures)
                return Retry.STOP
            if not self._enter(live, candidate, now, tokens, way, crowded):
                return Retry.NEXT
            tries += 1
            try:
                trial = await self.attempt(live, candidate, role)
            except UpstreamError as error:
                broken = self._failed(live, candidate, error, now, tokens)
                if broken is not None:
                    await self._go_on(live, broken, left)
                    return None
                if live.streaming:
                    raise
                if live.call.client.gone:
                    raise Disconnected("The client left before any target answered.") from None
                failures.append(error)
                follows = step(error, tries, target.provider.retries, candidate.overlay)
            except Unrepresentable as error:
                self._entrance.leave(live.board, target, self._clock.monotonic(), tokens, now)
                failures.append(error)  # another target may have a form for it
                return Retry.NEXT
            except BaseException:
                self._entrance.leave(live.board, target, self._clock.monotonic(), tokens, now)
                raise
            else:
                self.succeeded(live, candidate, trial, now, tokens)
                return None
            if follows is not Retry.AGAIN or not await self._pause(live, target, tries):
                return Retry.NEXT if follows is Retry.AGAIN else follows
            role, way = "retry", "free"

    def _give_up(self, target: Target, now: float, way: Way, failures: list[GatewayError]) -> None:
        """There is no time for an attempt: a place that was waited for is another's."""
        if way == "taken":
            self._entrance.drop(target, now)
        failures.append(too_late())

    def _enter(
        self,
        live: LiveExchange,
        candidate: Candidate,
        now: float,
        tokens: int,
        way: Way,
        crowded: list[Candidate],
    ) -> bool:
        """Whether an attempt may begin."""
        target, entrance = candidate.target, self._entrance
        if way == "taken":
            return entrance.take(live.board, target, now, tokens)
        entered = entrance.enter(live.board, target, now, tokens, forced=way == "forced")
        if entered == "busy":
            crowded.append(candidate)
        return entered == "in"

    async def _pause(self, live: LiveExchange, target: Target, tries: int) -> bool:
        """Wait before the same target is asked again. False: there is no time, or no room in its retry budget."""
        now = self._clock.monotonic()
        pause = backoff_s(tries, self._random)
        if now + pause > live.deadline or not live.board.may_retry(target, now):
            return False
        await self._sleep(pause)
        live.waited += self._clock.monotonic() - now
        return True

    def _failed(
        self,
        live: LiveExchange,
        candidate: Candidate,
        error: UpstreamError,
        began: float,
        tokens: int,
        before: Broken | None = None,
    ) -> Broken | None:
        """Close the books of an attempt that failed, and tell the board. What can be gone on from, where an answer
        broke off and that is wished; `before`: what this attempt itself went on from."""
        trial = live.trial
        broken = self._continuation.broken(live, error, before)
        self._settle.fail_trial(live, error)
        self.failed(live, candidate, trial, error, began, tokens)
        return broken

    def _continuable(self, live: LiveExchange, candidate: Candidate) -> Candidate:
        """The candidate on a lane whose stream can be gone on with, where that is wished."""
        lane = self._continuation.lane(live, candidate.lane)
        return candidate if lane is candidate.lane else through(candidate, lane)

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
            if not await self._continuation.can_go_on(live, asked, broken):
                break
            tokens = tokens_of(live)
            if self._entrance.enter(live.board, target, now, tokens) != "in":
                continue
            finishing = through(candidate, lane)
            try:
                trial = await self.attempt(live, finishing, "continuation")
            except UpstreamError as error:
                again = self._failed(live, finishing, error, now, tokens, broken)
                if again is None:
                    raise
                broken = again
            except (InvalidRequest, Unrepresentable):
                self._entrance.leave(live.board, target, self._clock.monotonic(), tokens, now)
                continue  # the words so far have no form for this target
            except BaseException:
                self._entrance.leave(live.board, target, self._clock.monotonic(), tokens, now)
                raise
            else:
                self.succeeded(live, finishing, trial, now, tokens)
                return
        raise broken.error

    async def attempt(self, live: LiveExchange, candidate: Candidate, role: Role) -> Trial:
        """Ask one target once, and pass its answer on to the end. Raises UpstreamError and Unrepresentable."""
        trial = self.begin(live, candidate, role)
        try:
            await self.open(live, trial, candidate.overlay)
            if trial.reply is None:
                await self._relay.stream(live, trial)
            else:
                await self._relay.whole(live, trial, trial.reply)
        finally:
            self._relay.close(trial)
        return trial

    def begin(self, live: LiveExchange, candidate: Candidate, role: Role) -> Trial:
        """Render the request for a target. Raises Unrepresentable, and Unavailable and CredentialRefused where its
        token or temporary keys have ended."""
        asked = live.asked
        assert asked is not None  # noqa: S101 - stage 3 set it
        target, lane, stream = candidate.target, candidate.lane, asked.stream
        provider = target.provider
        asked = asked if live.original is None else asked_of(live, provider, lane)
        onward = lane.render_onward(asked, target.model, provider.quirks)
        head = self._heads.render(target, lane, stream, live.call.headers, onward, live.snapshot.version)
        trial = live.open_trial(target, lane, onward.dropped, self._clock.monotonic(), role)
        trial.head, trial.body = head, onward.body
        return trial

    async def open(self, live: LiveExchange, trial: Trial, overlay: Overlay | None) -> None:
        """Send the request, and read its answer as far as it can be taken back. Raises UpstreamError."""
        asked, part, target, monotonic = live.asked, live.part, trial.target, self._clock.monotonic
        assert asked is not None  # noqa: S101 - stage 3 set it
        fault = None if part is None else part.fault_of(target, trial.attempt_id, trial.started)
        trial.rehearsed = fault is not None
        if fault is None or fault.sends(asked.stream):
            self._settle.dispatch(live, trial)
            if live.snapshot.settings.durability == "fsync":
                await self._ledger.durable()
            if live.aborted is not None:
                raise live.aborted  # its cancellation would arrive only once the request is on its way
            trial.sent = True
        sent = monotonic()
        provider = target.provider
        deadlines = provider.deadlines
        if overlay is not None or live.deadline - sent < deadlines.total_s:
            deadlines = bounded(deadlines, live.deadline - sent, overlay)
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
        if answer.body is None:
            await self._relay.open(live, trial, answer)
        else:
            answer.close()
            trial.reply = trial.lane.parse_reply(answer.body)

    async def _rehearse(self, fault: Fault, trial: Trial, deadlines: Deadlines, stream: bool) -> Answer:
        """An attempt that a rehearsal breaks."""
        if not fault.sends(stream):
            return await pretend(fault, deadlines, stream, self._sleep)

        def send() -> Awaitable[Answer]:
            origin = trial.target.provider.origin
            return self._upstream.send(origin, trial.head, trial.body, deadlines, stream=stream)

        return await send_broken(fault, send, deadlines, self._sleep)

    def succeeded(
        self, live: LiveExchange, candidate: Candidate, trial: Trial, began: float, tokens: int
    ) -> None:
        """Tell the board of the attempt that was closed last."""
        done, answer, now = live.attempts[-1], trial.answer, self._clock.monotonic()
        first = done.first_token_us
        self._entrance.succeeded(
            live.board,
            candidate.target,
            now,
            tokens,
            () if answer is None or answer.body is None else answer.headers,
            done.usage,
            None if first is None else first / 1e6,
            now - began,
            rehearsed=trial.rehearsed,
        )

    def failed(
        self,
        live: LiveExchange,
        candidate: Candidate,
        trial: Trial | None,
        error: UpstreamError,
        began: float,
        tokens: int,
    ) -> None:
        """Tell the board of a failure, if it was the target's: the client's patience is not."""
        hide_key(error, candidate.target.provider.credential)
        now, answer = self._clock.monotonic(), None if trial is None else trial.answer
        if isinstance(error, TimedOut) and now >= live.deadline:
            self._entrance.leave(live.board, candidate.target, now, tokens, began)
            return
        headers = () if answer is None else answer.headers
        rehearsed = trial is not None and trial.rehearsed
        self._entrance.failed(
            live.board, candidate.target, now, tokens, error, headers, began, rehearsed=rehearsed
        )


def tokens_of(live: LiveExchange) -> int:
    """What an attempt counts for on the board."""
    return 0 if live.asked is None else live.asked.input_estimate
