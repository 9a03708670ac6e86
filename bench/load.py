"""The load generator, a process of its own: `python -m bench.load '<Plan as JSON>'` prints one JSON object.

Modes: `closed` keeps every connection busy; `open` sends at a fixed rate whether or not answers have come, so that a
slow gateway is not asked less often; `streams` keeps a number of streamed answers running and counts their events.
The processor time and the memory of the measured processes are read at both ends of the window, from in here, so
that the figures and the counts are of exactly the same time.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections import Counter, deque
from time import perf_counter, perf_counter_ns
from typing import Literal

import msgspec
import uvloop

from bench.histogram import Histogram
from bench.usage import cpu_s, rss_mb
from bench.wire import Connection, render_request


class Plan(msgspec.Struct, frozen=True):
    """What to send where, and how."""

    mode: Literal["closed", "open", "streams"]
    port: int
    path: str
    body: str
    headers: list[dict[str, str]] = msgspec.field(default_factory=lambda: [{}])
    """One request is made of each; they are sent in turn, so that a run can use many keys."""
    host: str = "127.0.0.1"
    connections: int = 32
    rate: float = 1000.0
    warm_up_s: float = 0.5
    seconds: float = 3.0
    pids: list[int] = msgspec.field(default_factory=list)
    """The measured processes."""
    tick_s: float = 0.0005
    """Open mode: how often what is due is sent. uvloop's timers are whole milliseconds: below one, the generator never
    sleeps, and takes a processor for itself."""


class Result(msgspec.Struct, frozen=True):
    """What happened in the window."""

    seconds: float
    requests: int
    errors: int
    statuses: dict[str, int]
    latency_us: dict[str, float]
    """From the request's bytes written to the answer's last byte; streams: to its first byte."""
    latency_by_status_us: dict[str, dict[str, float]]
    """The same, apart for each status."""
    late_us: dict[str, float]
    """Open mode: how much later than planned requests were sent. Far below the latencies, or the run is void."""
    events: int
    streams_at_end: int
    cpu_s: float
    rss_mb: float


class Load:
    """One run of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._requests = [
            render_request(plan.host, plan.port, plan.path, headers, plan.body.encode())
            for headers in plan.headers
        ]
        self._turn = 0
        self._connections: set[Connection] = set()
        self._idle: deque[Connection] = deque()
        self._openers: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._next_ns = 0
        self._ended_events = 0
        self._reset()

    def _reset(self) -> None:
        self._latency = Histogram()
        self._late = Histogram()
        self._by_status: dict[int, Histogram] = {}
        self._statuses: Counter[str] = Counter()
        self._errors = 0

    async def run(self) -> Result:
        """Warm up, measure for the planned time, close everything."""
        plan = self._plan
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(self._open() for _ in range(plan.connections)))
        if plan.mode == "open":
            self._next_ns = perf_counter_ns()
            loop.call_soon(self._tick)
        else:
            for number, connection in enumerate(list(self._connections)):
                # Streams start one after another, as they do in life: else all their events come at the same moment.
                loop.call_later(
                    plan.warm_up_s * 0.8 * number / plan.connections if plan.mode == "streams" else 0.0,
                    self._send,
                    connection,
                )
        await asyncio.sleep(plan.warm_up_s)
        self._reset()
        events, cpu, began = self._events(), cpu_s(plan.pids), perf_counter()
        await asyncio.sleep(plan.seconds)
        seconds, cpu, events = perf_counter() - began, cpu_s(plan.pids) - cpu, self._events() - events
        result = Result(
            seconds=seconds,
            requests=self._latency.total,
            errors=self._errors,
            statuses=dict(self._statuses),
            latency_us=self._latency.summary_us(),
            latency_by_status_us={
                str(status): times.summary_us() for status, times in self._by_status.items()
            },
            late_us=self._late.summary_us(),
            events=events,
            streams_at_end=sum(connection.answering for connection in self._connections),
            cpu_s=cpu,
            rss_mb=rss_mb(plan.pids),
        )
        self._stopping = True
        for connection in list(self._connections):
            connection.close()
        return result

    def _events(self) -> int:
        return self._ended_events + sum(connection.events for connection in self._connections)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(self._done, self._lost), self._plan.host, self._plan.port
        )
        self._connections.add(connection)
        self._idle.append(connection)

    def _send(self, connection: Connection) -> None:
        if not self._stopping and connection in self._connections:
            self._turn = (self._turn + 1) % len(self._requests)
            connection.send(self._requests[self._turn])

    def _tick(self) -> None:
        """Send all that is due; answers call this too."""
        if self._stopping:
            return
        self._send_due()
        asyncio.get_running_loop().call_later(self._plan.tick_s, self._tick)

    def _send_due(self) -> None:
        step = int(1e9 / self._plan.rate)
        while (now := perf_counter_ns()) >= self._next_ns:
            if not self._idle:
                self._open_more()
                return
            self._late.record(now - self._next_ns)
            self._next_ns += step
            self._send(self._idle.popleft())

    def _open_more(self) -> None:
        if not self._openers and len(self._connections) < 1024:
            opener = asyncio.get_running_loop().create_task(self._open())
            self._openers.add(opener)
            opener.add_done_callback(self._openers.discard)

    def _done(self, connection: Connection) -> None:
        streaming = self._plan.mode == "streams"
        end_ns = connection.first_ns if streaming else connection.done_ns
        self._latency.record(end_ns - connection.sent_ns)
        by_status = self._by_status.get(connection.status)
        if by_status is None:
            by_status = self._by_status[connection.status] = Histogram()
        by_status.record(end_ns - connection.sent_ns)
        self._statuses[str(connection.status)] += 1
        self._errors += connection.status != 200
        if self._plan.mode == "open":
            self._idle.append(connection)
            self._send_due()
        else:
            self._send(connection)

    def _lost(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._ended_events += connection.events
        if connection in self._idle:
            self._idle.remove(connection)
        if not self._stopping:
            self._errors += 1
            self._statuses["lost"] += 1


def main(argument: str) -> None:
    """Run the plan given as JSON and print its Result as JSON."""
    plan = msgspec.json.decode(argument, type=Plan)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(Load(plan).run())
    sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])
