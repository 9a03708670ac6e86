"""The content of clients' files, on the disk. Blocking; raises StoreUnavailable.

`files/ab/file-ab…`: one file's content under its id. `files/incoming/`: what is still arriving. `batches/`: results of
batches that are not over.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from waypost.errors import StoreUnavailable


class Incoming:
    """Content that is arriving. Ended by `keep` or by `drop`, which does nothing after either."""

    def __init__(self, path: Path, place: Callable[[str], Path]) -> None:
        self._path = path
        self._place = place
        self._file: BinaryIO | None = None
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add to it."""
        try:
            if self._file is None:
                self._file = self._path.open("xb")
            self._file.write(data)
        except OSError as error:
            raise _lost(error) from None
        self.size += len(data)

    def keep(self, file_id: str) -> None:
        """It is whole: put it in its place, on the disk for good."""
        self.write(b"")
        assert self._file is not None  # noqa: S101 - `write` opened it
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            _move(self._path, self._place(file_id))
        except OSError as error:
            raise _lost(error) from None
        self._file = None

    def drop(self) -> None:
        """Forget what has arrived."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None
            self._path.unlink(missing_ok=True)


class ContentFolder:
    """The content of files below a data folder."""

    def __init__(self, data: Path) -> None:
        self._files = data / "files"
        self._incoming = data / "files" / "incoming"
        self._work = data / "batches"

    def prepare(self) -> None:
        """Make the folders, and remove what was arriving when the last process ended."""
        try:
            for folder in (self._files, self._incoming, self._work):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in self._incoming.iterdir():
                left.unlink()
        except OSError as error:
            raise _lost(error) from None

    def receive(self, name: str) -> Incoming:
        """A place for content that is about to arrive; nobody else uses the name."""
        return Incoming(self._incoming / name, self.place)

    def place(self, file_id: str) -> Path:
        """Where a file's content is. `file_id` is one of ours, never a client's text."""
        return self._files / file_id.rpartition("-")[2][:2] / file_id

    def work(self, name: str) -> Path:
        """Where a batch's results are while it is not over."""
        return self._work / name

    def adopt(self, work: Path, file_id: str) -> int | None:
        """Make a batch's results the content of a file; returns its size. None: there are none. Doing it again is
        no harm."""
        place = self.place(file_id)
        try:
            if work.exists():
                if work.stat().st_size:
                    _move(work, place)
                else:
                    work.unlink()
            return place.stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _lost(error) from None

    def read(self, file_id: str, offset: int, size: int) -> bytes:
        """A piece of a file; shorter at its end."""
        try:
            with self.place(file_id).open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except OSError as error:
            raise _lost(error) from None

    def delete(self, file_id: str) -> None:
        """Remove a file's content, if it is there."""
        try:
            self.place(file_id).unlink(missing_ok=True)
        except OSError as error:
            raise _lost(error) from None

    def older(self, before: float) -> Iterator[str]:
        """Ids of content that was put in its place before a Unix time."""
        try:
            for folder in self._files.iterdir():
                if folder == self._incoming:
                    continue
                for file in folder.iterdir():
                    with suppress(FileNotFoundError):  # deleted meanwhile
                        if file.stat().st_ctime < before:
                            yield file.name
        except OSError as error:
            raise _lost(error) from None

    def worked(self) -> Iterator[Path]:
        """What there is of batches' results."""
        try:
            yield from self._work.iterdir()
        except OSError as error:
            raise _lost(error) from None


def _move(source: Path, place: Path) -> None:
    place.parent.mkdir(mode=0o700, exist_ok=True)
    os.replace(source, place)
    for folder in (place.parent, place.parent.parent):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _lost(error: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        f"A file in the data folder can not be read or written ({os.strerror(error.errno or 5)}). Check its disk.",
        retry_after_s=1.0,
    )
