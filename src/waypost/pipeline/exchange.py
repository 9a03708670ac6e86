"""The one per-request object: what was asked, decided, tried and sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, Protocol, cast

import msgspec

from waypost.config.snapshot import Route, Snapshot
from waypost.config.targets import Target
from waypost.core.asked import Asked, PathAsk, Reply, Stamp
from waypost.core.decision import Decision
from waypost.core.key import Key
from waypost.core.markup import charged
from waypost.core.record import Attempt, AttemptState, Exchange, Outcome, Role
from waypost.core.rules import NO_RULES, Rules, Standing
from waypost.core.usage import Usage
from waypost.dialects.dialect import NO_PATH, Dialect, StreamRelay
from waypost.dialects.lane import Lane
from waypost.dialects.structured import Shape
from waypost.errors import BudgetExceeded, GatewayError, UpstreamError
from waypost.pipeline.rehearsal import Part
from waypost.ports import Answer, Client, Hold, Taken
from waypost.routing.board import Board
from waypost.routing.requested.select import Selected
from waypost.routing.requested.wishes import NO_WISHES, Wishes

if TYPE_CHECKING:
    from waypost.pipeline.shared import Shared


#: Nothing asks it: a board comes with the plan.
_UNPLANNED = cast("Board", None)


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


class Trial(msgspec.Struct, eq=False):
    """An attempt under way."""

    target: Target
    lane: Lane
    dropped: tuple[str, ...]
    """The client's fields that this target is not told of."""
    number: int
    attempt_id: str
    started: float
    role: Role = "first"
    head: bytes = b""
    """With `body`: the request, ready for the wire."""
    body: bytes = b""
    answer: Answer | None = None
    reply: Reply | None = None
    """Of a whole answer, what it says."""
    held: bytes = b""
    """Of a stream, what came up to the commit point, for the client."""
    rehearsed: bool = False
    """A drill had its part in it."""
    sent: bool = False
    """The request was handed to the upstream client; before that no provider can have worked."""
    answered: int | None = None
    first_token: float | None = None
    relay: StreamRelay | None = None


