"""What the upstream tests talk to: a server of exact bytes, a transport that is a list, a clock moved by hand."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Sequence

from waypost.core.origin import Deadlines, Origin
from waypost.upstream.answer import WholeAnswer
from waypost.upstream.client import HttpUpstream
from waypost.upstream.connection import Connection
from waypost.upstream.limits import Limits

HEAD = b"POST /v1/x HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n"
BODY = b"{}"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
SSE = (
    b"HTTP/1.1 200 OK\r\ncontent-type: Text/Event-Stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
)
STANDARD = Limits()
USUAL = Deadlines()
CLOSE = "close"
RESET = "reset"
HOLD = "hold"


def sized(body: bytes, extra: bytes = b"", start: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"%b\r\n%bContent-Length: %d\r\n\r\n%b" % (start, extra, len(body), body)


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


class ScriptedServer:
    """One list of steps per connection, in order of arrival; the last list serves all further ones.

    A step is bytes to send (after a complete request, for the first of each `reply`), CLOSE, RESET, HOLD (do nothing
    until the other side closes) or an asyncio.Event to wait for. "request" waits for the next request.
    """

    def __init__(
        self, script: list[Sequence[object]], *, host: str = "127.0.0.1", ssl: object = None
    ) -> None:
        self.script = script
        self.host = host
        self.ssl = ssl
        self.connections = 0
        self.requests: list[bytes] = []
        self.asked: list[int] = []
        """The number of the connection that each request came in on, from 1."""
        self.tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._run, self.host, 0, ssl=self.ssl)  # type: ignore[arg-type]
        self.port: int = self.server.sockets[0].getsockname()[1]

    async def heard_of(self, requests: int) -> None:
        """So many requests have come in."""
        await until(lambda: len(self.requests) >= requests)

    async def stop(self) -> None:
        self.server.close()
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def origin(self, **changes: object) -> Origin:
        facts: dict[str, object] = {"scheme": "http", "host": self.host, "port": self.port, "private": True}
        return Origin(**{**facts, **changes})  # type: ignore[arg-type]

    async def _run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        number = self.connections + 1
        steps = self.script[min(self.connections, len(self.script) - 1)]
        self.connections += 1
        try:
            for step in steps:
                if step == "request":
                    await self._request(reader)
                    self.asked.append(number)
                elif isinstance(step, bytes):
                    writer.write(step)
                    await writer.drain()
                elif isinstance(step, asyncio.Event):
                    await step.wait()
                elif step == HOLD:
                    await reader.read()
                elif step == RESET:
                    writer.transport.abort()
                    return
                elif step == CLOSE:
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            self.tasks.discard(task)
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        self.requests.append(head + await reader.readexactly(length))


async def until(true: Callable[[], object]) -> None:
    """Let the loop run until something is so; a second without it fails the test."""
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not happen")


async def settled(upstream: HttpUpstream, **counts: int) -> None:
    """Wait until the only pool has these counts."""

    def so() -> bool:
        stats = upstream.stats()
        return bool(stats) and all(getattr(stats[0], name) == count for name, count in counts.items())

    await until(so)


class Timeline:
    """Timers that run when told."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.queue: list[tuple[float, int, Callable[[], object]]] = []
        self.cancelled: set[int] = set()
        self.count = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object], /) -> Entry:
        self.count += 1
        heapq.heappush(self.queue, (when, self.count, callback))
        return Entry(self, self.count)

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while self.queue and self.queue[0][0] <= until:
            when, number, callback = heapq.heappop(self.queue)
            self.now = max(self.now, when)
            if number not in self.cancelled:
                callback()
        self.now = until


class Entry:
    def __init__(self, timeline: Timeline, number: int) -> None:
        self.timeline = timeline
        self.number = number

    def cancel(self) -> None:
        self.timeline.cancelled.add(self.number)


class FakeTransport(asyncio.Transport):
    """Remembers what was written and asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.buffered = 0
        self.reading = True
        self.pauses = 0
        self.aborted = False

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.written += data

    def writelines(self, pieces: Sequence[bytes]) -> None:  # type: ignore[override]
        self.written += b"".join(pieces)

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def pause_reading(self) -> None:
        self.reading = False
        self.pauses += 1

    def resume_reading(self) -> None:
        self.reading = True

    def abort(self) -> None:
        self.aborted = True


class Lane:
    """A connection on a fake transport, with its owner."""

    def __init__(self, limits: Limits = STANDARD, timeline: Timeline | None = None) -> None:
        self.timeline = timeline or Timeline()
        self.given_back = 0
        self.gone = 0
        self.transport = FakeTransport()
        self.connection = Connection(asyncio.get_running_loop(), self.timeline, limits, self)
        self.connection.connection_made(self.transport)

    def give_back(self, connection: Connection) -> None:
        self.given_back += 1

    def lost(self, connection: Connection) -> None:
        self.gone += 1

    async def ask(
        self, *, stream: bool = False, deadlines: Deadlines = USUAL, body: bytes = BODY
    ) -> asyncio.Task[WholeAnswer | None]:
        """A request under way: its task has run up to the wait for the answer."""
        asked = self.connection.ask(HEAD, body, deadlines, self.timeline.time(), stream)
        task = asyncio.get_running_loop().create_task(asked)
        await asyncio.sleep(0)
        return task
