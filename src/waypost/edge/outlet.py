"""The half of a client connection that writes answers: what the exchange under way may ask of it (`Connection`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from waypost.edge.socket import Upgradable
from waypost.edge.upgrade import SoftlyClosed


class Outlet(Upgradable):
    """Writes whole answers and pieces of streams in one write each, where uvicorn's own way is not needed."""

    __slots__ = ("_given", "_given_text", "gone")

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.gone = False
        #: The headers that every answer has, and how they are written.
        self._given: list[tuple[bytes, bytes]] | None = None
        self._given_text = b""

    @property
    def receiving(self) -> bool:
        running = self._running
        return running is not None and running.more_body

    def close_after(self) -> None:
        running = self._running
        if running is not None:
            running.keep_alive = False
            if running.more_body:
                running.transport = cast(asyncio.Transport, SoftlyClosed(self.transport, self._close_softly))

    def write_whole(self, status: int, lines: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        # What uvicorn's `send` does for the two messages of a whole answer, in one write.
        cycle = self._running
        if (
            cycle is None
            or cycle.response_started
            or cycle.disconnected
            or not cycle.keep_alive
            or self.flow.write_paused
            or cycle.scope["method"] == "HEAD"
            or status == 204
        ):
            return False
        given = cycle.default_headers
        if given is not self._given:  # uvicorn makes another list each second, for the date
            self._given, self._given_text = given, b"".join([b"%b: %b\r\n" % line for line in given])
        text = b"\r\n".join(map(b": ".join, lines))
        if text.count(b"\n") >= len(lines) or text.count(b"\r") >= len(lines):
            return False  # a value holds a line break: uvicorn's own way raises
        cycle.waiting_for_100_continue = False
        cycle.response_started = True
        self.transport.write(
            b"%b%b%b\r\ncontent-length: %d\r\n\r\n%b"
            % (STATUS_LINE[status], self._given_text, text, len(body), body)
        )
        cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
        return True

    def write_chunk(self, chunk: bytes) -> bool:
        cycle = self._running
        if (
            cycle is None
            or not cycle.chunked_encoding
            or cycle.disconnected
            or cycle.response_complete
            or self.flow.write_paused
            or cycle.scope["method"] == "HEAD"
        ):
            return False
        self.transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        return True

    @property
    def chunking(self) -> bool:
        cycle = self._running
        return (
            cycle is not None
            and bool(cycle.chunked_encoding)
            and not cycle.response_complete
            and cycle.scope["method"] != "HEAD"
        )

    def write_frame(self, frame: bytes) -> bool:
        if self.gone or self.flow.write_paused:
            return False
        self.transport.write(frame)
        return True
