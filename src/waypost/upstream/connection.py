"""One connection: one request at a time, its answer, its deadlines."""

from __future__ import annotations

import asyncio
import errno
import math
from collections.abc import Callable
from typing import Protocol

from waypost.core.origin import Deadlines
from waypost.errors import UpstreamError
from waypost.upstream.answer import StreamedAnswer, WholeAnswer
from waypost.upstream.faults import closing, cut, overdue, unanswered, unreachable
from waypost.upstream.limits import Limits
from waypost.upstream.reader import ResponseReader

_JOIN_BYTES = 64 * 1024  # up to here, copying head and body together is cheaper than a second buffer
_NEVER = math.inf
#: The size lines that a chunk may have to be passed on as it is: plain, and of a size that an event has. A table and
#: not `int`, which would also take signs, blanks and underscores.
_SIZES = {b"%x\r\n" % size: size for size in range(1, 4096)}
_SIZES |= {line.upper(): size for line, size in _SIZES.items()}


class Cancellable(Protocol):
    def cancel(self) -> None: ...


class Timers(Protocol):
    """The part of an event loop that knows time; tests put a hand-driven one in its place."""

    def time(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[], object], /) -> Cancellable: ...


class Owner(Protocol):
    """The pool, as its connections see it."""

    def give_back(self, connection: Connection) -> None:
        """The connection can take another request."""
        ...

    def lost(self, connection: Connection) -> None:
        """The connection is closed."""
        ...


