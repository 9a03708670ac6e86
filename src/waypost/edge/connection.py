"""What the edge learns from our own HTTP protocol, beyond ASGI: for free, without a task or a timer per request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

#: Scope keys under which our protocol hands over the connection and the checked headers as a dictionary.
CONNECTION = "waypost.connection"
TABLE = "waypost.headers"


class Connection(Protocol):
    """One client connection, seen by the exchange that is running on it."""

    gone: bool
    """It is closed; nothing written arrives any more."""
    on_gone: Callable[[], None] | None
    """Called once when it closes; belongs to the exchange that is running."""

    let_in: bool
    """The turnstile has counted the request under way already; whoever asks for load next resets it."""

    @property
    def receiving(self) -> bool:
        """The body of the request under way has not arrived whole."""
        ...

    def take_body(self) -> bytes | None:
        """The body of the request under way, once, if it has arrived whole; None: it has to be received."""
        ...

    def write_whole(self, status: int, lines: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send a whole answer in one write, adding `content-length`. False, with nothing sent, when this answer has to
        go the ASGI way: a slow client, HEAD, a connection that is to close."""
        ...

    def write_chunk(self, chunk: bytes) -> bool:
        """Send a piece of a streamed answer that has begun. False, with nothing sent, when it has to wait or to go
        the ASGI way."""
        ...

    @property
    def chunking(self) -> bool:
        """The answer that has begun is sent in HTTP chunks."""
        ...

    def write_frame(self, frame: bytes) -> bool:
        """`write_chunk` for a piece that is framed already, in an answer that is `chunking`."""
        ...

    def close_after(self) -> None:
        """Say `connection: close` in the answer that has not begun yet, and close when it is sent."""
        ...
