"""The measured traffic's other end: `python -m bench.upstream PORT` answers every POST.

Without a model it knows: one static answer of about 1 KB. Model `late-<ms>`: the same, so many milliseconds later.
Model `paced-<ms>x<n>`: n server-sent events, one every <ms> milliseconds, each in a write of its own, then usage and
the terminator, as providers of the OpenAI dialect do.
"""

from __future__ import annotations

import asyncio
import re
import resource
import sys
from typing import cast

import httptools
import uvloop

from bench.bodies import ANSWER, event, last_events

_PACED = re.compile(rb'"model"\s*:\s*"paced-(\d+)x(\d+)"')
_LATE = re.compile(rb'"model"\s*:\s*"late-(\d+)"')
_JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_SSE_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


def chunk(data: bytes) -> bytes:
    """One piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Upstream(asyncio.Protocol):
    """One connection; a request at a time."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._body = bytearray()
        self._answer = _JSON_HEAD % len(ANSWER) + ANSWER

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport and are not instances of it.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._body.clear()

    def on_body(self, piece: bytes) -> None:
        self._body += piece

    def on_message_complete(self) -> None:
        assert self._transport is not None
        paced = _PACED.search(self._body)
        if paced is None:
            late = _LATE.search(self._body)
            if late is None:
                self._tell()
            else:
                asyncio.get_running_loop().call_later(int(late[1]) / 1000, self._tell)
            return
        self._transport.write(_SSE_HEAD)
        loop = asyncio.get_running_loop()
        self._step(loop, loop.time(), int(paced[1]) / 1000, 0, int(paced[2]))

    def _tell(self) -> None:
        if self._transport is not None:
            self._transport.write(self._answer)

    def _step(
        self, loop: asyncio.AbstractEventLoop, start: float, interval_s: float, number: int, count: int
    ) -> None:
        if self._transport is None:
            return
        if number == count:
            self._transport.write(chunk(last_events(count)) + b"0\r\n\r\n")
            return
        self._transport.write(chunk(event(number)))
        at = start + (number + 1) * interval_s
        loop.call_at(at, self._step, loop, start, interval_s, number + 1, count)


async def serve(port: int) -> None:
    """Until killed."""
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
