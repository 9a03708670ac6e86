"""A client connection that turns into a WebSocket, and the one who asked for it.

https://www.rfc-editor.org/rfc/rfc6455#section-4.2 (2026-11-25). Nothing of this is touched by an ordinary request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from typing import Protocol as Shape

from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from waypost.edge.asgi import Headers
from waypost.edge.client import EdgeClient
from waypost.edge.intake import Intake
from waypost.errors import Bug, Disconnected, InvalidRequest
from waypost.ports import Socket
from waypost.upstream.websocket import MESSAGE_BYTES_MAX, QUIET, WebSocket

#: How browsers, which can set no header, present a key, name the version, and what they have to be answered:
#: https://platform.openai.com/docs/guides/realtime-websocket (2026-11-25).
_KEY = b"openai-insecure-api-key."
_BETA = b"openai-beta.realtime-v1"
_SPOKEN = Subprotocol("realtime")
_BETA_LINE = (b"openai-beta", b"realtime=v1")
_GOING_ON = 1011


class Reader(Shape):
    """Who reads a connection's bytes in place of the HTTP parser."""

    def feed_data(self, data: bytes) -> None: ...


class Handshake:
    """A request for a WebSocket that was found to be one."""

    __slots__ = ("_response", "protocol")

    def __init__(self, headers: Mapping[bytes, bytes], version: str) -> None:
        """Raises InvalidRequest."""
        if version != "1.1":
            raise InvalidRequest("A WebSocket is opened by HTTP/1.1.")
        self.protocol = ServerProtocol(max_size=MESSAGE_BYTES_MAX, logger=QUIET, select_subprotocol=_select)
        lines = [
            b"%b: %b\r\n" % (name, value)
            for name, value in headers.items()
            if name in (b"connection", b"upgrade") or name.startswith(b"sec-websocket-")
        ]
        # The path is the gateway's business, and was matched.
        self.protocol.receive_data(b"GET / HTTP/1.1\r\n" + b"".join(lines) + b"\r\n")
        events = self.protocol.events_received()
        response = self.protocol.accept(events[0]) if events and isinstance(events[0], Request) else None
        if response is None or response.status_code != 101:
            raise InvalidRequest(
                "This path is a WebSocket, and this request does not open one. Use a WebSocket client (RFC 6455, "
                "version 13)."
            )
        self._response = response

    def accept(self, headers: Headers) -> bytes:
        """The answer that opens it."""
        for name, value in headers:
            self._response.headers[name.decode("latin-1")] = value.decode("latin-1")
        self.protocol.send_response(self._response)
        return b"".join(self.protocol.data_to_send())


def _select(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """A browser that offers subprotocols has to be answered with one; never with the one that holds the key."""
    return _SPOKEN if _SPOKEN in offered else None


class Offered:
    """What a request's subprotocols say."""

    __slots__ = ("beta", "key")

    def __init__(self, headers: Mapping[bytes, bytes]) -> None:
        words = [word.strip() for word in headers.get(b"sec-websocket-protocol", b"").split(b",")]
        self.key = next((word[len(_KEY) :] for word in words if word.startswith(_KEY)), None) or None
        self.beta = _BETA in words

    def complete(self, headers: Mapping[bytes, bytes]) -> Mapping[bytes, bytes]:
        """The headers, with what the subprotocols say in their place."""
        if self.beta and _BETA_LINE[0] not in headers:
            return {**headers, _BETA_LINE[0]: _BETA_LINE[1]}
        return headers


class Upgradable(Intake):
    """The part of a client connection that turns it into a WebSocket."""

    __slots__ = ("_rest", "_socket")

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._rest: Reader | None = None
        self._socket: WebSocket | None = None

    def _close_softly(self) -> None:
        """Close our side, and let the other one close in its time."""
        raise NotImplementedError

    def open_socket(self, handshake: Handshake, headers: Headers) -> WebSocket | None:
        """Answer the request under way with 101; from then on this is a WebSocket. None when the client has left."""
        cycle = self._running
        if cycle is None or cycle.disconnected or self.transport.is_closing():
            return None
        cycle.response_started = True
        self._rest = self._socket = WebSocket(handshake.protocol, self)
        self.transport.write(handshake.accept(headers))
        return self._socket

    # --- `websocket.Wire` ----------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Write to the client."""
        self.transport.write(data)

    def shut(self) -> None:
        """The session is over: the exchange on this connection is complete."""
        if self._running is not None:
            self._running.response_complete = True
        self._close_softly()

    def rest(self, resting: bool) -> None:
        """Stop reading, or go on."""
        if resting:
            self.flow.pause_reading()
        else:
            self.flow.resume_reading()

    # --- the transport -------------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._socket is not None:
            self._socket.pressed(True)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._socket is not None:
            self._socket.pressed(False)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._socket is not None:
            if self._running is not None:
                self._running.response_complete = True
            self._socket.lost()
        super().connection_lost(exc)


class EdgeSocket:
    """`ports.SocketClient`: answered over HTTP until the upgrade is taken up, by events after it."""

    def __init__(self, client: EdgeClient, connection: Upgradable, handshake: Handshake) -> None:
        self._client = client
        self._connection = connection
        self._handshake = handshake
        self._socket: Socket | None = None
        self.close_code = _GOING_ON

    @property
    def gone(self) -> bool:
        return self._client.gone or (self._socket is not None and self._socket.ended)

    def on_gone(self, call: Callable[[], None]) -> None:
        self._client.on_gone(call)

    def accept(self, headers: Headers) -> Socket:
        """See `ports.SocketClient`. Raises Disconnected."""
        socket = self._connection.open_socket(self._handshake, headers)
        if socket is None:
            raise Disconnected("The client left before its session began.")
        self._client.answered = True
        self._socket = socket
        return socket

    async def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Refuse, before the upgrade."""
        await self._client.reply(status, headers, body)

    async def start(self, status: int, headers: Headers) -> None:  # noqa: ARG002 - as `ports.Client`
        """Never: `accept` begins a session. Raises Bug."""
        raise Bug("A session was begun as a streamed answer.")

    async def write(self, chunk: bytes) -> None:
        """One event, as text."""
        self.try_write(chunk)

    def try_write(self, chunk: bytes) -> bool:
        """One event, as text; what waits for a slow client is bounded by the socket's rest."""
        if self._socket is not None:
            self._socket.send(chunk, True)
        return True

    def framed(self) -> Callable[[bytes], bool] | None:
        """Never: nothing here is an HTTP chunk."""
        return None

    async def finish(self) -> None:
        """Close with `close_code`."""
        if self._socket is not None:
            self._socket.close(self.close_code)
