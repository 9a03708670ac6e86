"""One connection to a Valkey or Redis server that many ask over at once.

Commands are written when they are asked, and answers come in the same order, so each belongs to the asker that has
waited longest. Who stops waiting keeps its place there, and its answer goes to nobody: an answer can not be taken for
another one's, which is what CVE-2023-28858 and CVE-2023-28859 were about. With the first thing that is not as it should
be, the connection is closed for good.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import Final, cast

from waypost.config.shared_store import SharedStore
from waypost.errors import StoreUnavailable
from waypost.stores.valkey.identity import password_of, secured
from waypost.stores.valkey.limit_script import render

Reply = bytes | int | StoreUnavailable | None
"""A refusal is an answer as well."""
Answered = Callable[[Reply], None]

#: An answer that is longer is none of those that are asked for here.
_ANSWER_MOST: Final = 1 << 20
#: Who does not answer so many is given up.
_WAITING_MOST: Final = 100_000
_REASONS: Final = (
    (b"-NOSCRIPT", "it has forgotten the script"),
    (b"-LOADING", "it is still loading its data"),
    (b"-NOAUTH", "it wants a password or a user, or another one than it was given"),
    (b"-WRONGPASS", "it wants a password or a user, or another one than it was given"),
    (b"-ERR AUTH", "it wants a password or a user, or another one than it was given"),
    (b"-NOPERM", "its user may not do what docs/limits.md lists"),
    (b"-MOVED", "it is part of a cluster, which is not supported"),
    (b"-READONLY", "it is a replica that takes no changes"),
    (b"-OOM", "its memory is full"),
    (b"-BUSY", "it does not answer in time"),
)
_GONE: Final = "no connection, or it was closed"
_FOREIGN: Final = "it speaks another protocol"


class Pipe(asyncio.Protocol):
    """See above. `ended` is called once, with the reason."""

    def __init__(self, ended: Callable[[StoreUnavailable], None]) -> None:
        self._ended = ended
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[Answered] = deque()
        self._buffer = b""

    @property
    def waiting(self) -> int:
        """Answers that are still to come."""
        return len(self._waiting)

    def call(self, command: bytes, answered: Answered) -> None:
        """Ask. `answered` is called once, later: with the answer, or with why there is none."""
        if self._transport is None or len(self._waiting) >= _WAITING_MOST:
            self.fail("it does not answer in time" if self._waiting else _GONE)
            answered(StoreUnavailable(_GONE))
            return
        self._waiting.append(answered)
        self._transport.write(command)

    async def ask(self, *words: bytes) -> Reply:
        """One command, awaited. Raises StoreUnavailable for a refusal, too."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.call(render(*words), lambda reply: None if future.done() else future.set_result(reply))
        reply = await future
        if isinstance(reply, StoreUnavailable):
            raise reply
        return reply

    def close(self) -> None:
        """Close once everything is written; nobody gets an answer."""
        if self._transport is not None:
            self._transport.close()
        self.fail(_GONE)

    def fail(self, reason: str) -> None:
        """Close at once; everybody who waits is told why."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        if not transport.is_closing():
            transport.abort()
        error = StoreUnavailable(reason)
        waiting, self._waiting = self._waiting, deque()
        self._ended(error)
        for answered in waiting:
            answered(error)

    # --- asyncio's side -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        """It is gone."""
        self.fail(_GONE)

    def data_received(self, data: bytes) -> None:
        """Answers, whole or in pieces."""
        buffer, at = self._buffer + data if self._buffer else data, 0
        while at < len(buffer) and self._transport is not None:
            read = _read(buffer, at)
            if read is None:
                if len(buffer) - at > _ANSWER_MOST:
                    self.fail(_FOREIGN)
                break
            reply, at = read
            if at < 0 or not self._waiting:
                self.fail(_FOREIGN)
                break
            self._waiting.popleft()(reply)
        self._buffer = buffer[at:] if at > 0 else buffer


def _read(buffer: bytes, at: int) -> tuple[Reply, int] | None:
    """The answer that begins here, and where it ends; None while it is not whole, an end of -1 for what is none."""
    line_end = buffer.find(b"\r\n", at)
    if line_end < 0:
        return None
    kind, rest, end = buffer[at], buffer[at + 1 : line_end], line_end + 2
    if kind == 0x2D:  # -
        return StoreUnavailable(_reason(buffer[at:line_end])), end
    if kind == 0x2B:  # +
        return rest, end
    if kind not in b"$:":
        return None, -1
    try:
        number = int(rest)
    except ValueError:
        return None, -1
    if kind == 0x3A:  # :
        return number, end
    if number < 0:
        return None, end
    if number > _ANSWER_MOST:
        return None, -1
    if len(buffer) < end + number + 2:
        return None
    return buffer[end : end + number], end + number + 2


def _reason(line: bytes) -> str:
    return next((said for start, said in _REASONS if line.startswith(start)), "it refuses what it was asked")


async def open_pipe(
    store: SharedStore, ended: Callable[[StoreUnavailable], None], patience_s: float = 2.0
) -> Pipe:
    """Connect, prove who we are, choose the database. Raises StoreUnavailable."""
    password = await password_of(store)
    made: Pipe | None = None
    try:
        async with asyncio.timeout(patience_s):
            _, made = await asyncio.get_running_loop().create_connection(
                lambda: Pipe(ended), store.host, store.port, ssl=secured(store)
            )
            if password is not None:
                user = () if store.username is None else (store.username.encode(),)
                await made.ask(b"AUTH", *user, password.encode())
            if store.database:
                await made.ask(b"SELECT", b"%d" % store.database)
            return made
    except ssl.SSLError:
        error = "no trust: its certificate was refused, or it does not speak TLS"
    except TimeoutError:
        error = "it does not answer in time"
    except (OSError, UnicodeError):
        error = _GONE
    except BaseException:
        if made is not None:
            made.fail(_GONE)
        raise
    if made is not None:
        made.fail(error)
    raise StoreUnavailable(error)
