"""The directory in memory, kept true: it is loaded at the start, and follows what any process changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Final, Protocol, TypeVar

from waypost.core.deed import Deed
from waypost.core.objects import TYPES, Change, Kind, Object
from waypost.errors import StoreUnavailable
from waypost.policy.directory import Directory
from waypost.ports import Objects

T = TypeVar("T")

WEEK_S: Final = 7 * 86_400.0


class KeptObjects(Objects, Protocol):
    """The durable directory, with the end of what it remembers of deletions."""

    def forgotten(self) -> int:
        """The last version at which something was deleted that `changed` does not tell of any more."""
        ...

    def forget_deleted(self, before: float) -> int:
        """Forget a slice of what was deleted before a moment; call again until it returns 0."""
        ...


class LiveDirectory:
    """Owns `directory`, on the event loop's thread. Reads and writes of the database happen on threads of their own."""

    def __init__(self, rows: KeptObjects, directory: Directory | None = None) -> None:
        """`directory`: an empty one that others have in their hands already."""
        self.directory: Final = Directory() if directory is None else directory
        self._rows = rows
        #: Done whenever something was taken in, before it is told that it was.
        self.then: Callable[[], Awaitable[None]] | None = None
        self._watching = ThreadPoolExecutor(1, "waypost-directory-watch")
        #: Its own, so that a long change does not hold up what others changed.
        self._writing = ThreadPoolExecutor(1, "waypost-directory")

    async def put(self, found: Object, *, revision: int | None = None, by: Deed | None = None) -> Object:
        """See `ports.Objects`. What was written is in force here when it returns."""
        return await self.change(partial(self._of(by).put, found, revision=revision))

    async def delete(
        self, kind: Kind, object_id: str, *, revision: int | None = None, by: Deed | None = None
    ) -> bool:
        """See `ports.Objects`. What was deleted is not in force here any more when it returns."""
        return await self.change(partial(self._of(by).delete, kind, object_id, revision=revision))

    def _of(self, by: Deed | None) -> Objects:
        return self._rows if by is None else self._rows.by(by)

    async def change(self, work: Callable[[], T]) -> T:
        """Run blocking work that changes the directory, then take in what it did."""
        done = await self._in(self._writing, work)
        with suppress(StoreUnavailable):  # it is written, and the next round takes it in
            await self.refresh()
        return done

    async def refresh(self) -> bool:
        """Take in what any process has changed; True when something was. Raises StoreUnavailable."""
        since = self.directory.version
        changes, version, whole = await self._in(self._watching, partial(self._read, since))
        overtaken = self.directory.version != since and version <= self.directory.version
        if version == since or overtaken:
            return False
        gone = self._vanished(changes) if whole else []
        self.directory.apply([*gone, *changes], version)
        if self.then is not None:
            await self.then()
        return True

    async def watch(
        self, interval_s: float = 0.5, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """`refresh` for ever, until cancelled. While the database does not answer, what is in memory goes on."""
        while True:
            with suppress(StoreUnavailable):  # the next round asks again; the ledger's `ready` tells of it
                await self.refresh()
            await sleep(interval_s)

    async def tidy(self, at: float) -> None:
        """Forget what was deleted longer than a week before Unix time `at`. Raises StoreUnavailable."""
        while await self._in(self._writing, partial(self._rows.forget_deleted, at - WEEK_S)):
            pass

    def close(self) -> None:
        """End the threads."""
        self._watching.shutdown()
        self._writing.shutdown()

    def _read(self, since: int) -> tuple[Sequence[Change], int, bool]:
        """What was changed; or everything, where some of what was changed is forgotten, or the database was put back to
        an earlier state."""
        changes, version = self._rows.changed(since)
        if version == since:
            return changes, version, False
        # Asked afterwards: what is forgotten between the two only makes it begin anew without need.
        if version > since and not 0 < since < self._rows.forgotten():
            return changes, version, False
        return *self._rows.changed(0), True

    def _vanished(self, changes: Sequence[Change]) -> list[Change]:
        """Deletions of everything that is in memory and not in the whole of the durable directory."""
        there = {(change.kind, change.object.id) for change in changes}
        return [
            Change(kind, found, deleted=True)
            for kind, shape in TYPES.items()
            for found in self.directory.all(shape)
            if (kind, found.id) not in there
        ]

    async def _in(self, threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, call)
