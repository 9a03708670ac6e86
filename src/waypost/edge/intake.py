"""From parser callbacks to a request that is ready to be answered: what uvicorn's own protocol does, in fewer steps.

Overrides the callbacks of uvicorn 0.54 that build a request; `tests/edge/test_protocol_contract.py`
fails when an update of uvicorn changes what this relies on.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn import Config
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from waypost.edge.connection import CONNECTION, TABLE
from waypost.edge.turnstile import Turnstile
from waypost.errors import GatewayError, InvalidRequest


class EdgeConfig(Config):
    """uvicorn's configuration, carrying what the protocol needs."""

    connections_max: int = 16384
    turnstile: Turnstile | None = None


class Arrival:
    """What uvicorn uses of an `asyncio.Event`, for one waiter: nearly every body is there before anyone waits."""

    _there = False
    _waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Let the waiter go on; whoever waits later does not wait."""
        self._there = True
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def clear(self) -> None:
        """Whoever waits from now on waits for the next `set`."""
        self._there = False

    async def wait(self) -> None:
        """Wait until it is set."""
        while not self._there:
            waiter = self._waiter = asyncio.get_running_loop().create_future()
            await waiter


async def _nothing(_scope: object, _receive: object, _send: object) -> None:
    """An application that answers nothing: run after ours, uvicorn sees itself that the answer is not complete."""


def _raising(error: BaseException) -> ASGI3Application:
    """An application that fails: run after ours did, uvicorn sees to what was begun."""

    async def app(_scope: object, _receive: object, _send: object) -> None:
        raise error

    return app


def _nobody() -> None:
    """Nobody is told any more."""


class Intake(HttpToolsProtocol):
    """The half of a client connection that takes requests in."""

    # uvicorn's own attributes are as many as an instance can hold without a dictionary of its own, which would be two
    # kilobytes per connection, and slower: ours are slots.
    __slots__ = ("_next", "_running", "_target", "_target_parts", "_worker")

    def __init__(
        self,
        config: EdgeConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        #: The last target on this connection, and what of it goes into the scope: clients mostly repeat themselves.
        self._target = b""
        self._target_parts: tuple[str, bytes, bytes] = ("", b"", b"")
        #: The request under way; None between requests.
        self._running: RequestResponseCycle | None = None
        #: Answers this connection's requests, one after the other; while it has nothing to do it waits for `_next`.
        self._worker: asyncio.Task[None] | None = None
        self._next: asyncio.Future[RequestResponseCycle | None] | None = None

    def take_body(self) -> bytes | None:
        # What uvicorn's `receive` does for a body that is there, and that no `100 Continue` is owed for.
        cycle = self._running
        if (
            cycle is None
            or cycle.more_body
            or cycle.disconnected
            or cycle.response_complete
            or cycle.waiting_for_100_continue
        ):
            return None
        body = bytes(cycle.body)
        cycle.body = bytearray()
        cycle.message_event.clear()
        self.flow.resume_reading()
        return body

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()

    def begin(self, version: str, table: dict[bytes, bytes]) -> None:
        """Start to answer the request whose head is complete, or let it wait behind the one that is being answered.

        Raises httptools.HttpParserInvalidURLError for a target that is no path.
        """
        if self.url != self._target:
            self._target_parts = _parts(self.url)
            self._target = self.url
        path, raw_path, query = self._target_parts
        scope: dict[str, object] = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": self.parser.get_method().decode("ascii"),
            "root_path": "",
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self.headers,
            "state": self.app_state.copy(),
            CONNECTION: self,
            TABLE: table,
        }
        self.scope = scope  # type: ignore[assignment]  # uvicorn's type has no room for our keys
        before = self.cycle
        self.cycle = RequestResponseCycle(
            self.scope,
            self.transport,
            self.flow,
            self.logger,
            self.access_logger,
            False,
            self.server_state.default_headers,
            Arrival(),  # type: ignore[arg-type]  # what it uses of an Event is there
            b"expect" in table and table[b"expect"].lower() == b"100-continue",
            version != "1.0" and self.parser.should_keep_alive(),
            self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        waiting, worker = self._next, self._worker
        if waiting is not None and worker is not None and not worker.done():
            self._next = None
            self.tasks.add(worker)
            waiting.set_result(cycle)
            return
        # The first request; or the one before is answered and has something to see to yet.
        worker = self._worker = self.loop.create_task(self._work(cycle, app))
        self.tasks.add(worker)

    async def _work(self, cycle: RequestResponseCycle | None, app: ASGI3Application) -> None:
        """A task for each request would cost more than all that is done to take one in."""
        worker = self._worker
        assert worker is not None  # noqa: S101 - it runs this
        try:
            while cycle is not None:
                try:
                    await app(cycle.scope, cycle.receive, cycle.send)
                except BaseException as error:  # noqa: BLE001 - uvicorn's own logs it, and answers if that can be
                    await cycle.run_asgi(_raising(error))
                else:
                    if not (cycle.response_complete or cycle.disconnected):
                        await cycle.run_asgi(_nothing)
                cycle.on_response = _nobody  # or the request would hold on to the connection, which holds it
                if self._worker is not worker or worker.cancelling() or self.transport.is_closing():
                    return
                self.tasks.discard(worker)
                self._forget(cycle)
                cycle = None
                waiting = self._next = self.loop.create_future()
                cycle = await waiting
        finally:
            self.tasks.discard(worker)

    def _forget(self, cycle: RequestResponseCycle) -> None:
        """Let go of an answered request at once, and not when the next one comes: what it is made of is in the caches
        now, and many connections have none under way."""
        if self._running is cycle and not cycle.more_body:
            self._running = None
            if self.cycle is cycle:
                self.cycle = self.scope = None  # type: ignore[assignment]  # as they are before the first request

    def let_worker_go(self) -> None:
        """There will be no more requests."""
        waiting, self._next = self._next, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)


def _parts(target: bytes) -> tuple[str, bytes, bytes]:
    """Path, raw path and query."""
    parsed = httptools.parse_url(target)
    path = parsed.path.decode("ascii")
    return unquote(path) if "%" in path else path, parsed.path, parsed.query or b""


def refused_by_parser(error: httptools.HttpParserError) -> GatewayError:
    """The parser's own words are about the protocol, never about content, and help whoever writes a client."""
    if isinstance(error, httptools.HttpParserCallbackError):
        return InvalidRequest("The request's target is not a path that can be read.")
    return InvalidRequest(f"This is not an HTTP/1.1 request that can be served: {str(error)[:120]}.")
