"""The client's side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from waypost.ports.upstream import Socket


class Client(Protocol):
    """The one who asked, as the pipeline sees it: written by the edge."""

    @property
    def gone(self) -> bool:
        """The connection is closed; whatever is written goes nowhere."""
        ...

    def on_gone(self, call: Callable[[], None]) -> None:
        """Call back once when the connection closes before the answer is complete; at once if it has."""
        ...

    async def reply(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """A whole answer; sets content-length."""
        ...

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Begin a streamed answer."""
        ...

    async def write(self, chunk: bytes) -> None:
        """One piece; waits while the client is slow, up to the write-stall limit, after which `gone` is set."""
        ...

    def try_write(self, chunk: bytes) -> bool:
        """Write one piece if that needs no waiting. False, with nothing written, when `write` has to be awaited."""
        ...

    def framed(self) -> Callable[[bytes], bool] | None:
        """Like `try_write`, for a piece that is framed as an HTTP/1.1 chunk already; None when this answer is not sent
        in such chunks. For the answer that has been started only."""
        ...

    async def finish(self) -> None:
        """End a streamed answer."""
        ...


class SocketClient(Client, Protocol):
    """One who asked for a WebSocket. Until `accept` it can be refused by `reply`; after it, `write` sends an event and
    `finish` closes with `close_code`."""

    close_code: int

    def accept(self, headers: list[tuple[bytes, bytes]]) -> Socket:
        """Take up the upgrade. Raises Disconnected when the client has left."""
        ...
