"""A realtime conversation on a client's connection: handshake, frames, and events on time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from waypost.simulator.ask import Refused
from waypost.simulator.models import resolve
from waypost.simulator.realtime import Conversation, Out

PATHS = (b"/realtime", b"/v1/realtime")
_MESSAGE_MAX = 32 << 20


def handshake(headers: dict[bytes, bytes]) -> tuple[ServerProtocol, bytes]:
    """A protocol whose handshake is done, and the answer to it. Raises Refused."""
    protocol = ServerProtocol(max_size=_MESSAGE_MAX)
    lines = [b"%b: %b\r\n" % pair for pair in headers.items() if pair[0] != b"authorization"]
    protocol.receive_data(b"GET / HTTP/1.1\r\n" + b"".join(lines) + b"\r\n")
    events = protocol.events_received()
    response = protocol.accept(events[0]) if events and isinstance(events[0], Request) else None
    if response is None or response.status_code != 101:
        raise Refused(400, "This does not open a WebSocket.")
    protocol.send_response(response)
    return protocol, b"".join(protocol.data_to_send())


def model_of(query: bytes) -> str:
    """The model of `?model=…`, with its parameters. Raises Refused when it is missing, unknown or faulty."""
    model = parse_qs(query.decode("latin-1")).get("model", [""])[0]
    if not model:
        raise Refused(400, "The model is missing.", param="model")
    fault = resolve(model, {}).fault or ""
    if fault.isdigit():
        raise Refused(int(fault), "The server had an error, as it was told to.", kind="server_error")
    return model


class Line:
    """One session on one connection. `done` is called once, when it is over."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        protocol: ServerProtocol,
        conversation: Conversation,
        done: Callable[[], None],
    ) -> None:
        self._loop, self._transport, self._protocol = loop, transport, protocol
        self._conversation, self._done = conversation, done
        self._running: list[tuple[float, Iterator[Out], Out]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._paused = self._over = False
        self._send(conversation.hello())

    def feed(self, data: bytes) -> None:
        """Bytes of the client."""
        protocol = self._protocol
        if self._over:
            return
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY):
                self._begin(self._conversation.take(bytes(event.data)))
        self._flush()
        if protocol.state is not OPEN:
            self.end()
            self._transport.close()

    def pause(self, paused: bool) -> None:
        """The client does not read, or reads again."""
        self._paused = paused
        if not paused:
            self._run()

    def end(self) -> None:
        """The connection is over. Harmless when it is already."""
        if self._over:
            return
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._conversation.left("cancelled")
        self._done()

    def _begin(self, outs: Iterator[Out]) -> None:
        first = next(outs, None)
        if first is not None:
            self._running.append((self._loop.time(), outs, first))
            self._run()

    def _run(self) -> None:
        """Write all that is due, and come back when the next is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._paused:
            return
        waiting: list[tuple[float, Iterator[Out], Out]] = []
        running, self._running = self._running, []
        for start, outs, first in running:
            out: Out | None = first
            while out is not None and start + out.due_s <= self._loop.time() + 0.0005 and not self._over:
                if out.cut:
                    self._break()
                    return
                if out.response is None or not out.response.closed:
                    self._send(out.data)
                out = next(outs, None)
            if out is not None:
                waiting.append((start, outs, out))
        self._running = waiting + self._running
        if self._running and not self._over:
            due = min(start + out.due_s for start, _, out in self._running)
            self._timer = self._loop.call_at(due, self._run)

    def _send(self, data: bytes) -> None:
        if not self._over and self._protocol.state is OPEN:
            self._conversation.wrote(data)
            self._protocol.send_text(data)
            self._flush()

    def _break(self) -> None:
        self._conversation.left("cut")
        self.end()
        self._transport.abort()

    def _flush(self) -> None:
        self._transport.write(b"".join(self._protocol.data_to_send()))
