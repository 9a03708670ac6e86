"""What the interpreter takes of a request: `python -m bench --path`. One process, false sockets, everything else real.

The gateway is composed as `waypost serve` composes it, with its database, its intents files and its writer process;
only the two transports are false. So the kernel is left out, caches are warm, and the lowest of many batches says what
the code costs, whatever else the machine does meanwhile. Calls are counted in one batch more.
"""

from __future__ import annotations

import asyncio
import gc
import io
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from time import thread_time
from typing import Any
from unittest.mock import patch

import msgspec
from uvicorn.server import ServerState

from bench.gateway import create_key, environment, render_config
from bench.spoken import PAIRS, SPOKEN, Spoken, render_providers
from bench.subject import STATIC_MODEL, Subject
from waypost.app import gateway
from waypost.app.options import Options
from waypost.core.origin import Origin
from waypost.edge.app import Edge
from waypost.edge.intake import EdgeConfig
from waypost.edge.protocol import EdgeProtocol
from waypost.edge.server import Listening, loop_factory
from waypost.upstream.client import HttpUpstream
from waypost.upstream.connection import Connection
from waypost.upstream.pool import Pool

#: A request's way in four pieces, and a chunk of a stream.
PHASES = ("taking in", "to the upstream write", "upstream answer", "to the client write")
CONNECTIONS = 32
#: So that no more than 8 ask one target at once: it is left with as many when its answers are slow for once
#: (`routing/aimd.py`), and nobody has to wait.
MODELS = 4
#: Turns of the loop in which a batch has done all that it can do for now.
_TURNS = 2

_HEAD = (
    "POST {path} HTTP/1.1\r\nhost: 127.0.0.1:4100\r\nauthorization: Bearer {key}\r\n"
    "content-type: application/json\r\nuser-agent: bench\r\naccept: */*\r\ncontent-length: {size}\r\n\r\n"
)
WHOLE = b"HTTP/1.1 200 OK\r\nserver: nginx\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Figure(msgspec.Struct, frozen=True):
    """One way's cost, undisturbed."""

    way: str
    phases: tuple[float, ...]
    """CPU µs of each phase, from the batch with the lowest sum; for a chunk there is one."""
    calls: float
    """Calls of Python functions and of built-in ones."""

    @property
    def total(self) -> float:
        return sum(self.phases)


class _Transport(asyncio.Transport):
    """Takes everything and sends nothing."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 5000), "sockname": ("127.0.0.1", 4100)})
        self.taken: list[bytes] = []

    def write(self, data: Any) -> None:
        self.taken.append(data)

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""

    def pause_reading(self) -> None:
        """Nothing comes by itself."""

    def resume_reading(self) -> None:
        """Nothing comes by itself."""

    def abort(self) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Nothing is open."""


