"""The upstream client as the pipeline knows it: `waypost.ports.Upstream`."""

from __future__ import annotations

import asyncio

from waypost.core.origin import Deadlines, Origin
from waypost.upstream.answer import WholeAnswer
from waypost.upstream.connect import Connector, Resolver
from waypost.upstream.connection import Cancellable, Timers
from waypost.upstream.faults import closing
from waypost.upstream.limits import Limits
from waypost.upstream.pool import Pool, PoolStats


class HttpUpstream:
    """HTTP/1.1 to any number of origins, from one event loop. Create it in the loop that uses it; `aclose` it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        *,
        resolver: Resolver | None = None,
        timers: Timers | None = None,
    ) -> None:
        self._loop = loop
        self._limits = limits
        self._timers: Timers = timers or loop
        self._connector = Connector(loop, self._timers, limits, resolver)
        self._pools: dict[Origin, Pool] = {}
        self._sweeper: Cancellable | None = None
        self._closed = False

    async def send(
        self, origin: Origin, head: bytes, body: bytes, deadlines: Deadlines, *, stream: bool = False
    ) -> WholeAnswer:
        """Write one request and wait for its answer: for the head only when `stream` and the status is 2xx and the
        content type is that of an event stream, otherwise for the whole body (capped).

        `head` is complete, as `finish_head` renders it. HEAD and CONNECT requests are not for this client.
        Redirects are returned as they are. Raises UpstreamError.
        """
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._add_pool(origin)
        started = self._timers.time()
        connection = pool.take()
        while True:
            if connection is None:
                connection = await pool.obtain(deadlines)
            answer = await connection.ask(head, body, deadlines, started, stream)
            if answer is not None:
                return answer
            # It was dead before the request: a fresh one, so that a pool of dead ones can not win.
            connection = None
            pool = self._pools.get(origin) or self._add_pool(origin)

    def stats(self) -> list[PoolStats]:
        """Connections per origin, now."""
        return [pool.stats() for pool in self._pools.values()]

    async def aclose(self) -> None:
        """Close every connection; requests under way fail with Unavailable."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for pool in tuple(self._pools.values()):
            await pool.aclose()
        self._pools.clear()

    def _add_pool(self, origin: Origin) -> Pool:
        if self._closed:
            raise closing()
        pool = self._pools[origin] = Pool(origin, self._connector, self._loop, self._timers, self._limits)
        if self._sweeper is None:
            self._sweep_later()
        return pool

    def _sweep_later(self) -> None:
        self._sweeper = self._timers.call_at(self._timers.time() + self._limits.idle_s / 4, self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        for origin, pool in tuple(self._pools.items()):
            if pool.sweep():
                del self._pools[origin]
        if self._pools:
            self._sweep_later()
