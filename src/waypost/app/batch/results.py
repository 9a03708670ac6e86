"""Results of a batch that is under way: two files that only grow, and survive `kill -9` and a power cut.

A result is on the disk when `append` returns. Results that are ready at the same time share one `fsync`. What a
crash left of a line that was being written is cut off when the files are opened again.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec

from waypost.core.batch import Fault
from waypost.dialects.openai_batch.lines import custom_id_of
from waypost.errors import StoreUnavailable

_READ = 1 << 20
_DAMAGED = Fault(
    "damaged_results",
    "The results of the batch are damaged, so nobody can tell which of its lines have one. They are handed over as "
    "they are.",
)


class _Grown:
    """One file, to which is added."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = 0

    def recall(self) -> list[str] | None:
        """Cut off what is not whole; returns the `custom_id` of each whole line. None: it is damaged, and left so."""
        found: list[str] = []
        rest = b""
        offset = 0
        while piece := os.pread(self._fd, _READ, offset):
            offset += len(piece)
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                try:
                    found.append(custom_id_of(line))
                except msgspec.DecodeError:
                    return None
        self._size = offset - len(rest)
        os.ftruncate(self._fd, self._size)
        return found

    def add(self, data: bytes) -> None:
        """At the end, over whatever a write that failed has left there."""
        at = self._size
        while data:
            written = os.pwrite(self._fd, data, at)
            at += written
            data = data[written:]
        os.ftruncate(self._fd, at)
        os.fsync(self._fd)
        self._size = at

    def close(self) -> None:
        os.close(self._fd)


class Results:
    """The output file and the error file of one batch. One caller opens and closes; many append."""

    def __init__(self, output: Path, errors: Path) -> None:
        self._paths = (output, errors)
        self._files: tuple[_Grown, _Grown] | None = None
        self._waiting = (bytearray(), bytearray())
        self._turn = asyncio.Lock()

    def open(self) -> tuple[list[str], list[str]] | Fault:
        """The `custom_id` of every result there is, good ones and bad ones; a fault when nobody can tell. Nothing is
        open then. Blocking. Raises StoreUnavailable."""
        try:
            with ExitStack() as opened:
                output = opened.enter_context(closing(_Grown(self._paths[0])))
                errors = opened.enter_context(closing(_Grown(self._paths[1])))
                folder = os.open(self._paths[0].parent, os.O_RDONLY | os.O_DIRECTORY)
                try:
                    os.fsync(
                        folder
                    )  # or a power cut could take the files' names, and all their lines with them
                finally:
                    os.close(folder)
                good, bad = output.recall(), errors.recall()
                if good is None or bad is None:
                    return _DAMAGED
                self._files = (output, errors)
                opened.pop_all()
                return good, bad
        except OSError as error:
            raise _lost(error) from None

    async def append(self, line: bytes, good: bool) -> None:
        """Raises StoreUnavailable; the line is then written with the next one, or by `flush`."""
        self._waiting[0 if good else 1].extend(line)
        await self.flush()

    async def flush(self) -> None:
        """Write what is waiting. Raises StoreUnavailable."""
        async with self._turn:
            waiting, self._waiting = self._waiting, (bytearray(), bytearray())
            if not any(waiting):
                return  # another one wrote it along
            writing = asyncio.ensure_future(asyncio.to_thread(self._write, *map(bytes, waiting)))
            try:
                await asyncio.shield(writing)
            finally:
                if not writing.done():
                    await asyncio.wait(
                        (writing,)
                    )  # a thread is not cancelled: the files stay open until it is done
                left = writing.result()
                for kind, data in enumerate(left):
                    self._waiting[kind][:0] = data
        if any(left):
            raise _unwritten()

    def close(self) -> None:
        """Write what is still waiting, and close. Idempotent. Blocking. Raises StoreUnavailable, and is closed then."""
        if self._files is None:
            return
        waiting, self._waiting = self._waiting, (bytearray(), bytearray())
        left = self._write(*map(bytes, waiting))
        for file in self._files:
            file.close()
        self._files = None
        if any(left):
            raise _unwritten()

    def _write(self, *waiting: bytes) -> list[bytes]:
        """What could not be written."""
        assert self._files is not None  # noqa: S101 - `open` comes first
        left = list(waiting)
        try:
            for kind, file in enumerate(self._files):
                if waiting[kind]:
                    file.add(waiting[kind])
                    left[kind] = b""
        except OSError:
            pass  # told of by `flush`, which keeps what is left
        return left


def _unwritten() -> StoreUnavailable:
    return StoreUnavailable(
        "The results of a batch can not be written. Check the disk of the data folder.", retry_after_s=1.0
    )


def _lost(error: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        f"The results of a batch can not be opened ({os.strerror(error.errno or 5)}). Check the data folder's disk.",
        retry_after_s=1.0,
    )
