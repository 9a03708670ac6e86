"""The ten stages for those who ask for a WebSocket: the same as for a request up to the attempt, which is a session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TypedDict, Unpack, cast

from waypost.config.snapshot import Snapshot
from waypost.core.record import Role
from waypost.dialects.lane import Lanes
from waypost.errors import Disconnected
from waypost.pipeline import headers
from waypost.pipeline.attempts import Attempts, Tools
from waypost.pipeline.entrance import Entrance
from waypost.pipeline.exchange import LiveExchange, Trial
from waypost.pipeline.planning import Planner
from waypost.pipeline.run import Pipeline
from waypost.pipeline.session import Desk, Session
from waypost.pipeline.settle import Settle
from waypost.policy.authenticate import Authenticate
from waypost.policy.directory import Directory
from waypost.ports import Clock, Ledger, Limits, SocketClient, Sockets, Upstream
from waypost.routing.board import Board
from waypost.routing.own import OwnKeys
from waypost.routing.planned import Candidate
from waypost.telemetry.logs import Log
from waypost.upstream.attempt import without_key
from waypost.upstream.sockets import render_head


class Parts(TypedDict):
    """What a pipeline of any kind is made of."""

    snapshot: Callable[[], Snapshot]
    clock: Clock
    random: Callable[[], float]
    sleep: Callable[[float], Coroutine[object, object, None]]
    authenticate: Authenticate
    directory: Directory
    limits: Limits
    ledger: Ledger
    upstream: Upstream
    settle: Settle
    log: Log
    lanes: Lanes
    board: Board
    planner: Planner
    entrance: Entrance
    own: OwnKeys


class Sessions(Pipeline):
    """Runs sessions. A call's client is a `ports.SocketClient`. Failing over to another target is free until the
    client's upgrade is taken up, which is once a provider has taken up ours."""

    _repeatable = False

    def __init__(self, *, sockets: Sockets, **parts: Unpack[Parts]) -> None:
        self._upgrades = partial(_Upgrades, sockets, parts["authenticate"])
        self._running: dict[LiveExchange, Session] = {}
        super().__init__(**parts)

    def _asking(self, **tools: Unpack[Tools]) -> Attempts:
        made = self._upgrades(**tools)
        self._running, self._drain = made.running, made.drain
        return made

    def drain(self) -> None:
        """End each session as soon as no response is under way on it."""
        self._drain()

    def _client_gone(self, live: LiveExchange) -> None:
        """A session hears of it by its socket, and decides."""
        if live not in self._running:
            live.abort(Disconnected("The client closed its connection."))


class _Upgrades(Attempts):
    """Attempts that are sessions."""

    _may_hedge = False

    def __init__(self, sockets: Sockets, authenticate: Authenticate, **tools: Unpack[Tools]) -> None:
        super().__init__(**tools)
        self._sockets = sockets
        self._authenticate = authenticate
        self.running: dict[LiveExchange, Session] = {}
        self._draining = False

    def drain(self) -> None:
        self._draining = True
        for session in tuple(self.running.values()):
            session.drain()

    async def attempt(self, live: LiveExchange, candidate: Candidate, role: Role) -> Trial:
        call, monotonic = live.call, self._clock.monotonic
        target, lane = candidate.target, candidate.lane
        provider = target.provider
        path = lane.target.onward_path(target.model, True)
        head = render_head(target, lane.target, path, call.headers, self._clock.wall())
        trial = live.open_trial(target, lane, (), monotonic(), role)
        self._settle.dispatch(live, trial)
        if live.snapshot.settings.durability == "fsync":
            await self._ledger.durable()
        if live.aborted is not None:
            raise live.aborted  # its cancellation would arrive only once the request is on its way
        sent = monotonic()
        try:
            opening = await self._sockets.connect(provider.origin, head, provider.deadlines)
        finally:
            live.waited += monotonic() - sent
        trial.answered = opening.status
        if opening.socket is None:
            body = without_key(opening.body, provider.credential_for(lane.target.name))
            raise lane.parse_error(opening.status, opening.headers, body)
        loop = asyncio.get_running_loop()
        desk = Desk(self._clock, self._settle, self._ledger, self._authenticate, loop.call_later)
        if live.hold is not None:
            self._ledger.keep_ahead(live.hold)
        session = self.running[live] = Session(live, trial, desk, opening.socket)
        lines = headers.served(
            call.exchange_id,
            target.model,
            provider.name,
            trial.number,
            live.overhead_us(monotonic()),
            opening.headers,
            lane.passed,
        )
        if live.told:
            lines = headers.with_own(lines, live.told)
        try:
            if self._draining:
                session.drain()
            await session.run(cast(SocketClient, call.client), lines)
        finally:
            del self.running[live]
        return trial
