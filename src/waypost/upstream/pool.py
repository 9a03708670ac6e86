"""The connections of one origin: kept, reused newest first, bounded, with a waiting line."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from waypost.core.origin import Deadlines, Origin
from waypost.upstream.connect import Connector
from waypost.upstream.connection import Connection, Timers
from waypost.upstream.faults import closing, crowded
from waypost.upstream.limits import Limits


class PoolStats(msgspec.Struct, frozen=True):
    """One origin's connections at one moment. `open` counts those being opened, too."""

    origin: Origin
    open: int
    idle: int
    in_use: int
    waiting: int


class Pool:
    """A slot is the right to have one connection open. Whoever frees a slot or a connection gives it to the first in
    line before anyone else can take it."""

    def __init__(
        self,
        origin: Origin,
        connector: Connector,
        loop: asyncio.AbstractEventLoop,
        timers: Timers,
        limits: Limits,
    ) -> None:
        self._origin = origin
        self._connector = connector
        self._loop = loop
        self._timers = timers
        self._limits = limits
        self._idle: list[Connection] = []  # oldest first
        self._live: set[Connection] = set()
        self._slots = 0
        self._line: deque[asyncio.Future[Connection | None]] = deque()
        self._empty: asyncio.Future[None] | None = None
        self._closed = False

    def take(self) -> Connection | None:
        """The connection used last, if one is idle."""
        idle = self._idle
        if not idle:
            return None
        connection = idle.pop()
        if self._timers.time() - connection.idle_since < self._limits.idle_s:
            return connection
        connection.abort()
        return None

    async def obtain(self, deadlines: Deadlines) -> Connection:
        """A new connection, or the next one that becomes free when all slots are taken. Raises UpstreamError."""
        if self._closed:
            raise closing()
        if self._slots >= self._limits.connections and self._idle:
            self._idle.pop(0).abort()  # a fresh one was asked for: its slot is free once it is closed
        if self._slots < self._limits.connections and not self._line:
            self._slots += 1
            return await self._open(deadlines)
        connection = await self._queue()
        return await self._open(deadlines) if connection is None else connection

    def give_back(self, connection: Connection) -> None:
        """A connection finished its answer."""
        if self._closed:
            connection.abort()
            return
        if self._line and self._serve(connection):
            return
        connection.idle_since = self._timers.time()
        self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """A connection is closed."""
        if connection in self._live:
            self._live.discard(connection)
            self._free_slot()
        if connection in self._idle:
            self._idle.remove(connection)

    def sweep(self) -> bool:
        """Close what was idle too long. True when the pool holds nothing and can be forgotten."""
        oldest = self._timers.time() - self._limits.idle_s
        while self._idle and self._idle[0].idle_since <= oldest:
            self._idle.pop(0).abort()
        return not self._slots and not self._line

    def stats(self) -> PoolStats:
        """Counts for metrics and leak tests."""
        idle = len(self._idle)
        waiting = sum(not each.done() for each in self._line)
        return PoolStats(
            self._origin, open=self._slots, idle=idle, in_use=self._slots - idle, waiting=waiting
        )

    async def aclose(self) -> None:
        """Close every connection and fail every request; returns when all sockets are closed."""
        self._closed = True
        for waiter in self._line:
            if not waiter.done():
                waiter.set_exception(closing())
        self._line.clear()
        self._idle.clear()
        for connection in tuple(self._live):
            connection.shut()
        if self._live:
            self._empty = self._loop.create_future()
            await self._empty

    async def _open(self, deadlines: Deadlines) -> Connection:
        """Use the slot that the caller holds."""
        try:
            connection = await self._connector.open(self._origin, self, deadlines.connect_s)
        except BaseException:
            self._free_slot()
            raise
        self._live.add(connection)
        if connection.closed:  # closed between its opening and this task's turn
            self.lost(connection)
        elif self._closed:
            connection.abort()
            raise closing()
        return connection

    async def _queue(self) -> Connection | None:
        """Wait in line for a connection, or for a slot (None)."""
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self._line.append(waiter)
        try:
            async with asyncio.timeout(self._limits.wait_s):
                return await waiter
        except BaseException as fault:
            if not waiter.done():
                waiter.cancel()
            elif not waiter.cancelled() and waiter.exception() is None:
                self._pass_on(waiter.result())
            if waiter in self._line:
                self._line.remove(waiter)
            if isinstance(fault, TimeoutError):
                raise crowded() from None
            raise

    def _pass_on(self, connection: Connection | None) -> None:
        """Whoever was given this has left."""
        if connection is None:
            self._free_slot()
        elif not connection.closed:
            self.give_back(connection)

    def _free_slot(self) -> None:
        if not self._closed and self._line and self._serve(None):
            return
        self._slots -= 1
        if self._empty is not None and not self._live and not self._empty.done():
            self._empty.set_result(None)

    def _serve(self, what: Connection | None) -> bool:
        while self._line:
            waiter = self._line.popleft()
            if not waiter.done():
                waiter.set_result(what)
                return True
        return False
