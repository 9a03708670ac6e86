"""How a gateway process stands to its data folder: alone, with the folder's lock; or as one of several workers, whose
supervisor holds the lock and gives the orders."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import msgspec

from waypost.app.workers.part import Calls, Orders, Part
from waypost.edge.server import Listening
from waypost.stores.lock import take_lock
from waypost.stores.seat import Seat


class Accepting(Protocol):
    """`edge.server.Server`, as far as it accepts for others."""

    async def cover(self, whom: int, sockets: Sequence[socket.socket]) -> None: ...

    def uncover(self, whom: int) -> None: ...


class Standing(Protocol):
    """What a gateway has to know of it."""

    @property
    def seat(self) -> Seat: ...

    @property
    def part(self) -> Part | None:
        """None: it is alone."""
        ...

    @property
    def count(self) -> int:
        """How many workers there are."""
        ...

    @property
    def token(self) -> str:
        """For the command line of this machine: in the lock's file, and nowhere else."""
        ...

    @property
    def sockets(self) -> Sequence[socket.socket] | None:
        """Bound already; None: it binds its own."""
        ...

    def listening(self, wanted: Listening) -> Listening:
        """How it serves."""
        ...

    def began(self, host: str, port: int, calls: Calls, accepting: Accepting) -> None:
        """It serves, at this address of the machine."""
        ...


class Alone:
    """The only process that serves from the folder."""

    def __init__(self, data: Path, stack: AsyncExitStack) -> None:
        """Raises ConfigError where another one does."""
        self.seat = Seat(data)
        self.part: Part | None = None
        self.count = 1
        self.sockets: Sequence[socket.socket] | None = None
        self.token = f"wp-control-{secrets.token_urlsafe(32)}"
        self._lock = take_lock(data)
        stack.callback(self._lock.give_back)

    def listening(self, wanted: Listening) -> Listening:
        """See `Standing`."""
        return wanted

    def began(self, host: str, port: int, calls: Calls, accepting: Accepting) -> None:  # noqa: ARG002 - nobody else
        """See `Standing`."""
        self._lock.announce(port, self.token, host)
        calls.tell()


class Among:
    """One of several workers."""

    def __init__(self, data: Path, part: Part, stack: AsyncExitStack) -> None:
        self.seat = Seat(data, part.number)
        self.part: Part | None = part
        self.count = part.count
        self.sockets: Sequence[socket.socket] | None = part.listeners[part.number]
        self.token = part.token
        self._link = part.link
        self._stack = stack
        self._others = {
            worker: sockets for worker, sockets in part.listeners.items() if worker != part.number
        }
        self._covering: set[asyncio.Task[None]] = set()

    def listening(self, wanted: Listening) -> Listening:
        """See `Standing`. Signals are the supervisor's."""
        return msgspec.structs.replace(wanted, signals=False)

    def began(self, host: str, port: int, calls: Calls, accepting: Accepting) -> None:  # noqa: ARG002 - known there
        """See `Standing`."""

        def cover(worker: int, away: bool) -> None:
            if away:
                task = asyncio.ensure_future(accepting.cover(worker, self._others[worker]))
                self._covering.add(task)
                task.add_done_callback(self._covering.discard)
            else:
                accepting.uncover(worker)

        def stop() -> None:
            # As long as anybody has them open, the kernel gives connections to listeners that nobody accepts on.
            for sockets in self._others.values():
                for each in sockets:
                    each.close()
            calls.stop()

        orders = Orders(self._link, msgspec.structs.replace(calls, stop=stop, cover=cover))
        self._stack.callback(orders.end)
        orders.begin()


def stand(data: Path, part: Part | None, stack: AsyncExitStack) -> Standing:
    """Raises ConfigError where it may not serve from this folder."""
    return Alone(data, stack) if part is None else Among(data, part, stack)
