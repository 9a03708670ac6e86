"""The simulator's HTTP/1.1 server: a bare protocol, because no framework would let it break the rules."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import cast

import httptools
import msgspec
from websockets.server import ServerProtocol

from waypost.simulator import realtime_line
from waypost.simulator.ask import Refused
from waypost.simulator.asks import KEEP, Asks
from waypost.simulator.dialect import JSON_TYPE, Lock, Request
from waypost.simulator.engine import Engine, whole
from waypost.simulator.meter import Exchange
from waypost.simulator.openai_dialect import PARSERS, bearer
from waypost.simulator.playback import Playback, reset
from waypost.simulator.realtime import Conversation
from waypost.simulator.wire import frame

MAX_HEAD = 1 << 16
MAX_PIPELINED = 64
#: The simulator's own pages: nobody needs a key for them, and they are not recorded.
_OWN_PAGES = frozenset((b"/healthz", b"/bill", b"/faults", b"/asks", b"/bill/reset", b"/asks/reset"))


class Floor:
    """What the connections share: the engine, the limits, who is connected."""

    def __init__(self, engine: Engine, *, lock: Lock, max_body: int, max_connections: int) -> None:
        self.engine = engine
        self.asks = Asks()
        self.max_body = max_body
        self.max_connections = max_connections
        self.connections: set[Connection] = set()
        self.refusing = False
        """Answer every new connection with RST."""
        self._lock = lock
        self._locked = lock.key is not None
        self._idle = asyncio.Event()
        self._idle.set()
        self._busy = 0

    def converse(self, url: bytes, headers: dict[bytes, bytes]) -> tuple[ServerProtocol, bytes, Conversation]:
        """A request for a WebSocket: what frames it, the answer that opens it, and the session. Raises Refused."""
        path, _, query = url.partition(b"?")
        self.asks.add(b"GET", url, headers, b"")
        if path not in realtime_line.PATHS:
            raise Refused(400, "Upgrades are served at /v1/realtime only.")
        if self._locked:
            bearer(headers.get(b"authorization"), self._lock)
        model = realtime_line.model_of(query)
        protocol, answer = realtime_line.handshake(headers)
        return protocol, answer, self.engine.converse(model)

    def begin(self) -> None:
        """A request started."""
        self._busy += 1
        self._idle.clear()

    def end(self) -> None:
        """A request ended, however it did."""
        self._busy -= 1
        if not self._busy:
            self._idle.set()

    @property
    def busy(self) -> int:
        """Requests that have begun and not ended."""
        return self._busy

    async def idle(self) -> None:
        """Wait until no request is under way."""
        await self._idle.wait()

    def exchange(self, method: bytes, url: bytes, headers: dict[bytes, bytes], body: bytes) -> Exchange:
        """Route one request."""
        path, _, query = url.partition(b"?")
        short = path[3:] if path.startswith(b"/v1/") else path
        if short in PARSERS:
            self.asks.add(method, url, headers, body)
            try:
                if self._locked:
                    bearer(headers.get(b"authorization"), self._lock)
                if method != b"POST":
                    raise Refused(405, f"Not allowed to {method.decode('latin-1')} on this path: use POST.")
            except Refused as refused:
                return Exchange(self.engine.refuse(refused))
            return self.engine.answer(short, headers, body)
        if short in _OWN_PAGES:
            return self._own_page(method, short, query)
        self.asks.add(method, url, headers, body)
        request = Request(
            method.decode("latin-1"), path.decode("latin-1"), query.decode("latin-1"), headers, body
        )
        dialect = self.engine.dialect_of(request)
        if dialect is not None:
            return self.engine.serve(dialect, request)
        return self.engine.serve_openai(msgspec.structs.replace(request, path=short.decode("latin-1")))

    def _own_page(self, method: bytes, path: bytes, query: bytes) -> Exchange:
        resets = path.endswith(b"/reset")
        if method != (b"POST" if resets else b"GET"):
            said = (
                f"Not allowed to {method.decode('latin-1')} on this path: use {'POST' if resets else 'GET'}."
            )
            return Exchange(self.engine.refuse(Refused(405, said)))
        if path == b"/asks":
            return Exchange(frame(whole(200, self.asks.show(_last(query)), [JSON_TYPE])))
        if resets:
            kept = self.engine.bill if path == b"/bill/reset" else self.asks
            kept.reset()
            return Exchange(frame(whole(200, b"{}", [JSON_TYPE])))
        # The request for the bill is itself under way.
        return self.engine.own_page(path, open_requests=self._busy - 1, lines=b"lines=1" in query)


def _last(query: bytes) -> int:
    number = query.decode("latin-1").partition("last=")[2].partition("&")[0]
    return int(number) if number.isascii() and number.isdigit() else KEEP


class Connection(asyncio.Protocol):
    """One client connection: requests in order, one answer at a time."""

    def __init__(self, floor: Floor, loop: asyncio.AbstractEventLoop) -> None:
        self._floor, self._loop = floor, loop
        self._transport: asyncio.Transport | None = None
        self._playback: Playback | None = None
        self._queue: deque[tuple[bytes, bytes, dict[bytes, bytes], bytes, bool]] = deque()
        self._parser = httptools.HttpRequestParser(self)
        self._refused: Refused | None = None
        self._keep = True
        self._line: realtime_line.Line | None = None
        self.on_message_begin()

    # --- transport ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        made = cast(asyncio.Transport, transport)
        if self._floor.refusing or len(self._floor.connections) >= self._floor.max_connections:
            reset(made)
            return
        self._transport = made
        self._floor.connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._refused is not None:
            return
        if self._line is not None:
            self._line.feed(data)
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._refused = self._refused or Refused(400, "The request is not valid HTTP/1.1.")
        except httptools.HttpParserUpgrade:
            self._upgrade(self._transport)
        if self._refused is not None and self._playback is None:
            self._queue.clear()
            self._next()

    def connection_lost(self, _: Exception | None) -> None:
        self._floor.connections.discard(self)
        self._transport = None
        self._queue.clear()
        if self._line is not None:
            self._line.end()
        if self._playback is not None:
            self._playback.cancel()
            self._playback = None
            self._floor.end()

    def _upgrade(self, transport: asyncio.Transport) -> None:
        try:
            protocol, answer, conversation = self._floor.converse(self._url, self._headers)
        except Refused as refused:
            self._refused = refused
            return
        self._floor.begin()
        transport.write(answer)
        self._line = realtime_line.Line(self._loop, transport, protocol, conversation, self._floor.end)

    def pause_writing(self) -> None:
        if self._line is not None:
            self._line.pause(True)
        if self._playback is not None:
            self._playback.pause()

    def resume_writing(self) -> None:
        if self._line is not None:
            self._line.pause(False)
        if self._playback is not None:
            self._playback.resume()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    # --- parser ------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._head_size = self._body_size = 0

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._head_size += len(url)
        if self._head_size > MAX_HEAD:
            self._refuse_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value)
        if self._head_size > MAX_HEAD:
            self._refuse_head()
        self._headers[name.lower()] = value

    def _refuse_head(self) -> None:
        self._refused = Refused(431, f"The request's head is over {MAX_HEAD} bytes.")

    def on_headers_complete(self) -> None:
        if self._headers.get(b"expect", b"").lower() == b"100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        if self._body_size > self._floor.max_body:
            self._body.clear()
            self._refused = Refused(413, f"The body is over {self._floor.max_body} bytes.")
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._refused is not None or self._parser.should_upgrade():
            return
        if len(self._queue) >= MAX_PIPELINED:
            self._refused = Refused(400, f"More than {MAX_PIPELINED} requests were pipelined.")
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        keep = self._parser.should_keep_alive()
        self._queue.append((self._parser.get_method(), self._url, self._headers, body, keep))
        if self._playback is None:
            self._next()

    # --- answers -----------------------------------------------------------------------------------------------

    def _next(self) -> None:
        """Begin the next answer: to a request that waits, or to one that was refused."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._queue:
            method, url, headers, body, self._keep = self._queue.popleft()
            self._floor.begin()
            exchange = self._floor.exchange(method, url, headers, body)
        elif self._refused is not None and self._keep:
            self._keep = False
            self._floor.begin()
            exchange = Exchange(self._floor.engine.refuse(self._refused))
        else:
            return
        self._playback = Playback(self._loop, self._transport, exchange, self._done)
        self._playback.run()

    def _done(self) -> None:
        self._playback = None
        self._floor.end()
        if not self._keep and self._transport is not None:
            self._transport.close()
        elif self._queue or self._refused is not None:
            self._loop.call_soon(self._next)
