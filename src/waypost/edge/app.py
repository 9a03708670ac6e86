"""The ASGI application: complete by itself, so that it runs under our own server and under any other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import msgspec

from waypost.config.snapshot import Settings
from waypost.core.asked import PathAsk
from waypost.dialects.dialect import Dialect
from waypost.edge import cors, head, health
from waypost.edge.asgi import Headers, Receive, Scope, Send, address
from waypost.edge.client import EdgeClient
from waypost.edge.connection import CONNECTION, TABLE, Connection
from waypost.edge.control import visit_of
from waypost.edge.credential import read_key, read_query_key
from waypost.edge.following import follow, leaving
from waypost.edge.gate import Beside, Desk, Errand, Gate, Pipeline, Sessions, Shelf, Storeroom
from waypost.edge.listing import pick
from waypost.edge.receive import arrived, check_head, read_body
from waypost.edge.replies import JSON, error_body, error_headers
from waypost.edge.routes import Matched, Routes, allow, check_method
from waypost.edge.socket import EdgeSocket, Handshake, Offered, Upgradable
from waypost.edge.storage import send_content, take_upload
from waypost.edge.turnstile import Turnstile
from waypost.errors import Bug, Disconnected, Draining, Forbidden, GatewayError, NotFound, Overloaded
from waypost.pipeline.exchange import Call
from waypost.pipeline.headers import identity
from waypost.policy.overload import LoadGauge
from waypost.policy.permit import check_network
from waypost.ports import Clock
from waypost.ports.control import ControlApi, Said
from waypost.telemetry.logs import Log

DOCS = "the docs/ folder of the project; `waypost --help` on its machine"
_OWN_SERVER = "WebSockets are spoken here under the gateway's own server only."
_ENDING = "The gateway is shutting down. Ask another replica, or again in a moment."


class _Ask(msgspec.Struct, eq=False):
    """One HTTP request on its way to an answer."""

    scope: Scope
    receive: Receive
    exchange_id: str
    settings: Settings
    connection: Connection | None
    client: EdgeClient
    headers: Mapping[bytes, bytes]
    route: Matched | None = None


class Edge:
    """Routes requests: calls go to the pipeline, the rest is answered here."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        dialects: Iterable[Dialect],
        gate: Gate,
        models: Callable[[bytes | None, bool], Awaitable[bytes]],
        metrics: Callable[[], bytes],
        new_id: Callable[[], str],
        clock: Clock,
        log: Log,
        version: str,
        shelf: Shelf | None = None,
        sessions: Sessions | None = None,
        desk: Desk | None = None,
        load: LoadGauge | None = None,
        storeroom: Storeroom | None = None,
        control: ControlApi | None = None,
        docs: str = DOCS,
        lifespan: Callable[[], AbstractAsyncContextManager[None]] | None = None,
        beside: Beside | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.gate = gate
        #: Set by the server once it no longer takes work (after the drain delay): calls are answered 503.
        self.closed = False
        #: Calls under way, those whose body is still being received included.
        self.active = 0
        #: Why the lifespan's start failed.
        self.failure: GatewayError | None = None
        self._routes = Routes(dialects, None if control is None else control.methods)
        self._control = control
        self._load = load or LoadGauge(gate.settings.concurrency_max)
        self.turnstile: Turnstile | None = Turnstile(self._load, self._routes, pipeline, gate, new_id, clock)
        self._models = models
        self._shelf = shelf
        self._sessions = sessions
        self._desk = desk
        self._storeroom = storeroom
        self._metrics = metrics
        self._new_id = new_id
        self._clock = clock
        self._log = log
        self._version = version
        self._hello = health.hello(version, docs, self._routes)
        self._lifespan_of = lifespan
        self._beside = beside

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        kind = scope["type"]
        if kind == "http":
            return self._http(scope, receive, send)
        return self._lifespan(receive, send) if kind == "lifespan" else self._decline(receive, send)

    async def _decline(self, receive: Receive, send: Send) -> None:
        """Refuse a WebSocket before it is accepted: they need our own server, whose drain and deadlines they keep."""
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": _OWN_SERVER})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as stack:
            await receive()
            try:
                if self._lifespan_of is not None:
                    await stack.enter_async_context(self._lifespan_of())
            except GatewayError as error:
                self.failure = error
                await send({"type": "lifespan.startup.failed", "message": error.message})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        settings = self.gate.settings
        connection: Connection | None = scope.get(CONNECTION)
        client = EdgeClient(send, receive, connection, settings.write_stall_s)
        ask = _Ask(scope, receive, self._new_id(), settings, connection, client, scope.get(TABLE) or {})
        try:
            if connection is None:
                ask.headers = head.table(scope["headers"])
            headers = ask.headers
            if settings.cors_origins:
                client.extra = cors.granted(settings.cors_origins, headers)
            route = ask.route = self._routes.find(scope["path"])
            if scope["method"] not in route.methods:
                await self._other_method(ask, route)
            elif route.dialect is not None:
                received, dialect = self._clock.monotonic(), route.dialect
                key = self._presented(ask, dialect, received)
                self.active += 1
                try:
                    check_head(headers, settings, route.forms)
                    body = None if connection is None else arrived(connection, settings)
                    if body is None:
                        body = await self._receive(ask, key)
                    query: bytes = scope["query_string"]
                    path, peer = route.with_query(query) if query else route.path, scope.get("client")
                    said = (dialect, body, headers, key, ask.exchange_id, received, client, path, None, peer)
                    await self.pipeline.run(Call(*said))
                finally:
                    self.active -= 1
            else:
                await self._own(ask, route)
        except Disconnected:
            return
        except GatewayError as error:
            await self._refuse(ask, error)
        except Exception as error:  # noqa: BLE001 - the last frame: logged with its stack, answered as a Bug
            self._log.fault("a request failed inside the edge", error, exchange_id=ask.exchange_id)
            await self._refuse(
                ask, Bug(f"The gateway failed. Its log has the details under {ask.exchange_id}.")
            )
        finally:
            client.release()

    def _presented(self, ask: _Ask, dialect: Dialect, received: float) -> bytes | None:
        """The key that a call presents. Raises where no call is taken now."""
        if self.closed:
            raise Draining(_ENDING)
        key = read_key(ask.headers)
        if key is None and ask.scope["query_string"] and dialect.family.startswith("gemini"):
            key = read_query_key(ask.scope["query_string"])
        if self.active >= self._load.unquestioned:
            self._question(key, received, ask.connection)
        return key

    async def _receive(self, ask: _Ask, key: bytes | None) -> bytes:
        if _pending(ask):
            # A body too large for one read waits in memory only for somebody who is known.
            await self.pipeline.check_key(key)
        return await read_body(ask.receive, ask.settings, _pending(ask))

    def _question(self, presented: bytes | None, now: float, connection: Connection | None) -> None:
        """There is more to do than usual. Raises Overloaded when this request is not to be taken."""
        let_in = connection is not None and connection.let_in
        if connection is not None:
            connection.let_in = False
        self._load.check(self.pipeline.known(presented), self.active, now, let_in=let_in)

    async def _own(self, ask: _Ask, route: Matched) -> None:
        reply, own = ask.client.reply, identity(ask.exchange_id)
        purpose = route.purpose
        if purpose == "models" or purpose == "model":
            # A Gemini client of another API version than its usual one is known by its own header.
            gemini = route.gemini or b"x-goog-api-client" in ask.headers
            listing = await self._models(await self._let_in(ask), gemini)
            body = listing if route.model is None else pick(listing, route.model)
            await reply(200, [JSON, *own], body)
        elif route.spoken is not None:
            await self._session(ask, route.spoken)
        elif route.response_id:
            await self._kept(ask, route)
        elif route.desk:
            await self._errand(ask, route)
        elif route.stored:
            await self._stored(ask, route)
        elif purpose == "control":
            await self._visit(ask)
        elif purpose == "ready":
            draining, loaded = self.gate.draining, self._load.unready(self._clock.monotonic())
            missing = [*(["draining"] if draining else []), *([loaded] if loaded else []), *self.gate.ready()]
            missing += [] if self._beside is None else await self._beside.missing()
            status, body = health.ready(missing)
            await reply(status, [JSON, *own], body)
        elif purpose == "metrics":
            told = self._metrics() if self._beside is None else await self._beside.metrics()
            await reply(200, [health.METRICS_TYPE, *own], told)
        elif purpose == "hello":
            await reply(200, [JSON, *own], self._hello)
        else:
            await reply(200, [JSON, *own], health.live(self._version))

    def drain(self) -> None:
        """No new work is taken: sessions end as soon as nothing is under way on them."""
        self.closed = True
        if self._sessions is not None:
            self._sessions.drain()
        if self._storeroom is not None:
            self._storeroom.drain()

    def abort_all(self) -> None:
        """The drain limit has passed: end everything with an honest error."""
        self.pipeline.abort_all()
        if self._sessions is not None:
            self._sessions.abort_all()

    async def _session(self, ask: _Ask, dialect: Dialect) -> None:
        received = self._clock.monotonic()
        connection: object = ask.connection
        if self._sessions is None or not isinstance(connection, Upgradable):
            raise NotFound(_OWN_SERVER)
        if self.closed:
            raise Draining(_ENDING)
        handshake, offered = Handshake(ask.headers, ask.scope["http_version"]), Offered(ask.headers)
        key = read_key(ask.headers) or offered.key
        if self.active >= self._load.unquestioned:
            self._question(key, received, None)
        self.active += 1
        try:
            await read_body(ask.receive, ask.settings, True)
            client = EdgeSocket(ask.client, connection, handshake)
            path = PathAsk(query=ask.scope["query_string"])
            headers = offered.complete(ask.headers)
            peer = ask.scope.get("client")
            call = Call(dialect, b"", headers, key, ask.exchange_id, received, client, path, None, peer)
            await self._sessions.run(call)
        finally:
            self.active -= 1

    async def _kept(self, ask: _Ask, route: Matched) -> None:
        if self._shelf is None:
            raise NotFound("Answers are not kept here.")
        method, query = ask.scope["method"], ask.scope["query_string"]
        key = await self._let_in(ask)
        answer = await self._shelf.answer(route.purpose, method, route.response_id, query, key)
        own = identity(ask.exchange_id)
        if isinstance(answer, bytes):
            await ask.client.reply(200, [JSON, *own], answer)
            return
        with leaving(answer):
            self._check_open(ask.settings)
            self.active += 1
            try:
                await follow(ask.client, answer, own)
            finally:
                self.active -= 1

    async def _let_in(self, ask: _Ask) -> bytes | None:
        """The presented key's text. Raises as `check_key`, and Forbidden where it is for other networks."""
        presented = read_key(ask.headers)
        await self.pipeline.check_key(presented)
        key = self.pipeline.known(presented)
        if key is not None:
            check_network(key, address(ask.scope))
        return presented

    async def _visit(self, ask: _Ask) -> None:
        """A request to the control API. It is counted, and never turned away for others' load: it may be a key that
        has to be revoked."""
        if self._control is None:
            raise NotFound("There is no control API here.")
        if self.closed:
            raise Draining(_ENDING)
        self.active += 1
        try:
            visit = visit_of(
                ask.scope, ask.headers, ask.receive, ask.settings, ask.connection, ask.exchange_id
            )
            await self._say(ask, await self._control.answer(visit))
        finally:
            self.active -= 1

    async def _say(self, ask: _Ask, said: Said) -> None:
        if ask.connection is not None and (ask.connection.receiving or self.closed):
            ask.connection.close_after()
        await ask.client.reply(said.status, [*said.headers, *identity(ask.exchange_id)], said.body)

    def _check_open(self, settings: Settings) -> None:
        if self.closed:
            raise Draining(_ENDING)
        if self.active >= settings.concurrency_max:
            raise Overloaded("The gateway has as many requests under way as it may. Ask again in a moment.")

    async def _stored(self, ask: _Ask, route: Matched) -> None:
        room, method = self._storeroom, ask.scope["method"]
        if room is None:
            raise NotFound("Files are not kept here.")
        key = await room.admit(read_key(ask.headers))
        check_network(key, address(ask.scope))
        own = identity(ask.exchange_id)
        if route.purpose == "file_content":
            await send_content(ask.client, await room.content(key, route.name), own)
            return
        body = b""
        if method == "POST":
            self._check_open(ask.settings)
            self.active += 1
            try:
                upload = route.purpose == "files"
                check_head(ask.headers, ask.settings, upload, upload)
                if upload:
                    arriving = await room.receive(key, ask.headers.get(b"content-type"))
                    answer = await take_upload(arriving, ask.receive, ask.settings)
                    await ask.client.reply(200, [JSON, *own], answer)
                    return
                body = await read_body(ask.receive, ask.settings, _pending(ask))
            finally:
                self.active -= 1
        query = ask.scope["query_string"]
        answer = await room.answer(Errand(route.purpose, method, key, route.name, query, ask.headers, body))
        await ask.client.reply(200, [JSON, *own], answer)

    async def _errand(self, ask: _Ask, route: Matched) -> None:
        desk, method = self._desk, ask.scope["method"]
        if desk is None:
            raise NotFound("This gateway does not tell of its own work.")
        key = await desk.admit(route.purpose, read_key(ask.headers))
        peer = address(ask.scope)
        check_network(key, peer)
        body = b""
        if method == "POST":
            check_head(ask.headers, ask.settings, False)
            body = await read_body(ask.receive, ask.settings, _pending(ask))
        said = (ask.scope["query_string"], ask.headers, body, ask.exchange_id, peer or "")
        answer = await desk.answer(Errand(route.purpose, method, key, route.name, *said))
        await ask.client.reply(200, [JSON, *identity(ask.exchange_id)], answer)

    async def _other_method(self, ask: _Ask, route: Matched) -> None:
        origins = ask.settings.cors_origins
        if route.purpose == "control" and not (origins and ask.scope["method"] == "OPTIONS"):
            await self._visit(ask)
            return
        if ask.scope["method"] != "OPTIONS" or not origins:
            check_method(route, ask.scope["method"])
        granted = cors.preflight(origins, ask.headers, route)
        if granted is None:
            raise Forbidden(
                "This origin, or this kind of preflight request, is not allowed by `cors_origins`."
            )
        ask.client.extra = ()
        await ask.client.reply(204, granted, b"")

    async def _refuse(self, ask: _Ask, error: GatewayError) -> None:
        """Answer with an error; a body that is still coming is not waited for, and the connection ends."""
        client, route, connection = ask.client, ask.route, ask.connection
        if client.answered or client.gone:
            return
        if route is not None and route.purpose == "control" and self._control is not None:
            await self._say(ask, self._control.refuse(error, ask.scope["path"], ask.exchange_id))
            return
        if connection is not None and (connection.receiving or self.closed):
            connection.close_after()
        lines: Headers = error_headers(error, ask.exchange_id)
        if route is not None and error.status == 405:
            lines.append((b"allow", allow(route).encode()))
        await client.reply(error.status, lines, error_body(error, None if route is None else route.dialect))


def _pending(ask: _Ask) -> bool:
    """The request's body has not arrived whole, as far as is known."""
    return ask.connection is None or ask.connection.receiving
