"""A wire in front of a server of the loopback that can be slow, and can speak TLS for a server that has none."""

from __future__ import annotations

import asyncio
import ssl
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

#: https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-FLOW-SSL (2026-11-26)
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


class Forwarder:
    """Use as a context manager. `tls`: how clients are spoken to; `postgres`: they begin as PostgreSQL's do.

    `delay_s` may be changed at any time: how long each piece is held back, each way. `passed` counts the connections
    that got through.
    """

    def __init__(self, port: int, *, tls: ssl.SSLContext | None = None, postgres: bool = False) -> None:
        self._to = port
        self._tls = tls
        self._postgres = postgres
        self.delay_s = 0.0
        self.passed = 0
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._listens = threading.Event()
        self._over: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listens.wait(20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._over is not None
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(20)
        self._loop.close()

    def drop(self) -> None:
        """Close what is open; new connections get through."""
        self._loop.call_soon_threadsafe(self._drop)

    def _drop(self) -> None:
        for each in self._open:
            each.transport.abort()

    async def _run(self) -> None:
        self._over = asyncio.Event()
        tls = None if self._postgres else self._tls
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        self._listens.set()
        await self._over.wait()
        server.close()
        self._drop()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for each in others:
                each.cancel()
            await asyncio.wait(others)  # type: ignore[type-var] # tasks of the loop

    async def _connect(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            try:
                if self._postgres and self._tls is not None:
                    assert await client.readexactly(8) == _SSL_REQUEST
                    to_client.write(b"S")
                    await to_client.start_tls(self._tls)
                server, to_server = await asyncio.open_connection("127.0.0.1", self._to)
            except (OSError, asyncio.IncompleteReadError):
                to_client.transport.abort()
                return
            self.passed += 1
            both = {to_client, to_server}
            self._open |= both
            try:
                await asyncio.gather(self._pass_on(client, to_server), self._pass_on(server, to_client))
            finally:
                self._open -= both
                for each in both:
                    each.transport.abort()

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Until an end; then the other way ends as well. What comes is as late as what came before it, as on a long
        wire: its pieces do not wait for one another."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivering = asyncio.ensure_future(self._deliver(pieces, sink))
        try:
            while data := await source.read(65_536):
                pieces.put_nowait((self._loop.time() + self.delay_s, data))
        finally:
            pieces.put_nowait((0.0, b""))
            await delivering
        raise ConnectionResetError

    async def _deliver(self, pieces: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
        while True:
            due, data = await pieces.get()
            if not data:
                return
            late = due - self._loop.time()
            if late > 0:
                await asyncio.sleep(late)
            sink.write(data)
            await sink.drain()
