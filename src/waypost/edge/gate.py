"""What the edge needs to know of the gateway behind it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from waypost.config.snapshot import Settings
from waypost.core.key import Key
from waypost.pipeline.exchange import Call


class Errand(msgspec.Struct, frozen=True):
    """A request to the gateway itself."""

    purpose: str
    """`explain`, `generation`, `targets`, `drills` or `drill`, or one of the storeroom's."""
    method: str
    key: Key
    """Who was let in by `Desk.admit`, or `Storeroom.admit`."""
    name: str = ""
    """The id in the path."""
    query: bytes = b""
    headers: Mapping[bytes, bytes] = {}
    """Names in lower case."""
    body: bytes = b""
    request_id: str = ""
    address: str = ""
    """The other end of the connection."""


class Gate(Protocol):
    """The gateway's state, as the edge sees and, while draining, sets it."""

    draining: bool
    """Set by the server on SIGTERM: `/readyz` answers 503 from then on."""

    @property
    def settings(self) -> Settings:
        """Of the current snapshot: read anew for every request."""
        ...

    def ready(self) -> list[str]:
        """What keeps new work from being taken; empty when nothing does."""
        ...


class Beside(Protocol):
    """The other processes of this gateway, where there are several."""

    async def missing(self) -> list[str]:
        """What keeps one of them from taking new work; empty when nothing does."""
        ...

    async def metrics(self) -> bytes:
        """The Prometheus text of all of them, this one included."""
        ...


class Pipeline(Protocol):
    """What answers calls."""

    def known(self, presented: bytes | None) -> Key | None:
        """The key, if it is in memory; whether it is still good is not asked."""
        ...

    async def check_key(self, presented: bytes | None) -> None:
        """Raises Unauthenticated for a key that opens nothing, StoreUnavailable when that can not be known."""
        ...

    async def run(self, call: Call) -> None:
        """Answer through `call.client`; raises nothing but CancelledError."""
        ...

    def abort_all(self) -> None:
        """End every call under way with an honest error: the drain limit has passed."""
        ...


class Sessions(Protocol):
    """What answers calls for a WebSocket; their client is a `ports.SocketClient`."""

    async def run(self, call: Call) -> None:
        """Serve a session to its end; raises nothing but CancelledError."""
        ...

    def drain(self) -> None:
        """End each session once nothing is under way on it, with an honest error."""
        ...

    def abort_all(self) -> None:
        """As `Pipeline.abort_all`."""
        ...


class Following(Protocol):
    """The events of an answer, as they come."""

    async def next(self) -> bytes:
        """Those that came since; b"" behind the last one."""
        ...

    def leave(self) -> None:
        """Nobody listens any more: `next` returns b"". Idempotent."""
        ...


class Shelf(Protocol):
    """Kept answers of the Responses dialect."""

    async def answer(
        self, purpose: str, method: str, response_id: str, query: bytes, presented: bytes | None
    ) -> bytes | Following:
        """The JSON body for one of the `response…` purposes of a route, or a stream of events. Raises Unauthenticated,
        NotFound, InvalidRequest and StoreUnavailable."""
        ...


class Desk(Protocol):
    """What tells of the gateway's own work, and takes orders for it."""

    async def admit(self, purpose: str, presented: bytes | None) -> Key:
        """Who asks, before a body is read. Raises Unauthenticated, Forbidden for what only an operator may, and
        StoreUnavailable."""
        ...

    async def answer(self, errand: Errand) -> bytes:
        """The JSON body. Raises GatewayError."""
        ...


class Upload(Protocol):
    """A form with a file that is arriving."""

    async def write(self, data: bytes) -> None:
        """The next piece of the body. Raises InvalidRequest, TooLarge and StoreUnavailable."""
        ...

    async def finish(self) -> bytes:
        """All of it is here: the JSON body of the answer. Raises as `write`."""
        ...

    async def drop(self) -> None:
        """Forget what has arrived; nothing, once it is finished."""
        ...


class Download(msgspec.Struct, frozen=True):
    """A file's content."""

    size: int
    filename: str
    read: Callable[[int], Awaitable[bytes]]
    """The piece that begins at this offset; empty at the end. Raises StoreUnavailable."""


class Storeroom(Protocol):
    """Clients' files, and the batches that are worked off out of them."""

    async def admit(self, presented: bytes | None) -> Key:
        """Who asks, before a body is read. Raises Unauthenticated and StoreUnavailable."""
        ...

    async def receive(self, key: Key, content_type: bytes | None) -> Upload:
        """Begin to take a file. Raises InvalidRequest, NotFound, TooLarge and StoreUnavailable."""
        ...

    async def content(self, key: Key, file_id: str) -> Download:
        """A file's content. Raises NotFound and StoreUnavailable."""
        ...

    async def answer(self, errand: Errand) -> bytes:
        """The JSON body for everything else. Raises GatewayError."""
        ...

    def drain(self) -> None:
        """Begin no new line of any batch."""
        ...
