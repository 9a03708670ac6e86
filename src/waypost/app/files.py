"""`/v1/files`: clients' files, each for the key that brought it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from waypost.config.storage import Storage
from waypost.core.file import StoredFile
from waypost.core.key import Key
from waypost.dialects.form_stream import FormStream
from waypost.dialects.openai_batch.files import (
    read_described,
    render_file,
    render_file_deleted,
    render_files,
)
from waypost.dialects.openai_batch.paging import read_page
from waypost.edge.gate import Download, Errand
from waypost.errors import InvalidRequest, NotFound, TooLarge
from waypost.ports import Batches, Clock, Files
from waypost.stores.content import ContentFolder, Incoming

#: `limit` of a list of files: https://developers.openai.com/api/reference/resources/files (2026-11-26).
_PAGE_MAX = 10_000
_PIECE = 256 * 1024


def owner_of(key: Key) -> str | None:
    """Whose things a key sees: its own; an operator's sees everybody's."""
    return None if key.operator else key.key_id


class FileRoom:
    """Takes, lists, hands out and forgets files. Raises GatewayError."""

    def __init__(
        self,
        *,
        files: Files,
        batches: Batches,
        content: ContentFolder,
        settings: Callable[[], Storage],
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        """`new_id` makes 32 hexadecimal digits that nobody can guess."""
        self._files = files
        self._batches = batches
        self._content = content
        self._settings = settings
        self._clock = clock
        self._new_id = new_id
        #: Bytes of uploads that are not whole yet, by key.
        self.arriving: dict[str, int] = {}

    async def receive(self, key: Key, content_type: bytes | None) -> Arriving:
        """See `edge.gate.Storeroom`."""
        self.check_keeps()
        form = FormStream(content_type)
        mine, everybodys = await self._files.used(key.key_id)
        name = self._new_id()
        return Arriving(self, key, form, self._content.receive(name), f"file-{name}", mine, everybodys)

    def check_keeps(self) -> None:
        """Raises NotFound where no files are kept."""
        if not self._settings().keeps:
            raise NotFound("Files are not kept here: `files.store` is off in the gateway's configuration.")

    def check_room(self, key: Key, size: int, mine: int, everybodys: int) -> None:
        """Raises TooLarge for a file that has become so large that there is no room for it."""
        settings = self._settings()
        if size > settings.file_max_bytes:
            raise TooLarge(
                f"The file is larger than {settings.file_max_bytes} bytes. Split it, or have `files.max_file` raised."
            )
        mine += self.arriving.get(key.key_id, 0)
        if (
            mine > settings.key_max_bytes
            or everybodys + sum(self.arriving.values()) > settings.total_max_bytes
        ):
            raise self.full()

    def full(self) -> TooLarge:
        """There is no room."""
        return TooLarge(
            "There is no room for this file. Delete files that are not needed any more, or have `files.max_per_key` or "
            "`files.max_total` raised in the gateway's configuration."
        )

    async def add(self, key: Key, file_id: str, incoming: Incoming, form: FormStream) -> bytes:
        """A file is here whole. Raises InvalidRequest, TooLarge and StoreUnavailable."""
        said, settings, now = read_described(form.fields, form.filename), self._settings(), self._clock.wall()
        keep_s = settings.retention_s if said.expires_s is None else min(said.expires_s, settings.retention_s)
        file = StoredFile(file_id, key.key_id, said.purpose, said.filename, incoming.size, now, now + keep_s)
        await asyncio.to_thread(incoming.keep, file_id)
        if not await self._files.put(file, settings.key_max_bytes, settings.total_max_bytes):
            await asyncio.to_thread(self._content.delete, file_id)
            raise self.full()
        return render_file(file)

    async def find(self, key: Key, file_id: str) -> StoredFile:
        """A file that a key may see. Raises NotFound and StoreUnavailable."""
        found = await self._files.get(file_id[:64], owner_of(key), self._clock.wall())
        if found is None:
            raise NotFound(
                f"There is no file {file_id[:64]!r} of this key. It is another key's, was deleted, or its time is over."
            )
        return found

    async def content(self, key: Key, file_id: str) -> Download:
        """See `edge.gate.Storeroom`."""
        file = await self.find(key, file_id)

        async def read(offset: int) -> bytes:
            return await asyncio.to_thread(self._content.read, file.file_id, offset, _PIECE)

        return Download(file.size, file.filename, read)

    async def answer(self, errand: Errand) -> bytes:
        """The purposes `files` (as a list) and `file`."""
        key = errand.key
        if errand.purpose == "files":
            page = read_page(errand.query, owner_of(key), usual=_PAGE_MAX, most=_PAGE_MAX)
            files = await self._files.page(page, self._clock.wall())
            return render_files(files, more=len(files) == page.limit)
        file = await self.find(key, errand.name)
        if errand.method != "DELETE":
            return render_file(file)
        batch_id = await self._batches.working_on(file.file_id)
        if batch_id is not None:
            raise InvalidRequest(
                f"The batch {batch_id} reads this file. Cancel the batch first, or wait for its end."
            )
        await self._files.delete(file.file_id)
        await asyncio.to_thread(self._content.delete, file.file_id)
        return render_file_deleted(file.file_id)


class Arriving:
    """`edge.gate.Upload`."""

    def __init__(
        self,
        room: FileRoom,
        key: Key,
        form: FormStream,
        incoming: Incoming,
        file_id: str,
        mine: int,
        everybodys: int,
    ) -> None:
        """`mine` and `everybodys`: bytes that are kept already."""
        self._room = room
        self._key = key
        self._form = form
        self._incoming = incoming
        self._file_id = file_id
        self._mine = mine
        self._everybodys = everybodys
        self._pending = bytearray()
        self._size = 0

    async def write(self, data: bytes) -> None:
        """See `edge.gate.Upload`."""
        found = self._form.feed(data)
        if not found:
            return
        self._size += len(found)
        arriving, key_id = self._room.arriving, self._key.key_id
        arriving[key_id] = arriving.get(key_id, 0) + len(found)
        self._room.check_room(self._key, self._size, self._mine, self._everybodys)
        self._pending += found
        if len(self._pending) >= _PIECE:
            await self._flush()

    async def finish(self) -> bytes:
        """See `edge.gate.Upload`."""
        self._form.finish()
        await self._flush()
        return await self._room.add(self._key, self._file_id, self._incoming, self._form)

    async def drop(self) -> None:
        """See `edge.gate.Upload`."""
        arriving, key_id = self._room.arriving, self._key.key_id
        left = arriving.pop(key_id, 0) - self._size
        if left > 0:
            arriving[key_id] = left
        self._size = 0
        await asyncio.to_thread(self._incoming.drop)

    async def _flush(self) -> None:
        piece, self._pending = bytes(self._pending), bytearray()
        await asyncio.to_thread(self._incoming.write, piece)
