"""The one who asked, over ASGI: `ports.Client` for one exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from waypost.edge.asgi import Headers, Message, Receive, Send
from waypost.edge.connection import Connection
from waypost.edge.replies import SHARED

_END: Message = {"type": "http.response.body", "body": b"", "more_body": False}


class EdgeClient(msgspec.Struct, eq=False):
    """Answers once: by `reply`, or by `start`, any number of `write`, `finish`.

    Under our own protocol `connection` tells of the client's leaving and cuts stalled writes. Under another ASGI
    server it is None: a task listens for the disconnect and each write has its own timer.
    """

    _send: Send
    _receive: Receive
    _connection: Connection | None
    _stall_s: float
    extra: Sequence[tuple[bytes, bytes]] = ()
    answered: bool = False
    """The head of an answer has been sent."""
    _gone: bool = False
    _call: Callable[[], None] | None = None
    _watcher: asyncio.Task[None] | None = None

    @property
    def gone(self) -> bool:
        connection = self._connection
        return self._gone if connection is None else connection.gone

    def on_gone(self, call: Callable[[], None]) -> None:
        """The request's body has to have been read: from then on the connection is listened to for its end."""
        connection = self._connection
        if self._gone if connection is None else connection.gone:
            call()
        else:
            self._call = call
            if connection is not None:
                connection.on_gone = call
            elif self._watcher is None:
                self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._lose()

    def _lose(self) -> None:
        self._gone = True
        call, self._call = self._call, None
        if call is not None:
            call()

    def release(self) -> None:
        """The exchange is over: nobody is told any more when the connection closes."""
        connection = self._connection
        if connection is not None and connection.on_gone is self._call:
            # Unless the next exchange of the connection is listening by now.
            connection.on_gone = None
        self._call = None
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    async def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer; `content-length` and the headers that all answers share are added."""
        self.answered = True
        lines = [*headers, *SHARED, *self.extra]
        connection = self._connection
        if connection is not None and connection.write_whole(status, lines, body):
            return
        if status != 204:
            lines.append((b"content-length", b"%d" % len(body)))
        send = self._sender()
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def start(self, status: int, headers: Headers) -> None:
        """The head of a streamed answer; proxies are told not to buffer it."""
        self.answered = True
        lines = [*headers, *SHARED, *self.extra, (b"x-accel-buffering", b"no")]
        await self._sender()({"type": "http.response.start", "status": status, "headers": lines})

    async def write(self, chunk: bytes) -> None:
        """Waits while more than the write buffer is under way to a slow client; returns at once when it is gone."""
        if chunk and (self._connection is None or not self._connection.write_chunk(chunk)):
            await self._sender()({"type": "http.response.body", "body": chunk, "more_body": True})

    def try_write(self, chunk: bytes) -> bool:
        """See `ports.Client`. A client that is gone takes everything."""
        connection = self._connection
        if connection is None:
            return self._gone
        return connection.gone or connection.write_chunk(chunk)

    def framed(self) -> Callable[[bytes], bool] | None:
        """See `ports.Client`."""
        connection = self._connection
        return connection.write_frame if connection is not None and connection.chunking else None

    async def finish(self) -> None:
        await self._sender()(_END)

    def _sender(self) -> Callable[[Message], Awaitable[None]]:
        return self._send if self._connection is not None else self._send_in_time

    async def _send_in_time(self, message: Message) -> None:
        if self._gone:
            return
        try:
            async with asyncio.timeout(self._stall_s):
                await self._send(message)
        except (TimeoutError, OSError):
            # ASGI servers raise an OSError when the client has left (specification, "Disconnected client").
            self._lose()