class Upstream(HttpUpstream):
    """Pools of connections that are open already, to nowhere."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.opened: list[tuple[Connection, _Transport]] = []

    def _add_pool(self, origin: Origin) -> Pool:
        pool = super()._add_pool(origin)
        for _ in range(CONNECTIONS):
            connection = Connection(self._loop, self._timers, self._limits, pool)
            transport = _Transport()
            connection.connection_made(transport)
            pool._slots += 1
            pool._live.add(connection)
            connection.used = 1
            pool.give_back(connection)
            self.opened.append((connection, transport))
        return pool


class Rig:
    """The gateway between false sockets, `CONNECTIONS` of them on each side."""

    def __init__(self, edge: Edge, upstream: Upstream, key: str = "") -> None:
        self._upstream = upstream
        self._key = key
        config = EdgeConfig(
            edge, http=EdgeProtocol, ws="none", interface="asgi3", log_config=None, proxy_headers=False
        )
        config.load()
        config.turnstile = edge.turnstile
        state = ServerState()
        state.default_headers = [(b"date", b"Wed, 25 Nov 2026 12:00:00 GMT")]
        self._clients: list[tuple[EdgeProtocol, _Transport]] = []
        for _ in range(CONNECTIONS):
            client, transport = EdgeProtocol(config, state, {}), _Transport()
            client.connection_made(transport)
            self._clients.append((client, transport))

    def requests(self, client: Spoken, target: Spoken, *, stream: bool = False) -> list[bytes]:
        """A request's bytes for each connection; models take turns."""
        names = names_of(target)
        path = client.stream_path if stream else client.path
        asked = [self.request(path.format(model=name), client.ask(name, stream=stream)) for name in names]
        return asked * (CONNECTIONS // MODELS)

    def request(self, path: str, body: str, key: str = "") -> bytes:
        return (_HEAD.format(path=path, key=key or self._key, size=len(body)) + body).encode()

    async def warm_up(self, requests: list[bytes], answer: bytes) -> None:
        """Ask once on one connection, so that the key and its account are in memory, and the pool is open."""
        client, transport = self._clients[0]
        client.data_received(requests[0])
        while not (asked := self._asked()):  # noqa: ASYNC110 - a false socket wakes nobody
            await asyncio.sleep(0.001)
        asked[0][0].data_received(answer)
        asked[0][1].taken.clear()
        await _turns()
        transport.taken.clear()

    async def batch(self, requests: list[bytes], answer: bytes) -> list[float]:
        """CPU seconds of each phase, for one request on each connection; endless ones when a request had to wait for
        the database. Raises RuntimeError when one was not answered."""
        marks = [thread_time()]
        for (client, _), request in zip(self._clients, requests, strict=True):
            client.data_received(request)
        marks.append(thread_time())
        await _turns()
        marks.append(thread_time())
        asked = self._asked()
        at_once = len(asked) == len(requests)
        while len(asked) < len(requests) and not any(transport.taken for _, transport in self._clients):
            await asyncio.sleep(0.001)
            asked = self._asked()
        marks.append(thread_time())
        for connection, _ in asked:
            connection.data_received(answer)
        marks.append(thread_time())
        await _turns()
        marks.append(thread_time())
        for _, transport in asked:
            transport.taken.clear()
        for _, transport in self._clients:
            if not transport.taken or not transport.taken[0].startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f"not answered as it should be: {transport.taken[:2]!r}")
            transport.taken.clear()
        taken = [marks[1] - marks[0], marks[2] - marks[1], marks[4] - marks[3], marks[5] - marks[4]]
        return taken if at_once else [float("inf")] * len(PHASES)

    async def streams(self, requests: list[bytes], target: Spoken) -> list[Connection]:
        """Begin a stream on each connection; returns the upstream's ends."""
        for (client, _), request in zip(self._clients, requests, strict=True):
            client.data_received(request)
        await _turns()
        asked = self._asked()
        first, more, _ = target.events
        for connection, transport in asked:
            transport.taken.clear()
            connection.data_received(_STREAM)
            for data in (first, more, more):
                await _turns()
                connection.data_received(_chunk(data))
        await _turns()
        return [connection for connection, _ in asked]

    async def end(self, streams: Sequence[Connection], target: Spoken) -> None:
        """End the streams as their provider does. Raises RuntimeError when a client got no end."""
        for _, transport in self._clients:
            transport.taken.clear()
        for connection in streams:
            connection.data_received(_chunk(target.events[2]) + b"0\r\n\r\n")
        await _turns()
        for _, transport in self._clients:
            if not b"".join(transport.taken).endswith(b"0\r\n\r\n"):
                raise RuntimeError(f"not ended as it should be: {transport.taken[-2:]!r}")
            transport.taken.clear()

    def close(self) -> None:
        """The upstream's ends are gone: nothing waits for them."""
        for connection, _ in self._upstream.opened:
            connection.connection_lost(None)

    def chunks(self, streams: Sequence[Connection], chunk: bytes) -> float:
        """CPU seconds for one chunk on each stream. Raises RuntimeError when one did not go on at once."""
        for _, transport in self._clients:
            transport.taken.clear()
        began = thread_time()
        for connection in streams:
            connection.data_received(chunk)
        took = thread_time() - began
        if not all(transport.taken for _, transport in self._clients):
            raise RuntimeError("a chunk did not go on")
        return took

    def _asked(self) -> list[tuple[Connection, _Transport]]:
        """The connections upstream that a request was written to."""
        return [each for each in self._upstream.opened if each[1].taken]


def names_of(target: Spoken) -> list[str]:
    """The models that requests to a target's dialect ask for."""
    if target.prefix == SPOKEN["openai_chat"].prefix:
        return [STATIC_MODEL, *(f"{target.prefix}-{number}" for number in range(MODELS - 1))]
    return [f"{target.prefix}-{number}" for number in range(MODELS)]


