"""Files and batches, wired: what the edge asks, what runs beside the requests, and what is tidied away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from waypost.app.batch.desk import BatchDesk
from waypost.app.batch.owner import BatchOwner
from waypost.app.batch.run import Outcome, Tools, result_id
from waypost.app.batch.slots import Slots
from waypost.app.files import FileRoom
from waypost.config.snapshot import Settings
from waypost.core.key import Key
from waypost.edge.gate import Download, Errand, Upload
from waypost.pipeline.exchange import Call
from waypost.policy.authenticate import Authenticate
from waypost.ports import Clock
from waypost.stores.content import ContentFolder
from waypost.stores.sql.batches import BatchRows, SqlBatches
from waypost.stores.sql.engine import Database
from waypost.stores.sql.files import FileRows, SqlFiles
from waypost.stores.sql.keys import KeyRows
from waypost.telemetry.logs import Log

#: How long a key that was looked at is taken to be what it was, while a batch asks for it line by line.
_KEY_S = 1.0
#: Content without a row that is younger may be about to get one.
_ORPHAN_S = 3600.0
_SLICE = 500


class StorageParts(msgspec.Struct, frozen=True):
    """What it is made of."""

    data: Path
    database: Database
    keys: KeyRows
    authenticate: Authenticate
    run: Callable[[Call], Coroutine[object, object, None]]
    """Answers a call, as the pipeline does."""
    settings: Callable[[], Settings]
    clock: Clock
    log: Log
    randomness: Callable[[int], bytes]
    new_exchange: Callable[[], str]
    elsewhere: Callable[[Errand], Awaitable[bytes]] | None = None
    """Answers what clients say of batches, where another worker works them off; None: they are worked off here."""


class Storage:
    """`edge.gate.Storeroom`, and the owner of what stands behind it."""

    def __init__(self, parts: StorageParts) -> None:
        self._parts = parts
        self._content = ContentFolder(parts.data)
        self._file_rows, self._batch_rows = FileRows(parts.database), BatchRows(parts.database)
        self._files, self._batches = SqlFiles(self._file_rows), SqlBatches(self._batch_rows)
        self.owner = BatchOwner(self._tools)

        def new_id() -> str:
            return parts.randomness(16).hex()

        self._room = FileRoom(
            files=self._files,
            batches=self._batches,
            content=self._content,
            settings=lambda: parts.settings().storage,
            clock=parts.clock,
            new_id=new_id,
        )
        self._desk = BatchDesk(
            batches=self._batches,
            files=self._room,
            owner=self.owner,
            clock=parts.clock,
            new_id=new_id,
            new_exchange=parts.new_exchange,
        )
        self._looked_at: dict[str, tuple[float, Key]] = {}
        self._beginning: asyncio.Task[None] | None = None

    def _tools(self, told: Callable[[Outcome], None]) -> Tools:
        parts = self._parts
        return Tools(
            run=parts.run,
            key=self._key,
            files=self._files,
            batches=self._batches,
            content=self._content,
            settings=parts.settings,
            slots=Slots(lambda: parts.settings().storage.overall),
            clock=parts.clock,
            log=parts.log,
            wait=_wait,
            told=told,
        )

    def prepare(self) -> None:
        """Make the folders. Blocking, before anything else. Raises StoreUnavailable."""
        self._content.prepare()

    def start(self) -> None:
        """Take up the batches that an earlier process left."""
        if self._parts.elsewhere is None:
            self._beginning = asyncio.ensure_future(self._resume())

    async def stop(self) -> None:
        """Let lines under way end, and close the stores."""
        if self._beginning is not None:
            self._beginning.cancel()
            await asyncio.gather(self._beginning, return_exceptions=True)
        await self.owner.stop()
        self._files.close()
        self._batches.close()

    # --- edge.gate.Storeroom -------------------------------------------------------------------------------------

    async def admit(self, presented: bytes | None) -> Key:
        """See `edge.gate.Storeroom`."""
        return await self._parts.authenticate.key_of(presented)

    async def receive(self, key: Key, content_type: bytes | None) -> Upload:
        """See `edge.gate.Storeroom`."""
        return await self._room.receive(key, content_type)

    async def content(self, key: Key, file_id: str) -> Download:
        """See `edge.gate.Storeroom`."""
        return await self._room.content(key, file_id)

    async def answer(self, errand: Errand) -> bytes:
        """See `edge.gate.Storeroom`."""
        if errand.purpose.startswith("file"):
            return await self._room.answer(errand)
        return await (self._parts.elsewhere or self._desk.answer)(errand)

    def drain(self) -> None:
        """See `edge.gate.Storeroom`."""
        self.owner.drain()

    # --- beside the requests -------------------------------------------------------------------------------------

    async def tidy(self) -> None:
        """Forget what has been kept long enough, and content that nothing is known of. Raises StoreUnavailable."""
        if self._parts.elsewhere is None:
            await asyncio.to_thread(self._tidy, self._parts.clock.wall())

    def _tidy(self, at: float) -> None:
        while self._batch_rows.delete_expired(at):
            pass
        while expired := self._file_rows.delete_expired(at):
            for file_id in expired:
                self._content.delete(file_id)
        working = {batch.batch_id for batch in self._batch_rows.unfinished()}
        # Results may have been put in their place by a process that ended before it could say so.
        coming = {result_id(batch_id, kind) for batch_id in working for kind in ("out", "err")}
        self._drop_orphans([one for one in self._content.older(at - _ORPHAN_S) if one not in coming])
        for work in self._content.worked():
            with suppress(OSError):  # handed over meanwhile; or else the next hour tries again
                if work.stem not in working and work.stat().st_ctime < at - _ORPHAN_S:
                    work.unlink()

    def _drop_orphans(self, file_ids: list[str]) -> None:
        for begin in range(0, len(file_ids), _SLICE):
            some = file_ids[begin : begin + _SLICE]
            for file_id in set(some) - self._file_rows.known(some):
                self._content.delete(file_id)

    async def _resume(self) -> None:
        while True:
            try:
                await self.owner.resume()
            except Exception as error:  # noqa: BLE001 - told of, and tried again: batches must not be forgotten
                self._parts.log.fault("batches could not be taken up; it is tried again", error)
                await asyncio.sleep(_KEY_S)
            else:
                return

    async def _key(self, key_id: str) -> Key:
        now = self._parts.clock.monotonic()
        seen = self._looked_at.get(key_id)
        if seen is None or now - seen[0] >= _KEY_S:
            if len(self._looked_at) > 1000:
                self._looked_at.clear()
            key = await asyncio.to_thread(partial(self._parts.keys.get, key_id))
            # One value for all lines: what holds for it is kept by it.
            seen = (now, msgspec.structs.replace(key, priority="low"))
            self._looked_at[key_id] = seen
        return self._parts.authenticate.check(seen[1])


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
