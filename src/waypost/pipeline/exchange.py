"""The one per-request object: what was asked, decided, tried and sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec

from waypost.config.snapshot import Route, Snapshot
from waypost.config.targets import Target
from waypost.core.asked import Asked, PathAsk, Reply, Stamp
from waypost.core.decision import Decision
from waypost.core.key import Key
from waypost.core.record import Attempt, AttemptState, Exchange, Outcome, Role
from waypost.core.rules import NO_RULES, Rules, Standing
from waypost.core.usage import Usage
from waypost.dialects.dialect import NO_PATH, Dialect, StreamRelay
from waypost.dialects.lane import Lane
from waypost.dialects.structured import Shape
from waypost.errors import GatewayError, UpstreamError
from waypost.pipeline.rehearsal import Part
from waypost.policy.limits import Taken
from waypost.ports import Answer, Client, Hold
from waypost.routing.board import Board
from waypost.routing.requested.select import Selected
from waypost.routing.requested.wishes import NO_WISHES

if TYPE_CHECKING:
    from waypost.pipeline.shared import Shared


class Failing(Protocol):
    """What was begun and can only be ended in-band."""

    def fail(self, error: GatewayError) -> bytes:
        """As `StreamRelay.fail`."""
        ...


class Call(msgspec.Struct):
    """One received request, as the edge hands it over."""

    dialect: Dialect
    body: bytes
    headers: Mapping[bytes, bytes]
    """Names in lower case."""
    key: bytes | None
    """The presented key's text."""
    exchange_id: str
    received: float
    """Monotonic seconds at which the request's head was complete."""
    client: Client
    path: PathAsk = NO_PATH
    """What the matched path says."""
    principal: Key | None = None
    """Who asks, where that is known already: a line of a batch brings no key's text."""
    peer: tuple[str, int] | None = None
    """The other end of the connection, as the socket tells it."""


class Trial:
    """An attempt under way."""

    __slots__ = (
        "answer",
        "answered",
        "body",
        "dropped",
        "first_token",
        "head",
        "held",
        "lane",
        "number",
        "rehearsed",
        "relay",
        "reply",
        "role",
        "sent",
        "started",
        "target",
    )

    def __init__(
        self,
        target: Target,
        lane: Lane,
        dropped: tuple[str, ...],
        number: int,
        started: float,
        role: Role = "first",
    ) -> None:
        self.target = target
        self.lane = lane
        #: The client's fields that this target is not told of.
        self.dropped = dropped
        self.number = number
        self.started = started
        self.role: Role = role
        #: The request, ready for the wire.
        self.head = self.body = b""
        self.answer: Answer | None = None
        #: Of a whole answer, what it says.
        self.reply: Reply | None = None
        #: Of a stream, what came up to the commit point, for the client.
        self.held = b""
        #: A drill had its part in it.
        self.rehearsed = False
        #: The request was handed to the upstream client; before that no provider can have worked.
        self.sent = False
        self.answered: int | None = None
        self.first_token: float | None = None
        self.relay: StreamRelay | None = None


