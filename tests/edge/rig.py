"""A gateway edge with a scripted pipeline, on a real server or called in process."""

from __future__ import annotations

import asyncio
import io
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import msgspec

from waypost.config.snapshot import Settings
from waypost.core.key import Key
from waypost.dialects.dialect import Dialect, Entry
from waypost.edge.app import Edge
from waypost.edge.server import Listening, Server, serve
from waypost.errors import GatewayError
from waypost.pipeline.exchange import Call
from waypost.telemetry.logs import Log

JSON = (b"content-type", b"application/json")
Script = Callable[[Call], Awaitable[None]]


class PlainDialect:
    """Only what the edge asks of a dialect."""

    def __init__(self, path: str, operation: str) -> None:
        self.name = f"test_{operation}"
        self.operation = operation
        self.family = self.name
        self.entries = (Entry(path),)

    def render_error(self, error: GatewayError) -> bytes:
        return msgspec.json.encode(
            {"dialect": self.name, "error": {"message": error.message, "code": error.code}}
        )


class StepClock:
    def __init__(self) -> None:
        self.now = 100.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


class ScriptedPipeline:
    """Runs a script per call and remembers the calls."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.script: Script = echo
        self.aborted = asyncio.Event()
        self.ended = 0
        self.refusal: GatewayError | None = None
        self.keys: dict[bytes, Key] = {}

    def known(self, presented: bytes | None) -> Key | None:
        return self.keys.get(presented or b"")

    async def check_key(self, presented: bytes | None) -> None:
        if self.refusal is not None:
            raise self.refusal

    async def run(self, call: Call) -> None:
        self.calls.append(call)
        try:
            await self.script(call)
        finally:
            self.ended += 1

    def abort_all(self) -> None:
        self.aborted.set()


async def echo(call: Call) -> None:
    await call.client.reply(200, [JSON], call.body)


class OpenGate:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.draining = False
        self.missing: list[str] = []

    def ready(self) -> list[str]:
        return self.missing


async def list_models(key: bytes | None, gemini: bool) -> bytes:
    return b'{"object":"list","data":[{"id":"fast"},{"id":"openai/gpt-5","x":1}]}'


class Rig:
    def __init__(self, **settings: Any) -> None:
        self.pipeline = ScriptedPipeline()
        self.gate = OpenGate(Settings(**settings))
        self.log = io.StringIO()
        numbers = itertools.count(1)
        paths = {"/chat/completions": "chat", "/completions": "completions", "/embeddings": "embeddings"}
        self.edge = Edge(
            pipeline=self.pipeline,
            dialects=[cast(Dialect, PlainDialect(path, operation)) for path, operation in paths.items()],
            gate=self.gate,
            models=list_models,
            metrics=lambda: b"waypost_up 1\n",
            new_id=lambda: f"req_{next(numbers)}",
            clock=StepClock(),
            log=Log(self.log, lambda: 0.0),
            version="1.2.3",
        )
        self.port = 0
        self.server: Server | None = None
        self._sockets: list[Socket] = []

    @asynccontextmanager
    async def serving(self, **listening: Any) -> AsyncIterator[Rig]:
        started: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def on_started(server: Server, _: str, port: int) -> None:
            self.server = server
            started.set_result(port)

        options = Listening(**{"port": 0, "signals": False, **listening})
        self.task = asyncio.create_task(serve(self.edge, options, on_started=on_started))
        done, _ = await asyncio.wait((self.task, started), return_when=asyncio.FIRST_COMPLETED)
        if self.task in done:
            self.task.result()
        self.port = started.result()
        assert self.server is not None
        try:
            yield self
        finally:
            for client in self._sockets:
                await client.close()
            self.server.stop()
            self.server.stop()
            await self.task

    async def connect(self) -> Socket:
        client = Socket(*await asyncio.open_connection("127.0.0.1", self.port))
        self._sockets.append(client)
        return client


class Answer(msgspec.Struct):
    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Socket:
    """A raw client connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def rest(self) -> bytes:
        """Everything until the server closes; a reset counts as closing."""
        got = b""
        try:
            while piece := await self.reader.read(65536):
                got += piece
        except ConnectionResetError:
            pass
        return got

    async def answer(self, *, bodiless: bool = False) -> Answer:
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
        headers = dict(cast("tuple[bytes, bytes]", tuple(line.split(b": ", 1))) for line in lines)
        body = b""
        if not bodiless and b"content-length" in headers:
            body = await self.reader.readexactly(int(headers[b"content-length"]))
        return Answer(int(first.split(b" ")[1]), headers, body)

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


def post(body: bytes, path: str = "/v1/chat/completions", extra: bytes = b"") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n".encode()
        + extra
        + b"Content-Length: %d\r\n\r\n" % len(body)
        + body
    )


def get(path: str, extra: bytes = b"", method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: gateway\r\n".encode() + extra + b"\r\n"


async def until(true: Callable[[], bool]) -> None:
    """Yield to the loop until something has happened; the test's own timeout ends it otherwise."""
    while not true():  # noqa: ASYNC110 - what is waited for sets no event
        await asyncio.sleep(0.005)
