"""Serving, from the bound sockets to the last settled stream."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

import msgspec
import uvicorn

from waypost.config.snapshot import Settings
from waypost.edge.asgi import Receive, Scope, Send
from waypost.edge.intake import EdgeConfig
from waypost.edge.listen import address_of, beside, bind
from waypost.edge.protocol import EdgeProtocol
from waypost.edge.turnstile import Turnstile
from waypost.errors import ConfigError, GatewayError
from waypost.upstream.open_files import connections_max

#: Seconds that aborted exchanges get to write their error and settle before their tasks are cancelled.
ABORT_GRACE_S = 5.0
#: How often deadlines of connections are looked at, at most, in seconds.
_SWEEP_S = 1.0
_TICK_S = 0.1
#: Connections looked at before other work gets its turn.
_SLICE = 250


class Listening(msgspec.Struct, frozen=True):
    """How to serve."""

    host: str = "127.0.0.1"
    port: int = 4100
    backlog: int = 2048
    keep_alive_s: int = 75
    """How long an idle connection is kept between requests."""
    connections_max: int | None = None
    """More are answered 503 and closed. None: half of the open files this process may have, as an exchange can need
    one connection to each side."""
    drain_delay_s: float = 0.0
    """After SIGTERM, how long new work is still taken while `/readyz` says 503 already, so that load balancers can
    notice."""
    signals: bool = True
    """Take SIGTERM, SIGINT and SIGHUP; off where something else owns them."""


class Gate(Protocol):
    """What the server asks and tells of what it serves."""

    draining: bool

    @property
    def settings(self) -> Settings: ...


class Calls(Protocol):
    """The calls under way."""

    def abort_all(self) -> None: ...


class Served(Protocol):
    """An ASGI application that can be drained: the edge, or one that only needs its limits."""

    failure: GatewayError | None
    turnstile: Turnstile | None

    @property
    def gate(self) -> Gate: ...

    def drain(self) -> None:
        """Take no new work."""
        ...

    def abort_all(self) -> None:
        """End what is still under way."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Server(uvicorn.Server):
    """uvicorn's server with our drain, our signals and the sweep over connections."""

    config: EdgeConfig

    def __init__(
        self,
        edge: Served,
        config: EdgeConfig,
        listening: Listening,
        on_started: Callable[[Server, str, int], None] | None,
        on_reload: Callable[[], None] | None,
    ) -> None:
        super().__init__(config)
        self._edge = edge
        self._listening = listening
        self._on_started = on_started
        self._on_reload = on_reload
        self._swept = 0.0
        self._stopping = asyncio.Event()
        #: For whom it accepts besides itself.
        self._covers: dict[int, list[asyncio.Server]] = {}

    def stop(self) -> None:
        """Begin to drain, as SIGTERM does; asked a second time, end at once."""
        if self.should_exit:
            self.force_exit = True
        self._edge.gate.draining = True
        self.should_exit = True
        self._stopping.set()

    async def cover(self, whom: int, sockets: Sequence[socket.socket]) -> None:
        """Accept on bound sockets of another process too, until `uncover` or the drain."""
        if self.should_exit or whom in self._covers:
            return
        servers = self._covers[whom] = []
        loop = asyncio.get_running_loop()
        for sock in sockets:
            server = await loop.create_server(self._protocol, sock=sock.dup(), backlog=self.config.backlog)
            if self.should_exit or self._covers.get(whom) is not servers:
                server.close()
                return
            servers.append(server)

    def uncover(self, whom: int) -> None:
        """It accepts for itself again. What was accepted for it goes on here. Idempotent."""
        for server in self._covers.pop(whom, ()):
            server.close()

    def _protocol(self) -> EdgeProtocol:
        return EdgeProtocol(self.config, self.server_state, self.lifespan.state)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """By the loop's own signal handling; nothing is raised again after a clean end, so the exit status is 0."""
        loop = asyncio.get_running_loop()
        taken: list[signal.Signals] = []
        if self._listening.signals:
            calls: dict[signal.Signals, Callable[[], None]] = {
                signal.SIGTERM: self.stop,
                signal.SIGINT: self.stop,
            }
            if self._on_reload is not None:
                calls[signal.SIGHUP] = self._on_reload
            for number, call in calls.items():
                loop.add_signal_handler(number, call)
                taken.append(number)
        try:
            yield
        finally:
            for number in taken:
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:
            raise self._edge.failure or ConfigError(
                "The gateway could not start; its log says why."
            ) from None
        if self._on_started is not None and sockets:
            self._on_started(self, *address_of(sockets[0]))

    async def main_loop(self) -> None:
        """uvicorn's, but woken by `stop` instead of finding it at the next tick."""
        counter = 0
        while not await self.on_tick(counter):
            counter = (counter + 1) % 864_000
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._stopping.wait()

    async def on_tick(self, counter: int) -> bool:
        await self._sweep()
        return await super().on_tick(counter)

    async def _sweep(self) -> None:
        """Look at every connection's deadlines; in slices, so that many connections do not hold up any request."""
        settings = self._edge.gate.settings
        shortest = min(settings.header_deadline_s, settings.write_stall_s, self._listening.keep_alive_s)
        now = asyncio.get_running_loop().time()
        if now - self._swept < min(_SWEEP_S, shortest / 4):
            return
        self._swept = now
        connections = self.server_state.connections
        for number, connection in enumerate(tuple(connections), 1):
            if isinstance(connection, EdgeProtocol) and connection in connections:
                connection.sweep(now, settings, self._listening.keep_alive_s)
            if number % _SLICE == 0:
                await asyncio.sleep(0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Unready, stop accepting, let exchanges end, abort what does not, close everything."""
        edge = self._edge
        edge.gate.draining = True
        loop = asyncio.get_running_loop()
        await self._wait(loop.time() + self._listening.drain_delay_s, lambda: False)
        edge.drain()
        for server in self.servers:
            server.close()
        for whom in tuple(self._covers):
            self.uncover(whom)
        for sock in sockets or ():
            sock.close()
        self._close_idle()
        await self._wait(loop.time() + edge.gate.settings.drain_s, self._empty)
        if not self._empty():
            edge.abort_all()
            self._close_idle()
            grace = 0.0 if self.force_exit else ABORT_GRACE_S
            await self._wait(loop.time() + grace, self._empty, at_any_rate=True)
            await self._cut_off()
        await self.lifespan.shutdown()

    def _empty(self) -> bool:
        return not self.server_state.tasks and not self.server_state.connections

    def _close_idle(self) -> None:
        for connection in tuple(self.server_state.connections):
            connection.shutdown()

    async def _wait(self, until: float, done: Callable[[], bool], *, at_any_rate: bool = False) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < until and not done() and (at_any_rate or not self.force_exit):
            await self._sweep()
            await asyncio.sleep(min(_TICK_S / 5, max(0.0, until - loop.time())))

    async def _cut_off(self) -> None:
        """Nothing is waited for any longer than it takes tasks to see their cancellation."""
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        tasks = tuple(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)


async def serve(
    edge: Served,
    listening: Listening,
    *,
    sockets: Sequence[socket.socket] | None = None,
    on_started: Callable[[Server, str, int], None] | None = None,
    on_reload: Callable[[], None] | None = None,
) -> None:
    """Serve until a signal or `Server.stop`, then drain and return. Run it on `loop_factory()`'s loop.

    `sockets` are bound already and closed at the end; without them `listening` is bound. `on_started` gets the server
    and the first address once connections are accepted. Raises ConfigError when the address can not be bound.
    """
    bound = list(sockets) if sockets is not None else bind(listening.host, listening.port)
    bound += beside(bound)
    config = EdgeConfig(
        edge,
        http=EdgeProtocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=listening.backlog,
        workers=1,
    )
    config.connections_max = listening.connections_max or connections_max()
    config.turnstile = edge.turnstile
    server = Server(edge, config, listening, on_started, on_reload)
    try:
        await server.serve(sockets=bound)
    finally:
        for sock in bound:
            sock.close()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop where it exists (everywhere but Windows), else asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