class LiveExchange:
    """Mutable while the request runs; `record()` is its frozen end."""

    __slots__ = (
        "aborted",
        "asked",
        "attempts",
        "begun",
        "board",
        "call",
        "cancelling",
        "closing",
        "deadline",
        "decision",
        "drain_limit",
        "error",
        "finish_reason",
        "first_token",
        "hold",
        "key",
        "original",
        "outcome",
        "part",
        "relay",
        "replay_of",
        "response_body",
        "rival",
        "route",
        "rules",
        "selected",
        "settled",
        "shadow",
        "shape",
        "shared",
        "snapshot",
        "standing",
        "started_us",
        "status",
        "streaming",
        "taken",
        "task",
        "told",
        "trial",
        "unknown_previous",
        "waited",
        "wishes",
    )

    def __init__(self, call: Call, snapshot: Snapshot, started_us: int) -> None:
        self.call = call
        self.snapshot = snapshot
        self.started_us = started_us
        self.task: asyncio.Task[object] | None = None
        self.key: Key | None = None
        self.asked: Asked | None = None
        self.route: Route | None = None
        self.wishes = NO_WISHES  #: What the client asked of the gateway itself.
        self.selected: Selected | None = None  #: The route with what the request asks of it.
        self.hold: Hold | None = None
        #: What the key may; what holds for this request of it, and what it took of that; headers of every answer.
        self.standing: Standing | None = None
        self.rules: Rules = NO_RULES
        self.taken: Taken | None = None
        self.told: tuple[tuple[bytes, bytes], ...] = ()
        self.trial: Trial | None = None
        #: A second attempt beside `trial`: whichever answers first is passed on.
        self.rival: Trial | None = None
        #: Attempts so far, those under way included.
        self.begun = 0
        self.attempts: list[Attempt] = []
        #: What it is planned and attempted on: a rehearsal's own, where it is part of one. Set with the plan.
        self.board: Board
        #: Why these targets in this order.
        self.decision: Decision | None = None
        #: Monotonic seconds by which everything has to be over.
        self.deadline = float("inf")
        #: A copy that was sent beside, for nobody.
        self.shadow = False
        #: The response's head has been sent: from here on an error can only be told in-band.
        self.streaming = False
        self.status = 0
        self.outcome: Outcome = "refused"
        self.error: str | None = None
        self.finish_reason: str | None = None
        self.first_token: float | None = None
        #: Seconds spent waiting for upstreams, which are not the gateway's own.
        self.waited = 0.0
        self.aborted: GatewayError | None = None
        #: A cancellation was asked for and has not arrived yet; the client is being told of an error, so that nothing
        #: is left to abort.
        self.settled = self.cancelling = self.closing = False
        #: Runs out when a client that left has had its answer read for as long as it may be.
        self.drain_limit: asyncio.TimerHandle | None = None
        self.response_body: bytes | None = None
        #: What the answer has to be an instance of.
        self.shape: Shape | None = None
        #: An earlier answer that this one goes on from and that is not kept here.
        self.unknown_previous: str | None = None
        #: Who made the earlier answer that this one goes on from, and what its maker is asked.
        self.original: tuple[str, Asked] | None = None
        #: What it is of an outage rehearsal.
        self.part: Part | None = None
        #: Writes an error into the stream, or the session, that has begun.
        self.relay: Failing | None = None
        #: What others with the same idempotency key get too, while this exchange makes it.
        self.shared: Shared | None = None
        #: The exchange whose answer this one was given.
        self.replay_of: str | None = None

    def abort(self, error: GatewayError) -> None:
        """End this exchange from outside: whatever it is waiting for is cancelled, and it answers with `error`."""
        if self.aborted is None and not self.settled and not self.closing and self.task is not None:
            self.aborted = error
            self.cancelling = True
            self.task.cancel()

    def abort_arrived(self) -> None:
        """The cancellation that `abort` asked for was raised; the task goes on as if there had been none."""
        self.cancelling = False
        if self.task is not None:
            self.task.uncancel()

    async def absorb_abort(self) -> None:
        """Let a cancellation that `abort` asked for arrive here, not in whatever this task awaits next."""
        if self.cancelling:
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                self.abort_arrived()

    def open_trial(
        self, target: Target, lane: Lane, dropped: tuple[str, ...], now: float, role: Role = "first"
    ) -> Trial:
        self.begun += 1
        trial = Trial(target, lane, dropped, self.begun, now, role)
        if self.trial is None:
            self.trial = trial
        else:
            self.rival = trial
        return trial

    def stamp(self) -> Stamp:
        """For answers of another dialect than the client's."""
        return Stamp(self.call.exchange_id, self.started_us // 1_000_000)

    def attempt_id(self, trial: Trial) -> str:
        return f"{self.call.exchange_id}.{trial.number}"

    def close_trial(
        self,
        now: float,
        state: AttemptState,
        usage: Usage | None,
        cost_nusd: int | None,
        error: UpstreamError | GatewayError | None = None,
        trial: Trial | None = None,
    ) -> None:
        """Turn an attempt under way into its record: `trial`, or the only one there is."""
        trial = trial or self.trial
        if trial is self.rival:
            self.rival = None
        elif trial is self.trial:
            self.trial, self.rival = self.rival, None
        if trial is None:
            return
        target = trial.target
        started = trial.started
        self.attempts.append(
            Attempt(
                attempt_id=self.attempt_id(trial),
                provider=target.provider.name,
                model=target.model,
                started_us=self.started_us + int((started - self.call.received) * 1e6),
                state=state,
                status=trial.answered,
                error=None if error is None else error.code,
                first_token_us=None
                if trial.first_token is None
                else int((trial.first_token - started) * 1e6),
                total_us=int((now - started) * 1e6),
                usage=usage,
                cost_nusd=cost_nusd,
                price_version=None if target.tariff is None else target.tariff.version,
                key_name=target.provider.key_name,
                role=trial.role,
            )
        )

    def overhead_us(self, now: float) -> int:
        """Microseconds the gateway itself took: up to the first token of a stream, in total for a whole answer."""
        end = self.first_token if self.first_token is not None else now
        return max(0, int((end - self.call.received - self.waited) * 1e6))

    def cost_nusd(self) -> int | None:
        if self.replay_of is not None and not self.attempts:
            return 0
        # That a refused attempt cost nothing says nothing of the one that answered.
        billed = [attempt.cost_nusd for attempt in self.attempts if attempt.state != "voided"]
        known = [cost for cost in billed if cost is not None]
        return sum(known) if known or (self.attempts and not billed) else None

    def record(self, now: float, keep_content: bool) -> Exchange:
        asked = self.asked
        received = self.call.received
        return Exchange(
            exchange_id=self.call.exchange_id,
            started_us=self.started_us,
            key_id=None if self.key is None else self.key.key_id,
            operation=self.call.dialect.operation,
            asked_model=None if asked is None else asked.model[:256],
            route=None if self.route is None else self.route.name[:256],
            stream=asked is not None and asked.stream,
            status=self.status,
            outcome=self.outcome,
            error=self.error,
            first_token_us=None if self.first_token is None else int((self.first_token - received) * 1e6),
            total_us=int((now - received) * 1e6),
            overhead_us=self.overhead_us(now),
            cost_nusd=self.cost_nusd(),
            config_version=self.snapshot.version,
            accounts=() if self.hold is None else self.hold.accounts,
            attempts=tuple(self.attempts),
            finish_reason=self.finish_reason,
            request_body=self.call.body if keep_content else None,
            response_body=self.response_body if keep_content else None,
            decision=self.decision if self.replay_of is None else _replayed(self.replay_of),
            drill=None if self.part is None else self.part.drill_id,
        )


def _replayed(exchange_id: str) -> Decision:
    return Decision(notes=(f"the answer of {exchange_id}",))
