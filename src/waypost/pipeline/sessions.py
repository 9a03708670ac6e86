"""The ten stages for those who ask for a WebSocket: the same as for a request up to the attempt, which is a session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypedDict, Unpack, cast

from waypost.config.snapshot import Snapshot
from waypost.config.targets import Target
from waypost.dialects.lane import Lane, Lanes
from waypost.errors import Disconnected
from waypost.pipeline import headers
from waypost.pipeline.exchange import LiveExchange
from waypost.pipeline.run import Pipeline
from waypost.pipeline.session import Desk, Session
from waypost.pipeline.settle import Settle
from waypost.policy.authenticate import Authenticate
from waypost.policy.rates import Rates
from waypost.ports import Clock, Ledger, SocketClient, Sockets, Upstream
from waypost.telemetry.logs import Log
from waypost.upstream.attempt import without_key
from waypost.upstream.sockets import render_head


class Parts(TypedDict):
    """What a pipeline of any kind is made of."""

    snapshot: Callable[[], Snapshot]
    clock: Clock
    random: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    authenticate: Authenticate
    rates: Rates
    ledger: Ledger
    upstream: Upstream
    settle: Settle
    log: Log
    lanes: Lanes


class Sessions(Pipeline):
    """Runs sessions. A call's client is a `ports.SocketClient`. Failing over to another target is free until the
    client's upgrade is taken up, which is once a provider has taken up ours."""

    def __init__(self, *, sockets: Sockets, **parts: Unpack[Parts]) -> None:
        super().__init__(**parts)
        self._sockets = sockets
        self._running: dict[LiveExchange, Session] = {}
        self._draining = False

    def drain(self) -> None:
        """End each session as soon as no response is under way on it."""
        self._draining = True
        for session in tuple(self._running.values()):
            session.drain()

    async def _attempt(self, live: LiveExchange, target: Target, lane: Lane) -> None:
        call, monotonic = live.call, self._clock.monotonic
        provider = target.provider
        path = lane.target.onward_path(target.model, True)
        head = render_head(target, lane.target, path, call.headers, self._clock.wall())
        trial = live.open_trial(target, lane, (), monotonic())
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
        session = self._running[live] = Session(live, trial, desk, opening.socket)
        lines = headers.served(
            call.exchange_id,
            target.model,
            provider.name,
            trial.number,
            live.overhead_us(monotonic()),
            opening.headers,
            lane.passed,
        )
        try:
            if self._draining:
                session.drain()
            await session.run(cast(SocketClient, call.client), lines)
        finally:
            del self._running[live]

    def _client_gone(self, live: LiveExchange) -> None:
        """A session hears of it by its socket, and decides."""
        if live not in self._running:
            live.abort(Disconnected("The client closed its connection."))