class Connection(asyncio.Protocol):
    """Created by `connect`, owned by a pool.

    Deadlines cost nothing per request: `_due` is a number, and the one timer is set again only when it fires too early
    or would fire too late.
    """

    __slots__ = (
        "_answer",
        "_armed",
        "_body_seen",
        "_busy",
        "_deadlines",
        "_due",
        "_limits",
        "_loop",
        "_owner",
        "_reader",
        "_sent",
        "_timer",
        "_timers",
        "_total_due",
        "_touched",
        "_transport",
        "_waiter",
        "closed",
        "idle_since",
        "used",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, timers: Timers, limits: Limits, owner: Owner) -> None:
        self._loop = loop
        self._timers = timers
        self._limits = limits
        self._owner = owner
        self._reader = ResponseReader(limits)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[WholeAnswer | None] | None = None
        self._answer: StreamedAnswer | None = None
        self._timer: Cancellable | None = None
        self._armed = self._due = self._total_due = _NEVER
        self._sent = 0.0
        self._deadlines = Deadlines()
        self._busy = self._touched = self._body_seen = False
        self.closed = False
        self.used = 0
        self.idle_since = 0.0

    # --- for the pool ---------------------------------------------------------------------------------------

    async def ask(
        self, head: bytes, body: bytes, deadlines: Deadlines, started: float, stream: bool
    ) -> WholeAnswer | None:
        """Write one request and wait for its answer; `started` is when the attempt began, on the timers' clock.

        None if this was a reused connection that turned out to be dead: the request can go to another one.
        Raises UpstreamError.
        """
        transport = self._transport
        if transport is None or self.closed:
            if self.used:
                return None
            raise unreachable(ConnectionResetError(errno.ECONNRESET, ""))
        now = self._timers.time()
        self._busy = True
        self._touched = self._body_seen = False
        self._answer = None
        self._deadlines = deadlines
        self._sent = now
        self._total_due = started + deadlines.total_s
        self._reader.begin(stream)
        waiter: asyncio.Future[WholeAnswer | None] = self._loop.create_future()
        self._waiter = waiter
        self._set_due(now + deadlines.first_byte_s)
        if len(body) <= _JOIN_BYTES:
            transport.write(head + body)
        else:
            transport.writelines((head, body))
        try:
            return await waiter
        except asyncio.CancelledError:
            if self._waiter is waiter:
                self._waiter = None
                self.abort()
            elif not waiter.cancelled() and waiter.exception() is None:
                answer = waiter.result()  # answered in the same turn as cancelled
                if answer is not None:
                    answer.close()
            raise

    def abort(self) -> None:
        """Close at once; what was under way fails."""
        if self.closed:
            return
        self.closed = True
        self._busy = False
        self._due = _NEVER
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()

    def shut(self) -> None:
        """Close because the whole client closes."""
        if self._busy:
            self._fail(closing())
        else:
            self.abort()

    # --- for a streamed answer ------------------------------------------------------------------------------

    def awaited(self) -> asyncio.Future[bytes]:
        """A future for the next piece; the idle deadline runs from now, or the first byte's until a body byte came."""
        if self._body_seen:
            self._set_due(self._timers.time() + self._deadlines.idle_s)
        else:
            self._set_due(self._sent + self._deadlines.first_byte_s)
        return self._loop.create_future()

    def resume(self) -> None:
        """Read from the socket again."""
        if self._transport is not None and not self.closed:
            self._transport.resume_reading()

    # --- asyncio.Protocol -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream transport: asyncio types it too widely
        if self.closed:
            self._transport.abort()  # type: ignore[union-attr]  # set one line above

    def data_received(self, data: bytes) -> None:
        if not self._busy:
            self.abort()  # bytes that nobody asked for: the next answer could not be told from them
            return
        reader = self._reader
        if reader.between and (answer := self._answer) is not None and (take := answer.frame) is not None:
            # One whole chunk of a stream, offered as it came. The parser is not told of one that is taken: it stands
            # between two chunks before and after.
            start = data.find(b"\r\n") + 2
            if (
                len(data) == _SIZES.get(data[:start], -9) + start + 2
                and data.endswith(b"\r\n")
                and answer.offer(take, data, start)
            ):
                self._set_due(self._timers.time() + self._deadlines.idle_s)
                return
        self._read(data)

    def _read(self, data: bytes) -> None:
        reader = self._reader
        self._touched = True
        fault: UpstreamError | None = None
        try:
            reader.feed(data)
        except UpstreamError as found:
            fault = found
        answer = self._answer
        if answer is None and reader.streamed:
            answer = self._begin_stream()
        if reader.pieces:
            self._body_seen = True
            if answer is None:
                if not reader.ended:
                    self._set_due(self._timers.time() + self._deadlines.idle_s)
            else:
                self._due = self._total_due  # nobody waits any more: only the whole attempt's deadline runs
                if answer.feed(reader.take()):
                    self._rest(answer)
                elif answer.pumping:
                    self._set_due(self._timers.time() + self._deadlines.idle_s)
        if fault is not None:
            self._fail(fault)
        elif reader.ended:
            self._finish()

    def eof_received(self) -> None:
        """Half-closed is closed: the transport closes itself and `connection_lost` follows."""

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._busy:
            try:
                whole = exc is None and self._reader.eof()
            except UpstreamError as found:
                self._fail(found)
            else:
                if whole:
                    self._finish()
                else:
                    self._lost(exc)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._owner.lost(self)

    # --- inside ---------------------------------------------------------------------------------------------

    def _begin_stream(self) -> StreamedAnswer:
        reader = self._reader
        answer = StreamedAnswer(reader.status, reader.headers, reader.index, self, self._limits.queue_bytes)
        self._answer = answer
        self._due = self._total_due
        self._answered(answer)
        return answer

    def _answered(self, answer: WholeAnswer | None) -> None:
        waiter = self._waiter
        if (
            waiter is not None and not waiter.done()
        ):  # a cancelled one stays, for `ask` to find when its turn comes
            self._waiter = None
            waiter.set_result(answer)

    def _rest(self, answer: StreamedAnswer) -> None:
        if not answer.paused and self._transport is not None and not self.closed and not self._reader.ended:
            answer.paused = True
            self._transport.pause_reading()

    def _finish(self) -> None:
        """The answer is complete: the connection goes back first, so that whoever wakes up next can have it."""
        reader = self._reader
        streamed, self._answer = self._answer, None
        self._busy = False
        self._due = _NEVER
        transport = self._transport
        self.used += 1
        if (
            reader.keep_alive
            and not self.closed
            and transport is not None
            and not transport.get_write_buffer_size()
        ):
            if streamed is not None and streamed.paused:
                transport.resume_reading()  # the end was already read when the socket was told to rest
            self._owner.give_back(self)
        else:
            self.abort()
        if streamed is not None:
            streamed.end()
            return
        pieces = reader.take()  # not kept while the connection is idle
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._answered(WholeAnswer(reader.status, reader.headers, reader.index, body))

    def _lost(self, exc: Exception | None) -> None:
        """Closed before the answer's end. A dead reused connection says so at once, before a provider could work."""
        if self._touched:
            self._fail(cut())
        elif self.used and self._timers.time() - self._sent <= self._limits.stale_s:
            self._busy = False
            self._answered(None)
        else:
            self._fail(unanswered(exc))

    def _fail(self, fault: UpstreamError) -> None:
        self.abort()
        self._busy = False
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(fault)
        streamed, self._answer = self._answer, None
        if streamed is not None:
            streamed.fail(fault)

    def _set_due(self, due: float) -> None:
        self._due = due if due < self._total_due else self._total_due
        if self._timer is None or self._armed > self._due:
            self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = self._due
        self._timer = self._timers.call_at(self._due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._due == _NEVER:
            return
        now = self._timers.time()
        if now < self._due:
            self._arm()
            return
        self._fail(overdue(self._phase(now)))

    def _phase(self, now: float) -> str:
        if now >= self._total_due:
            return "total"
        if self._body_seen:
            return "idle"
        unsent = self._transport is not None and self._transport.get_write_buffer_size() > 0
        return "write" if unsent and not self._touched else "first_byte"
