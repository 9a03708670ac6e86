"""Requests that offer an upgrade (`Upgrade: h2c`) which the gateway does not take up.

Java's HttpClient offers HTTP/2 on every first cleartext request, bodies included, and RFC 9110 §7.8
(https://www.rfc-editor.org/rfc/rfc9110#section-7.8, read 2026-11-21) says that a server may ignore the offer and
answer the request as it is. httptools stops parsing after the head of such a request, so the body is read by a
second parser that is told the same framing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import httptools


class RestOfBody:
    """Parses one request body that follows a head parsed elsewhere. What comes after it is ignored: the connection
    is to be closed once the request is answered."""

    def __init__(
        self, headers: Mapping[bytes, bytes], on_body: Callable[[bytes], None], on_end: Callable[[], None]
    ) -> None:
        self._on_body = on_body
        self._on_end = on_end
        self._ended = False
        self._parser = httptools.HttpRequestParser(self)
        coding = headers.get(b"transfer-encoding")
        if coding is not None:
            framing = b"transfer-encoding: " + coding
        else:
            framing = b"content-length: " + headers.get(b"content-length", b"0")
        self._parser.feed_data(b"POST / HTTP/1.1\r\nhost: x\r\n" + framing + b"\r\n\r\n")

    def on_body(self, piece: bytes) -> None:
        if not self._ended:
            self._on_body(piece)

    def on_message_complete(self) -> None:
        if not self._ended:
            self._ended = True
            self._on_end()

    def feed_data(self, data: bytes) -> None:
        """Raises httptools.HttpParserError when the body breaks its framing."""
        if self._ended:
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self._ended:  # else it is about what follows the body
                raise


class SoftlyClosed:
    """The transport of an answer that was given before the request's body was read: its `close` is a soft one."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = close
