"""WebSockets to providers: `waypost.ports.Sockets`. The road is that of every request: the same addresses, proxies and
TLS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from websockets.client import ClientProtocol
from websockets.http11 import Response
from websockets.uri import WebSocketURI

from waypost.config.targets import Target
from waypost.core.origin import Deadlines, Origin
from waypost.dialects.dialect import Dialect
from waypost.errors import UpstreamError
from waypost.ports import Opening, Socket
from waypost.upstream import faults
from waypost.upstream.attempt import render_forwarded, render_path
from waypost.upstream.connect import Connector, Resolver
from waypost.upstream.head import render_prefix
from waypost.upstream.limits import Limits
from waypost.upstream.websocket import MESSAGE_BYTES_MAX, QUIET, WebSocket

_USER_AGENT = b"user-agent: waypost\r\n"
#: Seconds in which a provider may answer our goodbye before the connection is cut.
_LINGER_S = 5.0
_READ_HIGH = 128 * 1024


class Refusal:
    """An answer that opened nothing: `ports.Opening`."""

    __slots__ = ("body", "headers", "socket", "status")

    def __init__(self, response: Response) -> None:
        self.status = response.status_code
        self.headers: Sequence[tuple[bytes, bytes]] = [(name.lower().encode(), value.encode("latin-1", "replace"))
                        for name, value in response.headers.raw_items()]  # fmt: skip
        self.body = bytes(response.body or b"")
        self.socket: Socket | None = None


class Opened(Refusal):
    """An answer with the WebSocket that it opened."""

    def __init__(self, response: Response, socket: Socket) -> None:
        super().__init__(response)
        self.socket = socket


class SocketUpstream:
    """Opens WebSockets to any number of origins, from one event loop. Create it in the loop that uses it, and
    `aclose` it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        *,
        resolver: Resolver | None = None,
    ) -> None:
        self._loop = loop
        self._limits = limits
        self._connector = Connector(loop, loop, limits, resolver)
        self._open: dict[Origin, set[_Line]] = {}

    @property
    def open(self) -> int:
        """Connections now."""
        return sum(map(len, self._open.values()))

    async def connect(self, origin: Origin, head: bytes, deadlines: Deadlines) -> Opening:
        """See `ports.Sockets`. Raises UpstreamError. A session holds its connection for its whole life, so
        `Limits.connections` bounds them, apart from those of requests."""
        if len(self._open.get(origin, ())) >= self._limits.connections:
            raise faults.crowded()
        line = await self._connector.open_as(origin, lambda: _Line(self._loop, origin), deadlines.connect_s)
        if line.closed:  # between its opening and this task's turn
            raise faults.unreachable(ConnectionResetError())
        self._open.setdefault(origin, set()).add(line)
        line.on_lost = lambda: self._lost(origin, line)
        try:
            async with asyncio.timeout(deadlines.first_byte_s):
                return await line.ask(head)
        except TimeoutError:
            line.abort()
            error = faults.overdue("first_byte")
            error.may_have_billed = False  # no model works for a handshake
            raise error from None
        except BaseException:
            line.abort()
            raise

    async def aclose(self) -> None:
        """Cut every connection."""
        for lines in tuple(self._open.values()):
            for line in tuple(lines):
                line.abort()
        await asyncio.sleep(0)

    def _lost(self, origin: Origin, line: _Line) -> None:
        lines = self._open.get(origin)
        if lines is not None:
            lines.discard(line)
            if not lines:
                del self._open[origin]


class _Line(asyncio.Protocol):
    """One connection: the handshake, then the socket on it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, origin: Origin) -> None:
        self._loop = loop
        uri = WebSocketURI(origin.scheme == "https", origin.host, origin.port, "/", "")
        self._protocol = ClientProtocol(uri, max_size=MESSAGE_BYTES_MAX, logger=QUIET)
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Refusal] | None = None
        self._socket: WebSocket | None = None
        self._resting = self.closed = False
        self._linger: asyncio.TimerHandle | None = None
        self.on_lost: Callable[[], None] | None = None

    async def ask(self, head: bytes) -> Refusal:
        """Send the handshake and wait for what comes back. Raises UpstreamError."""
        if self._transport is None or self.closed:
            raise faults.unreachable(ConnectionResetError())
        self._answer = self._loop.create_future()
        self._transport.write(
            b"%bconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: %b\r\n\r\n"
            % (head, self._protocol.key.encode())
        )
        return await self._answer

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    # --- `websocket.Wire` ----------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self.closed:
            self._transport.write(data)

    def shut(self) -> None:
        """Wait a moment for the provider's goodbye, and for what was written to go."""
        if self._linger is None and not self.closed:
            self.rest(False)
            self._linger = self._loop.call_later(_LINGER_S, self.abort)

    def rest(self, resting: bool) -> None:
        if self._transport is None or self.closed or resting is self._resting:
            return
        self._resting = resting
        if resting:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    # --- asyncio.Protocol ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream transport: asyncio types it too widely
        self._transport.set_write_buffer_limits(high=_READ_HIGH)  # type: ignore[union-attr]  # set one line above

    def data_received(self, data: bytes) -> None:
        socket = self._socket
        if socket is not None:
            socket.feed_data(data)
        elif self._answer is not None and not self._answer.done():
            self._protocol.receive_data(data)
            self._read_answer(self._answer)

    def eof_received(self) -> None:
        """Half-closed is closed: the transport closes itself and `connection_lost` follows."""

    def pause_writing(self) -> None:
        if self._socket is not None:
            self._socket.pressed(True)

    def resume_writing(self) -> None:
        if self._socket is not None:
            self._socket.pressed(False)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio calls it with one
        self.closed = True
        if self._linger is not None:
            self._linger.cancel()
        answer = self._answer
        if answer is not None and not answer.done():
            self._protocol.receive_eof()
            self._read_answer(answer)
            if not answer.done():
                answer.set_exception(faults.unreachable(ConnectionResetError()))
        if self._socket is not None:
            self._socket.lost()
        if self.on_lost is not None:
            self.on_lost()

    def _read_answer(self, answer: asyncio.Future[Refusal]) -> None:
        protocol = self._protocol
        found = next((event for event in protocol.events if isinstance(event, Response)), None)
        if found is not None and protocol.handshake_exc is None:
            protocol.events.remove(found)
            socket = self._socket = WebSocket(protocol, self)
            answer.set_result(Opened(found, socket))
            socket.take_events()
        elif found is not None and found.status_code != 101:
            answer.set_result(Refusal(found))
            self.abort()
        elif protocol.handshake_exc is not None and not self.closed:
            answer.set_exception(_garbled())
            self.abort()


def _garbled() -> UpstreamError:
    error = faults.garbled("it is no answer to a WebSocket handshake")
    error.may_have_billed = False
    return error


def render_head(
    target: Target, dialect: Dialect, model_path: str, headers: Mapping[bytes, bytes], at: float
) -> bytes:
    """The head of a request for a WebSocket, with those of the client's `headers` that may pass, and without the lines
    of the handshake. Raises InvalidRequest, and what the provider's authorizer raises."""
    provider, name = target.provider, dialect.name
    credential = provider.credential_for(name)
    authority = provider.origin.authority
    path = render_path(target, name, model_path)
    defaults = b"".join(line for key, line in provider.dialect_headers.get(name, ()) if key not in headers)
    return render_prefix(
        "GET",
        path,
        authority,
        credential.lines("GET", authority, path, b"", at),
        _USER_AGENT,
        provider.headers,
        defaults,
    ) + render_forwarded(headers, dialect.forwarded)
