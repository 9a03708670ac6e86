"""Has a file changed? Polled each second: works on every file system, mounted secrets and editors' renames included."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec


class FileStamp(msgspec.Struct, frozen=True):
    """What changes when a file is written or replaced. Equal stamps: the same content."""

    mtime_ns: int
    size: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileStamp | None:
        """The stamp of a file now; None when there is none, or none that may be looked at."""
        try:
            found = os.stat(path)
        except OSError:
            return None
        return cls(found.st_mtime_ns, found.st_size, found.st_ino)


class Watch:
    """Remembers the last stamp of some files. Not safe for threads; one poller owns it."""

    __slots__ = ("_seen",)

    def __init__(self, *paths: Path) -> None:
        self._seen = {path: FileStamp.of(path) for path in paths}

    def changed(self) -> bool:
        """Whether any of the files is another one than at the last call. Files that vanish count when they return:
        an editor that saves by renaming must not look like an emptied configuration."""
        changed = False
        for path, before in self._seen.items():
            now = FileStamp.of(path)
            if now is not None and now != before:
                self._seen[path] = now
                changed = True
        return changed
