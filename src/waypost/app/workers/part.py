"""A worker's side of what it and its supervisor say to each other: single bytes over a socket pair."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

#: Orders by their byte.
TELL: Final = b"t"
RELOAD: Final = b"r"
STOP: Final = b"s"
NOW: Final = b"n"
#: From the worker: it serves; it drains without having been told to.
READY: Final = b"+"
LEAVING: Final = b"-"
#: Accept for another worker, or no more: with its number, counted from 0, in the lower six bits.
_COVER: Final = 0x80
_UNCOVER: Final = 0xC0
_NUMBER: Final = 0x3F


def cover(worker: int, away: bool) -> bytes:
    """The order to accept for a worker that is away, or no more."""
    return bytes(((_COVER if away else _UNCOVER) | (worker - 1),))


class Part(msgspec.Struct, frozen=True):
    """What a worker is given by its supervisor."""

    number: int
    count: int
    """How many workers there are."""
    listeners: Mapping[int, Sequence[socket.socket]]
    """Of each worker, bound already. They have one address, and the kernel spreads connections over them."""
    link: socket.socket
    token: str
    """Opens the control desk to the command line of this machine."""
    room: Path
    """A folder in which workers find each other, as long as their supervisor lives."""


class Calls(msgspec.Struct, frozen=True):
    """What a worker does when it is told to."""

    tell: Callable[[], None]
    reload: Callable[[], None]
    stop: Callable[[], None]
    """Called once."""
    now: Callable[[], None]
    cover: Callable[[int, bool], None] = lambda *_: None
    """Accept for another worker, or no more."""


class Orders:
    """Takes the supervisor's orders on the event loop. When the supervisor is gone, the worker drains and ends."""

    def __init__(self, link: socket.socket, calls: Calls) -> None:
        self._link = link
        self._calls = calls
        self._stopped = False
        self._loop = asyncio.get_running_loop()
        link.setblocking(False)

    def begin(self) -> None:
        """Say that it serves, and listen. SIGTERM to a worker alone lets it drain, and another one take its place; what
        a terminal sends is for the supervisor."""
        self._loop.add_signal_handler(signal.SIGTERM, self._leave)
        self._loop.add_reader(self._link, self._hear)
        with suppress(OSError):  # the supervisor is gone: the reader hears of it
            self._link.send(READY)

    def end(self) -> None:
        """Listen no more. Idempotent."""
        self._loop.remove_reader(self._link)
        self._loop.remove_signal_handler(signal.SIGTERM)

    def _hear(self) -> None:
        try:
            said = self._link.recv(64)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if not said:
            self._loop.remove_reader(self._link)
            self._stop()
            return
        for order in said:
            self._obey(bytes((order,)))

    def _obey(self, order: bytes) -> None:
        if order[0] & _COVER:
            self._calls.cover((order[0] & _NUMBER) + 1, order[0] & _UNCOVER != _UNCOVER)
        elif order == TELL:
            self._calls.tell()
        elif order == RELOAD:
            self._calls.reload()
        elif order == STOP:
            self._stop()
        elif order == NOW:
            self._stop()
            self._calls.now()

    def _leave(self) -> None:
        """Asked by somebody else than the supervisor."""
        with suppress(OSError):
            self._link.send(LEAVING)
        self._stop()

    def _stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            self._calls.stop()