async def _turns() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def _whole(rig: Rig, way: str, client: Spoken, target: Spoken, batches: int) -> Figure:
    requests, answer = rig.requests(client, target), WHOLE % len(target.answer) + target.answer
    await rig.warm_up(requests, answer)
    lowest = [float("inf")] * len(PHASES)
    for _ in range(batches):
        lowest = min(lowest, await rig.batch(requests, answer), key=sum)
    with _Calls() as counted:
        await rig.batch(requests, answer)
    phases = tuple(seconds / CONNECTIONS * 1e6 for seconds in lowest)
    return Figure(way, phases, counted.calls / CONNECTIONS)


async def _streamed(rig: Rig, way: str, client: Spoken, target: Spoken, batches: int) -> Figure:
    streams = await rig.streams(rig.requests(client, target, stream=True), target)
    chunk = _chunk(target.events[1])
    lowest = min(rig.chunks(streams, chunk) for _ in range(batches))
    with _Calls() as counted:
        rig.chunks(streams, chunk)
    await rig.end(streams, target)
    return Figure(way, (lowest / CONNECTIONS * 1e6,), counted.calls / CONNECTIONS)


class _Calls:
    """Counts calls while it is entered."""

    def __init__(self) -> None:
        self.calls = 0

    def __enter__(self) -> _Calls:
        sys.setprofile(self._see)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _see(self, _frame: object, event: str, _argument: object) -> None:
        self.calls += event in ("call", "c_call")


async def _measure(edge: Edge, upstream: Upstream, key: str, batches: int) -> list[Figure]:
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # as the gateway has it
    rig = Rig(edge, upstream, key)
    try:
        return await _figures(rig, batches)
    finally:
        rig.close()
        await _turns()


async def _figures(rig: Rig, batches: int) -> list[Figure]:
    chat = SPOKEN["openai_chat"]
    pairs = [(f"{client} → {target}", SPOKEN[client], SPOKEN[target]) for client, target in PAIRS]
    return [
        await _whole(rig, "same dialect", chat, chat, batches),
        *[await _whole(rig, *pair, batches) for pair in pairs],
        await _streamed(rig, "chunk", chat, chat, batches),
        *[await _streamed(rig, f"chunk, {way}", client, target, batches) for way, client, target in pairs],
    ]


Measured = Callable[[Edge, Upstream], Coroutine[None, None, None]]


async def composed(data: Path, config: Path, where: Mapping[str, str], measured: Measured) -> None:
    made: list[Upstream] = []

    def upstream(loop: asyncio.AbstractEventLoop, _: object) -> Upstream:
        made.append(Upstream(loop))
        return made[-1]

    async def serving(edge: Edge, _listening: Listening, **_: object) -> None:
        await measured(edge, made[0])

    options = Options(data=data, config=config, environ={**environment(), **where})
    with patch.object(gateway, "HttpUpstream", upstream), patch.object(gateway, "serve_edge", serving):
        await gateway.run_gateway(options, lambda _: None, io.StringIO())


def _config() -> str:
    """The bench's configuration, with providers of the other dialects."""
    text = render_config(Subject("nowhere", 9, [], stream_port=9), MODELS)
    providers, models = render_providers(MODELS)
    return text.replace("models:\n", f"{providers}models:\n{models}", 1)


def measure(batches: int = 400) -> list[Figure]:
    """Compose a gateway in a folder of its own, and measure."""
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        data, config = Path(folder) / "data", Path(folder) / "waypost.yaml"
        config.write_text(_config(), "utf-8")
        key, told = create_key(data, "bench"), list[Figure]()

        async def measured(edge: Edge, upstream: Upstream) -> None:
            told.extend(await _measure(edge, upstream, key, batches))

        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(composed(data, config, {}, measured))
        return told


def table(figures: Sequence[Figure]) -> str:
    """Markdown: a row per way."""
    lines = [["CPU µs", *PHASES, "all", "calls"], ["---", *["---:"] * (len(PHASES) + 2)]]
    for figure in figures:
        pieces = [f"{phase:.1f}" for phase in figure.phases] if len(figure.phases) > 1 else [""] * len(PHASES)
        lines.append([figure.way, *pieces, f"{figure.total:.2f}", f"{figure.calls:.0f}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
