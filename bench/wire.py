"""One keep-alive connection of the load generator: it writes ready bytes and counts what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter_ns
from typing import cast

import httptools


def render_request(host: str, port: int, path: str, headers: dict[str, str], body: bytes) -> bytes:
    """A complete POST with a JSON body."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"host: {host}:{port}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + body


class Connection(asyncio.Protocol):
    """Calls `done(self)` after each complete answer and `lost(self)` when the connection ends."""

    def __init__(self, done: Callable[[Connection], None], lost: Callable[[Connection], None]) -> None:
        self._done = done
        self._lost = lost
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self.sent_ns = 0
        self.first_ns = 0
        """When the first byte of the answer came; 0 before that."""
        self.done_ns = 0
        self.status = 0
        self.answering = False
        """An answer has begun and has not ended."""
        self.events = 0
        """Server-sent events received on this connection, over all answers."""
        self._newline = False

    def send(self, request: bytes) -> None:
        """Write one request; the one before must be answered."""
        assert self._transport is not None
        self.first_ns = 0
        self.sent_ns = perf_counter_ns()
        self._transport.write(request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport and are not instances of it.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not self.first_ns:
            self.first_ns = perf_counter_ns()
        self._parser.feed_data(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        self.answering = False
        self._lost(self)

    # Called by the parser.

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.answering = True

    def on_body(self, piece: bytes) -> None:
        # An event ends with an empty line; the two newlines may come in two pieces.
        self.events += piece.count(b"\n\n") + (self._newline and piece.startswith(b"\n"))
        self._newline = piece.endswith(b"\n") and not piece.endswith(b"\n\n")

    def on_message_complete(self) -> None:
        self.done_ns = perf_counter_ns()
        self.answering = False
        self._newline = False
        self._done(self)
