"""One open WebSocket over a transport that belongs to somebody else: whole messages in and out, no waiting.

Framing is done by the sans-I/O half of `websockets` (https://websockets.readthedocs.io/en/stable/howto/sansio.html,
2026-11-25). No extension is offered or taken, so messages are not compressed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol as Shape

from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol

from waypost.ports import Ended

#: A message of a realtime API is at most 15 MiB of base64:
#: https://platform.openai.com/docs/api-reference/realtime-client-events/input_audio_buffer/append (2026-11-25).
MESSAGE_BYTES_MAX = 16 * 1024 * 1024
_ABNORMAL = 1006

#: Belongs to no tree of loggers, so that no setting of anybody makes it write down what people say.
QUIET = logging.Logger("waypost.websocket", logging.CRITICAL + 1)


class Wire(Shape):
    """What a socket is on."""

    def write(self, data: bytes) -> None: ...

    def shut(self) -> None:
        """Close once what was written has gone."""
        ...

    def rest(self, resting: bool) -> None:
        """Stop reading, or go on."""
        ...


def _no_message(message: bytes, text: bool) -> None:
    """Nobody listens."""


def _no_end(ended: Ended) -> None:
    """Nobody listens."""


def _no_pressure(high: bool) -> None:
    """Nobody listens."""


class WebSocket:
    """`ports.Socket` over a `Protocol` of `websockets` whose handshake is done. Whoever owns the transport calls
    `feed_data`, `lost` and `pressed`."""

    __slots__ = ("_early", "_high", "_on_end", "_on_message", "_on_pressure", "_parts", "_protocol", "_silent",
                 "_text", "_told", "_wire", "ended", "heard")  # fmt: skip

    def __init__(self, protocol: Protocol, wire: Wire) -> None:
        self._protocol = protocol
        self._wire = wire
        self._on_message: Callable[[bytes, bool], None] = _no_message
        self._on_end: Callable[[Ended], None] = _no_end
        self._on_pressure: Callable[[bool], None] = _no_pressure
        #: What came before anybody listened.
        self._early: list[tuple[bytes, bool]] | None = []
        self._told: Ended | None = None
        #: A message that comes in fragments.
        self._parts: bytearray | None = None
        self._text = True
        self._high = self._silent = False
        self.ended = False
        self.heard = True

    # --- for who uses it -----------------------------------------------------------------------------------------

    def listen(
        self,
        on_message: Callable[[bytes, bool], None],
        on_end: Callable[[Ended], None],
        on_pressure: Callable[[bool], None],
    ) -> None:
        """See `ports.Socket`."""
        self._on_message, self._on_end, self._on_pressure = on_message, on_end, on_pressure
        early, self._early = self._early, None
        for message in early or ():
            on_message(*message)
        if self._told is not None and not self._silent:
            on_end(self._told)
        elif not self.ended:
            self._wire.rest(False)

    def send(self, message: bytes, text: bool) -> None:
        """See `ports.Socket`."""
        if self.ended:
            return
        if text:
            self._protocol.send_text(message)
        else:
            self._protocol.send_binary(message)
        self._flush()

    def ping(self) -> None:
        """See `ports.Socket`."""
        if not self.ended:
            self._protocol.send_ping(b"")
            self._flush()

    def rest(self, resting: bool) -> None:
        """See `ports.Socket`."""
        if not self.ended:
            self._wire.rest(resting)

    def close(self, code: int, reason: str = "") -> None:
        """See `ports.Socket`."""
        self._silent = True
        if self.ended:
            return
        self.ended = True
        self._protocol.send_close(code, _short(reason))
        self._flush()
        self._wire.shut()

    # --- for who owns the transport ------------------------------------------------------------------------------

    def feed_data(self, data: bytes) -> None:
        """Bytes of the other side."""
        if self.ended:
            return
        self.heard = True
        self._protocol.receive_data(data)
        self.take_events()

    def take_events(self) -> None:
        """Tell what the protocol has read."""
        protocol = self._protocol
        if self._high and protocol.state is OPEN:
            # Answers to pings, for one who does not read. They may be left out (RFC 6455 section 5.5.3).
            protocol.data_to_send()
        else:
            self._flush()
        for frame in protocol.events_received():
            if isinstance(frame, Frame):
                self._take(frame)
            if self.ended:
                return
        if protocol.state is not OPEN:
            self._stop()

    def lost(self) -> None:
        """The connection is closed."""
        if not self.ended:
            self.ended = True
            self._end(Ended(_ABNORMAL))

    def pressed(self, high: bool) -> None:
        """The transport's buffer is full, or has room again."""
        self._high = high
        if not self.ended:
            self._on_pressure(high)

    # --- inside --------------------------------------------------------------------------------------------------

    def _take(self, frame: Frame) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        if self._parts is None:
            text = frame.opcode is Opcode.TEXT
            if frame.fin:
                self._give(bytes(frame.data), text)
            else:
                self._parts, self._text = bytearray(frame.data), text
            return
        self._parts += frame.data
        if frame.fin:
            whole, self._parts = bytes(self._parts), None
            self._give(whole, self._text)

    def _give(self, message: bytes, text: bool) -> None:
        if self._early is None:
            self._on_message(message, text)
        else:
            self._early.append((message, text))
            self._wire.rest(True)

    def _stop(self) -> None:
        """The other side said goodbye, or what it sent was refused."""
        protocol = self._protocol
        self.ended = True
        self._flush()
        self._wire.shut()
        if protocol.parser_exc is None and protocol.close_rcvd is not None:
            self._end(Ended(protocol.close_rcvd.code, protocol.close_rcvd.reason, by_peer=True))
        else:
            sent = protocol.close_sent
            self._end(Ended(_ABNORMAL if sent is None else sent.code))

    def _end(self, ended: Ended) -> None:
        self._told = ended
        if self._early is None and not self._silent:
            self._on_end(ended)

    def _flush(self) -> None:
        data = b"".join(self._protocol.data_to_send())  # the mark for "half-close" is empty: `shut` does that
        if data:
            self._wire.write(data)


def _short(reason: str) -> str:
    """A close frame has room for 123 bytes: https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1 (2026-11-25)."""
    return reason.encode()[:120].decode("utf-8", "ignore")
