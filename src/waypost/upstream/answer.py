"""What `send` returns: whole and streamed answers (`waypost.ports.Answer`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from waypost.errors import UpstreamError
from waypost.upstream.faults import cut

#: What a pump's waiter is told when its receiver wants no more for now; b"" is the end of the body.
_STOPPED = b"stopped"


class Source(Protocol):
    """The connection, as a streamed answer sees it."""

    def awaited(self) -> asyncio.Future[bytes]:
        """A future for the next piece; the idle deadline runs from now."""
        ...

    def resume(self) -> None:
        """Read from the socket again."""
        ...

    def abort(self) -> None:
        """Close the connection at once."""
        ...


class WholeAnswer:
    """A complete answer; its connection is already back in the pool."""

    __slots__ = ("_index", "body", "headers", "status")

    def __init__(
        self,
        status: int,
        headers: Sequence[tuple[bytes, bytes]],
        index: dict[bytes, bytes],
        body: bytes | None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self._index = index

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header given in lower case."""
        return self._index.get(name)

    async def next(self) -> bytes:
        """There is nothing but `body`."""
        return b""

    async def pump(
        self,
        deliver: Callable[[bytes], bool],  # noqa: ARG002 - there is nothing to deliver
        frame: Callable[[bytes, int], bool] | None = None,  # noqa: ARG002
    ) -> bool:
        """There is nothing but `body`."""
        return False

    def close(self) -> None:
        """Nothing is held."""


class StreamedAnswer(WholeAnswer):
    """An answer whose body is still coming: the connection feeds it, `next` reads it."""

    __slots__ = ("_deliver", "_fault", "_high", "_pieces", "_size", "_source", "_waiter", "frame", "paused")

    def __init__(
        self,
        status: int,
        headers: Sequence[tuple[bytes, bytes]],
        index: dict[bytes, bytes],
        source: Source,
        high: int,
    ) -> None:
        super().__init__(status, headers, index, None)
        self._source: Source | None = source
        self._high = high
        self._pieces: list[bytes] = []
        self._size = 0
        self._fault: UpstreamError | None = None
        self._waiter: asyncio.Future[bytes] | None = None
        self._deliver: Callable[[bytes], bool] | None = None
        self.paused = False
        self.frame: Callable[[bytes, int], bool] | None = None
        """While it is pumped: who is offered whole HTTP chunks."""

    @property
    def waiting(self) -> bool:
        return self._waiter is not None

    @property
    def queued(self) -> int:
        """Bytes that arrived and were not read."""
        return self._size

    async def next(self) -> bytes:
        """All bytes that arrived since the last call, at least one; b"" at the proper end. Raises UpstreamError."""
        if self._pieces:
            return self._drain()
        if self._fault is not None:
            raise self._fault
        source = self._source
        if source is None:
            return b""
        waiter = self._waiter = source.awaited()
        try:
            return await waiter
        except asyncio.CancelledError:
            self.close()
            if not waiter.cancelled():
                waiter.exception()  # seen: it came in the same turn as the cancellation
            raise

    @property
    def pumping(self) -> bool:
        """Pieces go straight to somebody who waits for all of them."""
        return self._deliver is not None

    async def pump(
        self, deliver: Callable[[bytes], bool], frame: Callable[[bytes, int], bool] | None = None
    ) -> bool:
        """See `ports.Answer`. One wake-up for the whole stream instead of one per piece."""
        while self._pieces:
            if not deliver(self._drain()):
                return True
        if self._fault is not None:
            raise self._fault
        source = self._source
        if source is None:
            return False
        waiter = self._waiter = source.awaited()
        self._deliver = deliver
        self.frame = frame
        try:
            return bool(await waiter)
        except asyncio.CancelledError:
            self.close()
            if not waiter.cancelled():
                waiter.exception()  # seen: it came in the same turn as the cancellation
            raise
        finally:
            self._deliver = self.frame = None

    def close(self) -> None:
        """Idempotent. Before the end of the body it closes the connection."""
        source = self._source
        self._pieces = []
        self._size = 0
        if source is not None:
            self.fail(cut())
            source.abort()

    # --- called by the connection ---------------------------------------------------------------------------

    def feed(self, pieces: list[bytes]) -> bool:
        """Take body pieces. True if so much is queued now that the socket should rest."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            if self._deliver is not None:
                self._push(waiter, self._deliver, data)
            else:
                self._waiter = None
                waiter.set_result(data)
            return False
        self._pieces += pieces
        for piece in pieces:
            self._size += len(piece)
        return self._size > self._high

    def offer(self, frame: Callable[[bytes, int], bool], data: bytes, start: int) -> bool:
        """Offer one whole HTTP chunk to who takes them. False: it was not taken, and nothing was done."""
        try:
            return frame(data, start)
        except Exception as error:  # noqa: BLE001 - not the connection's: it goes to the one who waits
            waiter = self._waiter
            if waiter is not None and not waiter.done():
                waiter.set_exception(error)
            self._waiter = self._deliver = self.frame = None
            return True

    def _push(self, waiter: asyncio.Future[bytes], deliver: Callable[[bytes], bool], data: bytes) -> None:
        try:
            if deliver(data):
                return
        except Exception as error:  # noqa: BLE001 - not the connection's: it goes to the one who waits
            waiter.set_exception(error)
        else:
            waiter.set_result(_STOPPED)
        self._waiter = self._deliver = self.frame = None

    def end(self) -> None:
        """The body is complete."""
        self._source = self.frame = None
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(b"")

    def fail(self, fault: UpstreamError) -> None:
        """No more will come; what is queued is still read first."""
        self._source = self.frame = None
        self._fault = fault
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(fault)

    def _drain(self) -> bytes:
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._pieces = []
        self._size = 0
        if self.paused and self._source is not None:
            self.paused = False
            self._source.resume()
        return data
