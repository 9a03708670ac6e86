"""The gateway's end of a socket pair, on the event loop, without asyncio's streams: it may be opened and closed where
nothing can be awaited."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from waypost.ledger.messages import FromWriter, from_writer

_RECEIVE_BYTES: Final = 65_536
_CLOSE_S: Final = 5.0


class Link:
    """Sends without blocking, and hands over what arrives. `lost` is called once when the other end closes."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ours: socket.socket,
        heard: Callable[[FromWriter], None],
        lost: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._socket = ours
        self._heard = heard
        self._lost = lost
        self._frames = from_writer()
        self._unsent = bytearray()
        self._sent: asyncio.Future[None] | None = None
        self._closed = False
        ours.setblocking(False)
        loop.add_reader(ours, self._receive)

    def send(self, data: bytes) -> None:
        """Never blocks; what the socket does not take now is kept, without a bound of its own. Never raises: when the
        other end has closed, `lost` says so."""
        if self._closed:
            return
        if not self._unsent:
            data = data[self._try(data) :]
            if data:
                self._loop.add_writer(self._socket, self._send_rest)
        self._unsent += data

    async def close(self) -> None:
        """Send what is unsent, for some seconds at most, then close: the other end then sees the end. `lost` is not
        called any more. Idempotent."""
        if self._closed:
            return
        if self._unsent:
            self._sent = self._loop.create_future()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._sent, _CLOSE_S)
        self._shut()

    def _try(self, data: bytes | bytearray) -> int:
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)  # the reader's side finds out and tells

    def _send_rest(self) -> None:
        del self._unsent[: self._try(self._unsent)]
        if not self._unsent:
            self._loop.remove_writer(self._socket)
            if self._sent is not None and not self._sent.done():
                self._sent.set_result(None)

    def _receive(self) -> None:
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        for message in self._frames.feed(data):
            self._heard(message)
        if not data and not self._closed:
            self._shut()
            self._lost()

    def _shut(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        self._unsent.clear()
        if self._sent is not None and not self._sent.done():
            self._sent.set_result(None)
