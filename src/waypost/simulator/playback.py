"""Writes a script to a socket on time, and counts what it wrote."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator

from waypost.simulator.meter import Exchange
from waypost.simulator.wire import Ending, Write

#: Bytes joined into one write at most, so that back-pressure is seen in time.
BATCH = 1 << 16
_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_FLUSH_POLL_S = 0.001


class Playback:
    """One exchange on one connection. `done` is called once, when the connection may serve the next request; for
    scripts that end the connection, or hang, it never is.

    Due times count from `run`.
    """

    __slots__ = (
        "_done",
        "_exchange",
        "_loop",
        "_next",
        "_paused",
        "_start",
        "_timer",
        "_transport",
        "_writes",
        "over",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.WriteTransport,
        exchange: Exchange,
        done: Callable[[], None],
    ) -> None:
        self._loop, self._transport, self._exchange, self._done = loop, transport, exchange, done
        self._writes: Iterator[Write] = iter(exchange.script.writes)
        self._next: Write | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False
        self._start = -1.0
        self.over = False

    def run(self) -> None:
        """Write all that is due, and come back when the next is."""
        self._timer = None
        while not self.over:
            batch = self._due()
            if batch:
                self._transport.write(b"".join(batch) if len(batch) > 1 else batch[0])
            if self._next is None:
                self._finish()
                return
            if self._paused:
                return
            if not self._ready(self._next):
                self._timer = self._loop.call_at(self._start + self._next.due_s, self.run)
                return

    def _take(self) -> None:
        self._next = next(self._writes, None)

    def _ready(self, write: Write) -> bool:
        if write.due_s <= 0:
            return True
        now = self._loop.time()
        if self._start < 0:
            self._start = now
        # Half a millisecond early is on time: timers do not aim finer.
        return self._start + write.due_s <= now + 0.0005

    def _due(self) -> list[bytes]:
        """What may be written now, counted; `_next` is the first one that may not, None when unknown."""
        batch: list[bytes] = []
        size = 0
        meter = self._exchange.meter
        if self._next is None:
            self._take()
        while self._next is not None and size < BATCH and self._ready(self._next):
            write = self._next
            if write.data:
                batch.append(write.data)
                size += len(write.data)
            if meter is not None and write.made is not None:
                meter.add(write.made)
            self._take()
        if self._next is None and meter is not None and self._exchange.script.ending != "hang":
            # Before the last bytes leave: whoever has read them finds them on the bill.
            meter.close(self._exchange.end)
        return batch

    def _finish(self) -> None:
        self.over = True
        ending = self._exchange.script.ending
        if ending == "keep":
            self._done()
        elif ending == "close":
            self._transport.close()
        elif ending != "hang":
            self._timer = self._loop.call_later(_FLUSH_POLL_S, self._end_flushed, ending)

    def _end_flushed(self, ending: Ending) -> None:
        """Reset and half-close only after what was written has left: both would drop it."""
        self._timer = None
        if self._transport.get_write_buffer_size() and not self._transport.is_closing():
            self._timer = self._loop.call_later(_FLUSH_POLL_S, self._end_flushed, ending)
        elif ending == "reset":
            reset(self._transport)
        elif self._transport.can_write_eof():
            self._transport.write_eof()

    def pause(self) -> None:
        """The client does not read."""
        self._paused = True

    def resume(self) -> None:
        """The client reads again."""
        self._paused = False
        if self._timer is None and not self.over:
            self.run()

    def cancel(self) -> None:
        """The connection is gone: bill what was written."""
        self.over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._exchange.meter is not None:
            self._exchange.meter.close("cancelled")


def reset(transport: asyncio.WriteTransport) -> None:
    """Close with RST instead of FIN."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
    transport.abort()
