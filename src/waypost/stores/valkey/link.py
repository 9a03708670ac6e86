"""Two connections to a Valkey or Redis server: one asks, one listens.

A link is good until its first trouble and is then closed, never mended: the answer to a question whose asker was
cancelled could otherwise be taken for the answer to the next one (CVE-2023-28858, CVE-2023-28859). redis-py 8.1 itself
disconnects when a command/response pair is cancelled at any point (`AbstractConnection.send_packed_command` and
`read_response` catch BaseException), but its pub/sub reads do not; closing here holds for both.

It uses redis-py's connections without its pool, which would try again behind our back. redis-py is loaded with this
module's first link, and only then.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from waypost.config.shared_store import SharedStore
from waypost.errors import StoreUnavailable
from waypost.stores.valkey.identity import password_of
from waypost.stores.valkey.messages import MESSAGE_MOST, channel_of, pattern_of

if TYPE_CHECKING:
    from redis.asyncio.connection import Connection

#: Keys that are read at most, and rounds of SCAN that are made for them.
KEYS_MOST: Final = 10_000
_ROUNDS_MOST: Final = 1000
_SCAN_COUNT: Final = 1000
_AT_ONCE: Final = 200


class Note(msgspec.Struct, frozen=True):
    """A message, and where and until when (Unix seconds) it is kept."""

    key: str
    data: bytes
    until: float

    @property
    def expires_ms(self) -> int:
        return int(self.until * 1000)


class Patience(msgspec.Struct, frozen=True):
    """How long is waited, in seconds."""

    connect_s: float = 2.0
    answer_s: float = 2.0
    quiet_s: float = 5.0
    """Without a message for so long, it is asked whether it is still there."""


class ValkeyLink:
    """Such a pair. Each method raises StoreUnavailable, in our own words, and the link is to be closed."""

    def __init__(
        self, store: SharedStore, asking: Connection, listening: Connection, patience: Patience
    ) -> None:
        self._channel = channel_of(store.namespace)
        self._pattern = pattern_of(store.namespace)
        self._asking = asking
        self._listening = listening
        self._patience = patience

    async def put(self, notes: Sequence[Note]) -> None:
        """Keep and publish each."""
        commands: list[tuple[str | bytes | int, ...]] = []
        for note in notes:
            commands.append(("SET", note.key, note.data, "PXAT", note.expires_ms))
            commands.append(("PUBLISH", self._channel, note.data))
        with _told():
            await self._ask(commands)

    async def keep(self, notes: Sequence[Note]) -> None:
        """Keep each under a key where nothing is kept."""
        with _told():
            await self._ask([("SET", n.key, n.data, "PXAT", n.expires_ms, "NX") for n in notes])

    async def kept(self) -> list[bytes]:
        """Everything that is kept, at most `KEYS_MOST` of them, each cut to a byte more than a message may have."""
        with _told():
            keys = await self._keys()
            commands = [("GETRANGE", key, 0, MESSAGE_MOST) for key in keys]
            values = await self._ask(commands, lenient=True)
        return [value for value in values if isinstance(value, bytes) and value]

    async def ping(self) -> None:
        """Whether it answers."""
        with _told():
            await self._ask([("PING",)])

    async def subscribe(self) -> None:
        """From here on `hear` has what is published."""
        with _told():
            await self._listening.send_command("SUBSCRIBE", self._channel)
            await self._listening.read_response()

    async def hear(self) -> bytes:
        """The next message."""
        with _told():
            while True:
                said = await self._listening.read_response(timeout=self._patience.quiet_s)
                if said is None:
                    await self._listening.send_command("PING")
                    said = await self._listening.read_response(timeout=self._patience.answer_s)
                    if said is None:
                        raise StoreUnavailable("it does not answer in time")
                if isinstance(said, list) and len(said) == 3 and said[0] == b"message":
                    return bytes(said[2])

    async def close(self) -> None:
        """At once, without a goodbye."""
        for connection in (self._asking, self._listening):
            await connection.disconnect(nowait=True)

    async def _keys(self) -> list[bytes]:
        """SCAN may tell a key twice."""
        found: dict[bytes, None] = {}
        cursor: bytes | int = 0
        for _ in range(_ROUNDS_MOST):
            said = (await self._ask([("SCAN", cursor, "MATCH", self._pattern, "COUNT", _SCAN_COUNT)]))[0]
            if not isinstance(said, list) or len(said) != 2:
                raise StoreUnavailable("it speaks another protocol")
            cursor, keys = said
            found.update(dict.fromkeys(keys))
            if cursor == b"0" or len(found) >= KEYS_MOST:
                break
        return list(found)[:KEYS_MOST]

    async def _ask(
        self, commands: Sequence[tuple[str | bytes | int, ...]], *, lenient: bool = False
    ) -> list[object]:
        """The answers, in order. `lenient`: a refusal is an answer, None."""
        from redis.exceptions import ResponseError

        answers: list[object] = []
        for first in range(0, len(commands), _AT_ONCE):
            some = commands[first : first + _AT_ONCE]
            await self._asking.send_packed_command(self._asking.pack_commands(some))
            for _ in some:
                try:
                    answers.append(await self._asking.read_response())
                except ResponseError:
                    if not lenient:
                        raise
                    answers.append(None)
        return answers


async def open_link(store: SharedStore, patience: Patience) -> ValkeyLink:
    """Connect, prove who we are, choose the database. Raises StoreUnavailable."""
    password = await password_of(store)
    asking, listening = (_connection(store, password, patience) for _ in range(2))
    link = ValkeyLink(store, asking, listening, patience)
    try:
        await link.ping()
    except BaseException:
        await link.close()
        raise
    return link


def _connection(store: SharedStore, password: str | None, patience: Patience) -> Connection:
    """One that connects when it is first used."""
    from redis.asyncio.connection import Connection, SSLConnection

    secured = partial(
        SSLConnection,
        ssl_ca_certs=store.ca,
        ssl_certfile=store.cert,
        ssl_keyfile=store.key,
        ssl_min_version=ssl.TLSVersion.TLSv1_2,
    )
    make: Callable[..., Connection] = secured if store.tls else Connection
    return make(
        host=store.host,
        port=store.port,
        db=store.database,
        username=store.username,
        password=password,
        socket_connect_timeout=patience.connect_s,
        socket_timeout=patience.answer_s,
        protocol=2,
        driver_info=None,
    )


async def check_store(store: SharedStore, patience: Patience) -> int:
    """How many changes are in force there, once it has answered everything that a gateway asks of it but a change.
    Raises StoreUnavailable."""
    link = await open_link(store, patience)
    try:
        await link.subscribe()
        return len(await link.kept())
    finally:
        await link.close()


@contextmanager
def _told() -> Iterator[None]:
    """What went wrong, in our own words: theirs hold addresses."""
    from redis import exceptions as known

    try:
        yield
    except (known.RedisError, OSError, ValueError) as error:
        raise StoreUnavailable(_reason(error)) from None


def _reason(error: Exception) -> str:
    from redis import exceptions as known

    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLError):
        return "no trust: its certificate was refused, or it does not speak TLS"
    if isinstance(error, known.BusyLoadingError):
        return "it is still loading its data"
    if isinstance(error, (known.AuthenticationError, known.AuthenticationWrongNumberOfArgsError)):
        return "it wants a password or a user, or another one than it was given"
    if isinstance(error, known.NoPermissionError):
        return "its user may not do this: SET, GETRANGE, SCAN, PUBLISH, SUBSCRIBE and PING are needed"
    if isinstance(error, known.TimeoutError):
        return "it does not answer in time"
    if isinstance(error, known.MovedError):
        return "it is part of a cluster, which is not supported"
    if isinstance(error, known.ReadOnlyError):
        return "it is a replica that takes no changes"
    if isinstance(error, known.OutOfMemoryError):
        return "its memory is full"
    if isinstance(error, known.ResponseError):
        return "it refuses what it was asked"
    if isinstance(error, (known.ConnectionError, OSError)):
        return "no connection, or it was closed"
    return "it speaks another protocol"
