"""The life of a request: ten stages, in order, in one function (`Pipeline._stages`).

1 receive (edge) · 2 authenticate · 3 parse · 4 admit · 5 guard input · 6 recall · 7 plan · 8 attempt · 9 relay ·
10 settle. However the exchange ends (answered, refused, failed, cut, client gone, shut down), stage 10 runs once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Protocol, Unpack

from waypost.config.snapshot import Snapshot
from waypost.core.asked import Asked
from waypost.core.key import Key
from waypost.dialects.lane import Lanes
from waypost.dialects.shown import shown_status
from waypost.dialects.structured import wanted_shape
from waypost.errors import (
    Bug,
    Disconnected,
    Draining,
    GatewayError,
    InvalidRequest,
)
from waypost.pipeline import headers
from waypost.pipeline.admission import Admission
from waypost.pipeline.attempts import Attempts, Tools
from waypost.pipeline.behind import Behind
from waypost.pipeline.claiming import Claiming
from waypost.pipeline.conversation import FAMILY, Conversations
from waypost.pipeline.counting import count
from waypost.pipeline.entrance import Entrance
from waypost.pipeline.event_logs import Follower
from waypost.pipeline.exchange import Call, LiveExchange
from waypost.pipeline.once import HEADER as IDEMPOTENCY
from waypost.pipeline.once import Once
from waypost.pipeline.options import read_options
from waypost.pipeline.planning import Planner, Planning, facets_of
from waypost.pipeline.rehearsal import Drills
from waypost.pipeline.relay import Relay
from waypost.pipeline.retelling import Retelling
from waypost.pipeline.settle import Settle
from waypost.pipeline.shadow import Shadows
from waypost.policy.authenticate import Authenticate
from waypost.policy.directory import Directory
from waypost.ports import Claims, Clock, Ledger, Limits, Replays, Responses, TokenCounter, Upstream
from waypost.routing.board import Board
from waypost.routing.own import OwnKeys
from waypost.telemetry.logs import Log


class Guard(Protocol):
    """A rule over the request before any target sees it (stage 5). Raises a GatewayError to refuse."""

    async def check(self, asked: Asked) -> None: ...


class Pipeline:
    """Runs calls. One per process; holds no request state but the set of live exchanges."""

    #: Answers can be told again, to who repeats an `idempotency-key`.
    _repeatable = True

    def __init__(
        self,
        *,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        random: Callable[[], float],
        sleep: Callable[[float], Coroutine[object, object, None]],
        authenticate: Authenticate,
        directory: Directory,
        limits: Limits,
        ledger: Ledger,
        upstream: Upstream,
        settle: Settle,
        log: Log,
        lanes: Lanes,
        board: Board,
        planner: Planner,
        entrance: Entrance,
        guards: Sequence[Guard] = (),
        responses: Responses | None = None,
        replays: Replays | None = None,
        claims: Claims | None = None,
        drills: Drills | None = None,
        own: OwnKeys | None = None,
        counter: TokenCounter | None = None,
    ) -> None:
        """`responses`: where answers of the Responses dialect are kept; `replays`: where answers are kept for requests
        that come again, `claims`: which of several processes makes one. None: nowhere. `drills`: the outage rehearsals
        under way. `own`: credentials that people brought. `counter`: for exact counts of tokens."""
        self._snapshot = snapshot
        self._clock = clock
        self._authenticate = authenticate
        self._settle = settle
        self._board = board
        self._conversations = None if responses is None else Conversations(responses, clock, log)
        self._behind = None if responses is None else Behind(self.run, responses, clock, log)
        #: What admits, for questions that the gateway has itself too.
        self.admission = Admission(clock=clock, directory=directory, limits=limits, ledger=ledger, own=own)
        claiming = None if claims is None else Claiming(claims, replays, clock, sleep, log)
        self._once = Once(replays, clock, limits, settle, log, self.admission.tell, claiming)
        self._planning = Planning(lanes, planner, clock, lambda live: facets_of(live, ledger.left), own)
        self._attempts = self._asking(
            clock=clock,
            random=random,
            sleep=sleep,
            ledger=ledger,
            upstream=upstream,
            settle=settle,
            relay=Relay(clock, settle, self._conversations),
            entrance=entrance,
            log=log,
        )
        self._shadows = Shadows(self._attempts.run, self.admission.admit_own, clock, settle, log)
        self._log = log
        self._guards = tuple(guards)
        self._counter = counter
        self._drills = drills or Drills(clock, random)
        self._live: set[LiveExchange] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def _asking(self, **tools: Unpack[Tools]) -> Attempts:
        return Attempts(**tools)

    @property
    def attempts(self) -> Attempts:
        """What asks targets, for questions that the gateway has itself."""
        return self._attempts

    @property
    def active(self) -> int:
        """Exchanges under way."""
        return len(self._live)

    def known(self, presented: bytes | None) -> Key | None:
        """The key, if it is in memory; whether it is still good is not asked."""
        return self._authenticate.remembered(presented) if presented else None

    def under_way(self) -> Iterator[str | None]:
        """The key ids of the exchanges under way; None where the key is not known yet."""
        for live in self._live:
            yield None if live.key is None else live.key.key_id

    async def check_key(self, presented: bytes | None) -> None:
        """Stage 2 ahead of its time, for a request whose body has not arrived. Raises Unauthenticated and
        StoreUnavailable."""
        if not presented or self._authenticate.known(presented) is None:
            await self._authenticate.lookup(presented)

    def cancel(self, response_id: str) -> bool:
        """End an answer that is made in the background; False when there is none of this id under way."""
        return self._behind is not None and self._behind.cancel(response_id)

    def forget(self, response_id: str) -> None:
        """As `cancel`, for an answer that is not to be kept."""
        if self._behind is not None:
            self._behind.forget(response_id)

    def follow(self, response_id: str, after: int | None) -> Follower:
        """The events of an answer made in the background. Raises InvalidRequest when there are none."""
        if self._behind is None:
            raise InvalidRequest("No events are kept here. Leave `stream` out.", param="stream")
        return self._behind.follow(response_id, after)

    def retell(self, key_id: str, digest: bytes, exchange_id: str) -> Retelling:
        """See `Once.retell`."""
        return self._once.retell((key_id, digest), exchange_id)

    async def stop(self) -> None:
        """End what is made in the background, and keep that it was ended."""
        if self._behind is not None:
            await self._behind.stop()
        await self._shadows.stop()
        await self._once.stop()

    def abort_all(self) -> None:
        """End every exchange under way with an honest error; the drain limit has passed."""
        for live in tuple(self._live):
            live.abort(Draining("The gateway is shutting down and this answer was not finished. Ask again."))

    async def run(self, call: Call) -> None:
        """Answer one call through its client. Raises nothing but CancelledError."""
        live = LiveExchange(call, self._snapshot(), int(self._clock.wall() * 1e6))
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        live.deadline = call.received + live.snapshot.settings.exchange_s
        live.task = asyncio.current_task(self._loop)  # given its loop, it needs no system call to find it
        self._live.add(live)
        try:
            await self._stages(live)
        except GatewayError as error:
            await live.absorb_abort()
            await self._refuse(live, error)
        except asyncio.CancelledError:
            if live.aborted is None:
                live.outcome = "disconnected"
                self._settle.fail_trial(live, Disconnected("The server ended this request."))
                raise
            live.abort_arrived()
            await self._refuse(live, live.aborted)
        except Exception as error:  # noqa: BLE001 - the last line of defence: logged with its stack, answered as a Bug
            self._log.fault("an exchange failed inside the gateway", error, exchange_id=call.exchange_id)
            await self._refuse(
                live, Bug(f"The gateway failed. Its log has the details under {call.exchange_id}.")
            )
        finally:
            self._live.discard(live)
            if live.drain_limit is not None:
                live.drain_limit.cancel()  # or it would keep the whole exchange until it runs out
            self._settle.settle(live)  # 10
            if live.shared is not None:
                self._once.end(live)
        if live.cancelling:
            await live.absorb_abort()

    async def _stages(self, live: LiveExchange) -> None:
        call = live.call
        call.client.on_gone(lambda: self._client_gone(live))
        key = (
            call.principal
            or (call.key and self._authenticate.known(call.key))
            or await self._authenticate.lookup(call.key)
        )
        self.admission.recognize(live, key)  # 2
        asked = call.dialect.parse_ask(call.body, live.snapshot.settings.json, call.path)
        live.asked, live.wishes = read_options(asked, call.headers)  # 3
        if live.wishes.deadline_s is not None:
            live.deadline = min(live.deadline, call.received + live.wishes.deadline_s)
        once = IDEMPOTENCY in call.headers and self._repeatable
        if once and await self._once.join(live, lambda: self._client_gone(live)):
            return
        live.shape = wanted_shape(call.dialect, live.asked)
        if self._conversations is not None and call.dialect.family == FAMILY:
            await self._conversations.go_on(live)
            if self._behind is not None and await self._behind.begin(live):
                return
        await self.admission.admit(live)  # 4
        for guard in self._guards:
            await guard.check(live.asked)  # 5
        # 6: no cache is configured in this version, so nothing is recalled.
        live.board = self._board
        if self._drills.running and live.key is not None and live.route is not None:
            live.part = self._drills.draw(live.key.key_id, live.route)
            if live.part is not None:
                live.board = live.part.board(self._board)
        plan = self._planning.plan(live)  # 7
        if plan is None:
            await self._count(live)
            return
        if plan.shadows:
            self._shadows.send(live, plan.shadows)
        await self._attempts.run(live, plan)  # 8, 9

    async def _count(self, live: LiveExchange) -> None:
        """No target can count tokens: it is done here."""
        call, asked = live.call, live.asked
        assert asked is not None  # noqa: S101 - stage 3 set it
        assert live.route is not None  # noqa: S101 - stage 4 set it
        made = await count(call.dialect, asked, live.route.targets, self._counter)
        live.outcome, live.status = "ok", 200
        self._settle.settle(live)
        own = headers.identity(call.exchange_id)
        lines = [(b"content-type", b"application/json"), made.header, *own, *live.told]
        await call.client.reply(200, lines, made.body)

    def _client_gone(self, live: LiveExchange) -> None:
        """Before an attempt: stop. During one: let the provider finish for an exact bill, or cancel, as configured."""
        gone = Disconnected("The client closed its connection.")
        trial = live.trial
        if trial is None or trial.target.provider.on_disconnect == "cancel":
            live.abort(gone)
        else:
            loop = asyncio.get_running_loop()
            live.drain_limit = loop.call_later(trial.target.provider.drain_s, live.abort, gone)

    async def _refuse(self, live: LiveExchange, error: GatewayError) -> None:
        """Tell the client, in its dialect: as a reply, or inside the stream that has begun."""
        live.closing = True
        if live.settled and live.streaming:
            return  # its end was written: what is written now would stand in the connection's next answer
        self._settle.fail_trial(live, error)
        self.admission.tell(live)
        live.error = error.code
        client, dialect = live.call.client, live.call.dialect
        if client.gone:
            live.outcome = "disconnected"
            live.status = live.status or 499
            return
        if live.streaming:
            live.outcome = "cut"
            said = b"" if live.relay is None else live.relay.fail(error)
            if said:
                await client.write(said)
                await client.finish()
            # A sound has no words: unfinished, its connection closes before its end, and nobody takes it for whole.
            return
        live.outcome = "failed" if live.attempts else "refused"
        live.status = shown_status(error, dialect)
        lines = [
            (b"content-type", b"application/json"),
            *headers.identity(live.call.exchange_id),
            *headers.refusal(error),
            *live.told,
            (b"x-waypost-attempts", b"%d" % len(live.attempts)),
        ]
        self._settle.settle(live)
        await client.reply(live.status, lines, dialect.render_error(error))
