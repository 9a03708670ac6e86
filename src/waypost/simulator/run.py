"""Start and stop a simulator: inside a running event loop (`start`), or as a process of its own (`run`)."""

from __future__ import annotations

import asyncio
import signal
import ssl
import time
from collections.abc import Callable
from typing import cast

import msgspec

from waypost.ports import Clock
from waypost.simulator.asks import Asks
from waypost.simulator.bill import Bill
from waypost.simulator.dialect import Lock
from waypost.simulator.engine import Engine
from waypost.simulator.server import Connection, Floor

BACKLOG = 4096


class SimulatorSettings(msgspec.Struct, frozen=True):
    """How to start one. Port 0 takes a free one; sizes are bytes."""

    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 1
    key: str | None = None
    """When set, all but the simulator's own pages want this key, where each dialect's clients send it."""
    secret: str | None = None
    """When set, signed requests (Bedrock) are checked against this secret access key."""
    max_body: int = 32 << 20
    max_connections: int = 20_000
    keep_lines: int = 100_000
    """Bill lines kept for `GET /bill?lines=1`; totals are exact beyond it."""


class SystemClock:
    """Real time."""

    def wall(self) -> float:
        return time.time_ns() / 1e9

    def monotonic(self) -> float:
        return time.monotonic()


class Simulator:
    """A running simulator. Made by `start`."""

    def __init__(self, server: asyncio.Server, floor: Floor, scheme: str, host: str) -> None:
        self._server, self._floor, self._scheme, self._host = server, floor, scheme, host
        self.port: int = server.sockets[0].getsockname()[1]

    @property
    def root(self) -> str:
        """`http://127.0.0.1:PORT`, for `/bill` and `/healthz`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{self._scheme}://{host}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL for an OpenAI client: `root` with `/v1`."""
        return self.root + "/v1"

    @property
    def bill(self) -> Bill:
        return self._floor.engine.bill

    @property
    def asks(self) -> Asks:
        """What was asked."""
        return self._floor.asks

    @property
    def connections(self) -> int:
        """Open client connections."""
        return len(self._floor.connections)

    @property
    def open_requests(self) -> int:
        """Requests that have begun and not ended."""
        return self._floor.busy

    def refuse(self, refusing: bool = True) -> None:
        """From now on, answer every new connection with RST (or stop doing so)."""
        self._floor.refusing = refusing

    async def idle(self) -> None:
        """Wait until no request is under way: every client that left has been billed."""
        await self._floor.idle()

    async def stop(self) -> None:
        """Close the listener and every connection, billing what was written. Nothing is left when it returns."""
        self._server.close()
        while self._floor.connections:
            for connection in tuple(self._floor.connections):
                connection.abort()
            await asyncio.sleep(0)
        await self._server.wait_closed()


async def start(
    settings: SimulatorSettings | None = None,
    *,
    clock: Clock | None = None,
    tls: ssl.SSLContext | None = None,
) -> Simulator:
    """Listen, and answer until `stop`. Raises OSError when the address can not be bound."""
    settings = settings or SimulatorSettings()
    loop = asyncio.get_running_loop()
    lock = Lock(settings.key, settings.secret)
    bill = Bill(settings.keep_lines)
    engine = Engine(seed=settings.seed, clock=clock or SystemClock(), bill=bill, lock=lock)
    floor = Floor(engine, lock=lock, max_body=settings.max_body, max_connections=settings.max_connections)
    server = await loop.create_server(
        lambda: Connection(floor, loop), settings.host, settings.port, backlog=BACKLOG, ssl=tls
    )
    return Simulator(server, floor, "http" if tls is None else "https", settings.host)


def run(settings: SimulatorSettings, *, ready: Callable[[Simulator], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called once it listens. Uses uvloop where there is one."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, ready))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return cast(Callable[[], asyncio.AbstractEventLoop], uvloop.new_event_loop)


async def _serve(settings: SimulatorSettings, ready: Callable[[Simulator], None]) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    simulator = await start(settings)
    ready(simulator)
    await stopped.wait()
    await simulator.stop()
