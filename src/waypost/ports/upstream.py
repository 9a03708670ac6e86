"""Towards providers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from waypost.core.encoding import Encoding
from waypost.core.origin import Deadlines, Origin


class Answer(Protocol):
    """One HTTP response. Whole answers have `body`; streamed ones are read by `next`. Always `close` it."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    """Names in lower case, in order."""
    body: bytes | None
    """The decompressed body of a whole answer; None for a streamed one."""

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header given in lower case."""
        ...

    async def next(self) -> bytes:
        """The next decompressed piece of a streamed body, b"" at its proper end. Raises UpstreamError."""
        ...

    async def pump(
        self, deliver: Callable[[bytes], bool], frame: Callable[[bytes, int], bool] | None = None
    ) -> bool:
        """Hand each piece to `deliver` the moment it arrives, without waking the caller for it.

        A piece that came as one whole HTTP/1.1 chunk may be offered to `frame` first, as it was on the wire: the bytes
        and the place where its data begins (it ends before the last two bytes). When `frame` says True it has taken
        the piece; else it has done nothing, and the piece goes to `deliver`.

        Returns True when `deliver` said False (it wants no more for now), False at the body's proper end. Raises
        UpstreamError, and what the two raise.
        """
        ...

    def close(self) -> None:
        """Idempotent. An answer that was read to its end gives its connection back; any other one is cancelled
        by closing the connection."""
        ...


class Upstream(Protocol):
    """The HTTP client. Raises UpstreamError subclasses only."""

    async def send(
        self, origin: Origin, head: bytes, body: bytes, deadlines: Deadlines, *, stream: bool = False
    ) -> Answer:
        """Write one request and wait for its answer: for the head only when `stream` and the status is 2xx and the
        content type is that of an event stream, otherwise for the whole body (capped).

        `head` is the complete HTTP/1.1 request head, ending in an empty line, with its `content-length`.
        A request is repeated by itself only on a reused connection that closed before any response byte.
        """
        ...


class Ended(msgspec.Struct, frozen=True):
    """How a WebSocket ended. `by_peer`: the other side closed it properly, with `code` (1005: it said none). Otherwise
    the connection broke (1006), or this side refused what came (1002, 1007, 1009)."""

    code: int
    reason: str = ""
    by_peer: bool = False


class Socket(Protocol):
    """An open WebSocket. What happens on it is told by calls; nothing waits."""

    heard: bool
    """Set whenever anything arrives; whoever watches for silence resets it."""

    @property
    def ended(self) -> bool: ...

    def listen(
        self,
        on_message: Callable[[bytes, bool], None],
        on_end: Callable[[Ended], None],
        on_pressure: Callable[[bool], None],
    ) -> None:
        """Whom to call, which must not raise: with each whole message (and whether it is text); once at the end; and
        when what is sent piles up (True) and has gone (False). Messages that came before are told now."""
        ...

    def send(self, message: bytes, text: bool) -> None:
        """Send one message. Goes nowhere once the socket has ended."""
        ...

    def ping(self) -> None:
        """Ask for a sign of life."""
        ...

    def rest(self, resting: bool) -> None:
        """Stop reading, or go on."""
        ...

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye and end; `on_end` is not called for it. Idempotent."""
        ...


class Opening(Protocol):
    """What became of a request for a WebSocket: `socket`, or the answer that refused it."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    """Names in lower case, in order."""
    body: bytes
    socket: Socket | None


class Sockets(Protocol):
    """The WebSocket client. Raises UpstreamError subclasses only."""

    async def connect(self, origin: Origin, head: bytes, deadlines: Deadlines) -> Opening:
        """Ask for a WebSocket. `head` is the request's head without the lines of the handshake and the empty line."""
        ...


class TokenCounter(Protocol):
    """Counts tokens as a public tokenizer makes them."""

    async def count(self, encoding: Encoding, texts: Sequence[str]) -> int | None:
        """Tokens of the texts together, each for itself; None: they can not be counted now. Never raises."""
