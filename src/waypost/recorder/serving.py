"""A small ASGI application under the edge's own protocol and limits, for one person on their own machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import ip_address

import msgspec

from waypost.config.snapshot import Settings
from waypost.edge.asgi import Receive, Scope, Send
from waypost.edge.client import EdgeClient
from waypost.edge.connection import CONNECTION, Connection
from waypost.edge.receive import check_head, read_body
from waypost.edge.replies import JSON, error_body
from waypost.edge.turnstile import Turnstile
from waypost.errors import Bug, ConfigError, Disconnected, Forbidden, GatewayError, MethodNotAllowed
from waypost.recorder.exchange import Asked
from waypost.telemetry.logs import Log

_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE"))
_SETTINGS = Settings(drain_s=5.0)

Answerer = Callable[[Asked, EdgeClient], Awaitable[None]]


class Own:
    """What the server asks of what it serves: nothing here outlives its client."""

    def __init__(self) -> None:
        self.draining = False
        self.settings = _SETTINGS


class Desk:
    """Takes requests whole and hands them on. Refuses what comes from web pages: they could spend the key."""

    def __init__(self, answer: Answerer, log: Log, *, local: bool) -> None:
        self.failure: GatewayError | None = None
        self.turnstile: Turnstile | None = None
        self.gate = Own()
        self._answer = answer
        self._log = log
        self._local = local

    def drain(self) -> None:
        """Nothing here outlives its client."""

    def abort_all(self) -> None:
        """There is nothing to settle: the server cancels what is left."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "WebSockets are not recorded."})
            return
        connection: Connection | None = scope.get(CONNECTION)
        client = EdgeClient(send, receive, connection, _SETTINGS.write_stall_s)
        try:
            asked = await self._read(scope, receive, connection)
            await self._answer(asked, client)
        except Disconnected:
            return
        except GatewayError as error:
            await _refuse(client, error)
        except Exception as error:  # noqa: BLE001 - the last frame: logged with its stack, answered as a Bug
            self._log.fault("a request failed", error)
            await _refuse(client, Bug("The recorder failed. What it prints on standard error says where."))
        finally:
            client.release()

    async def _read(self, scope: Scope, receive: Receive, connection: Connection | None) -> Asked:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        table = dict(headers)
        if scope["method"] not in _METHODS:
            raise MethodNotAllowed(f"{scope['method'][:16]} is not taken here.")
        if b"origin" in table or (self._local and not _is_local(table.get(b"host", b""))):
            raise Forbidden(
                "This port is for programs of this machine: requests of web pages, and those for another host name, "
                "are refused. Use the base URL that was printed."
            )
        check_head(table, _SETTINGS, forms=True)
        body = await read_body(receive, _SETTINGS, connection is None or connection.receiving)
        query: bytes = scope["query_string"]
        target: bytes = scope.get("raw_path") or scope["path"].encode()
        if query:
            target += b"?" + query
        lines = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
        return Asked(scope["method"], target.decode("latin-1"), lines, body)


async def _live(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _refuse(client: EdgeClient, error: GatewayError) -> None:
    if client.answered:
        return
    lines = [JSON, (b"x-should-retry", b"true" if error.repeatable else b"false")]
    await client.reply(error.status, lines, error_body(error))


def is_loopback(host: str) -> bool:
    """Whether an address to listen on reaches no further than this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_host(host: str, allowed: bool) -> None:
    """Raises ConfigError for an address that others can reach, unless that is `allowed`."""
    if not allowed and not is_loopback(host):
        raise ConfigError(
            f"{host} can be reached from other machines, and whoever reaches this port spends the provider's key. "
            "Listen on 127.0.0.1, or say --allow-remote."
        )


def _is_local(host: bytes) -> bool:
    name = host.decode("latin-1")
    bare = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    return is_loopback(bare)


class Told(msgspec.Struct, frozen=True):
    """What became of one exchange, for the person who watches."""

    method: str
    path: str
    status: int
    file: str | None = None
    refused: tuple[str, ...] = ()
    """Why no file was written."""