class LiveExchange(msgspec.Struct, eq=False):
    """Mutable while the request runs; `record()` is its frozen end. A struct, because that is made at once."""

    call: Call
    snapshot: Snapshot
    started_us: int
    task: asyncio.Task[object] | None = None
    key: Key | None = None
    asked: Asked | None = None
    route: Route | None = None
    wishes: Wishes = NO_WISHES
    """What the client asked of the gateway itself."""
    selected: Selected | None = None
    """The route with what the request asks of it."""
    hold: Hold | None = None
    standing: Standing | None = None
    """What the key may."""
    unpaid: BudgetExceeded | None = None
    """Why nothing of what the operator gives may be used for it: then only credentials that were brought are."""
    rules: Rules = NO_RULES
    """What holds for this request of it."""
    taken: Taken | None = None
    """What it took of its limits."""
    told: tuple[tuple[bytes, bytes], ...] = ()
    """Headers of every answer."""
    trial: Trial | None = None
    rival: Trial | None = None
    """A second attempt beside `trial`: whichever answers first is passed on."""
    begun: int = 0
    """Attempts so far, those under way included."""
    attempts: list[Attempt] = []
    board: Board = _UNPLANNED
    """What it is planned and attempted on: a rehearsal's own, where it is part of one. Set with the plan."""
    decision: Decision | None = None
    """Why these targets in this order."""
    deadline: float = inf
    """Monotonic seconds by which everything has to be over."""
    shadow: bool = False
    """A copy that was sent beside, for nobody."""
    streaming: bool = False
    """The response's head has been sent: from here on an error can only be told in-band."""
    status: int = 0
    outcome: Outcome = "refused"
    error: str | None = None
    finish_reason: str | None = None
    first_token: float | None = None
    waited: float = 0.0
    """Seconds spent waiting for upstreams, which are not the gateway's own."""
    settled: bool = False
    aborted: GatewayError | None = None
    cancelling: bool = False
    """A cancellation was asked for and has not arrived yet."""
    closing: bool = False
    """The client is being told of an error: nothing is left to abort."""
    drain_limit: asyncio.TimerHandle | None = None
    """Runs out when a client that left has had its answer read for as long as it may be."""
    response_body: bytes | None = None
    shape: Shape | None = None
    """What the answer has to be an instance of."""
    unknown_previous: str | None = None
    """An earlier answer that this one goes on from and that is not kept here."""
    original: tuple[str, Asked] | None = None
    """Who made the earlier answer that this one goes on from, and what its maker is asked."""
    part: Part | None = None
    """What it is of an outage rehearsal."""
    relay: Failing | None = None
    """Writes an error into the stream, or the session, that has begun."""
    shared: Shared | None = None
    """What others with the same idempotency key get too, while this exchange makes it."""
    replay_of: str | None = None
    """The exchange whose answer this one was given."""

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
        begun = self.begun
        trial = Trial(target, lane, dropped, begun, f"{self.call.exchange_id}.{begun}", now, role)
        if self.trial is None:
            self.trial = trial
        else:
            self.rival = trial
        return trial

    def stamp(self) -> Stamp:
        """For answers of another dialect than the client's."""
        return Stamp(self.call.exchange_id, self.started_us // 1_000_000)

    def close_trial(
        self,
        now: float,
        state: AttemptState,
        usage: Usage | None,
        cost_nusd: int | None,
        error: UpstreamError | GatewayError | None = None,
        trial: Trial | None = None,
    ) -> None:
        """Turn an attempt under way into its record: `trial`, or the only one there is. `cost_nusd` is the provider's;
        what a client asked for is charged with the operator's mark-up."""
        trial = trial or self.trial
        if trial is self.rival:
            self.rival = None
        elif trial is self.trial:
            self.trial, self.rival = self.rival, None
        if trial is None:
            return
        target = trial.target
        started = trial.started
        first_token = trial.first_token
        markup_nusd = 0
        if target.markup and cost_nusd and self.key is not None:
            markup_nusd = charged(cost_nusd, target.markup) - cost_nusd
            cost_nusd += markup_nusd
        self.attempts.append(
            Attempt(  # by place: see `core/record.py`
                trial.attempt_id,
                target.provider.name,
                target.model,
                self.started_us + int((started - self.call.received) * 1e6),
                state,
                trial.answered,
                None if error is None else error.code,
                None if first_token is None else int((first_token - started) * 1e6),
                int((now - started) * 1e6),
                usage,
                cost_nusd,
                None if target.tariff is None else target.tariff.version,
                target.provider.key_name,
                trial.role,
                markup_nusd,
            )
        )

    def overhead_us(self, now: float) -> int:
        """Microseconds the gateway itself took: up to the first token of a stream, in total for a whole answer."""
        end = self.first_token if self.first_token is not None else now
        took = int((end - self.call.received - self.waited) * 1e6)
        return took if took > 0 else 0

    def cost_nusd(self) -> int | None:
        attempts = self.attempts
        if len(attempts) == 1 and attempts[0].state != "voided":
            return attempts[0].cost_nusd
        if self.replay_of is not None and not attempts:
            return 0
        # That a refused attempt cost nothing says nothing of the one that answered.
        billed = [attempt.cost_nusd for attempt in self.attempts if attempt.state != "voided"]
        known = [cost for cost in billed if cost is not None]
        return sum(known) if known or (self.attempts and not billed) else None

    def record(self, now: float, keep_content: bool) -> Exchange:
        asked = self.asked
        received = self.call.received
        return Exchange(  # by place: see `core/record.py`
            self.call.exchange_id,
            self.started_us,
            None if self.key is None else self.key.key_id,
            self.call.dialect.operation,
            None if asked is None else asked.model[:256],
            None if self.route is None else self.route.name[:256],
            asked is not None and asked.stream,
            self.status,
            self.outcome,
            self.error,
            None if self.first_token is None else int((self.first_token - received) * 1e6),
            int((now - received) * 1e6),
            self.overhead_us(now),
            self.cost_nusd(),
            self.snapshot.version,
            () if self.hold is None else self.hold.accounts,
            tuple(self.attempts),
            self.finish_reason,
            self.call.body if keep_content else None,
            self.response_body if keep_content else None,
            self.decision if self.replay_of is None else _replayed(self.replay_of),
            None if self.part is None else self.part.drill_id,
        )


def _replayed(exchange_id: str) -> Decision:
    return Decision(notes=(f"the answer of {exchange_id}",))
