"""A disk that loses what was not synced: what a data folder may look like after the power failed at any moment.

It watches what the ledger does to its folder (in the test's own process, through the functions of `os`) and knows for
each file what is certain to be there: its content at the last fsync that ended, under the name that it had at the last
fsync of its folder. Everything later may be there or not. An image of the folder draws that by dice:

- of the bytes behind the last fsync: none, all, a prefix of any length, or any of their blocks, the rest being zeros;
- of the names made, removed and changed since the folder's last fsync: the first few.

SQLite's files are written by SQLite itself, which can not be watched from here. What is certain of them is what was
there when a transaction with `synchronous=FULL` last ended (https://www.sqlite.org/pragma.html#pragma_synchronous,
2026-11-26); of the pages that differ since then, any may be the old ones. Without FULL nothing is certain but what was
there at the start.
"""

from __future__ import annotations

import os
import random
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from waypost.stores.sql.sqlite_file import FILE_NAME

_BLOCK = 512
_PAGE = 4096
_WAL = FILE_NAME + "-wal"


class _File:
    """`certain` is what the last fsync covers."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.certain = b""


class _Folder:
    """Names of files and folders. `changes`: since the last fsync, in order, each with what a name stands for then."""

    def __init__(self) -> None:
        self.certain: dict[str, _File | _Folder] = {}
        self.changes: list[tuple[str, _File | _Folder | None]] = []

    def now(self, changes: int | None = None) -> dict[str, _File | _Folder]:
        """The names, with all changes or only so many of them."""
        names = dict(self.certain)
        for name, what in self.changes[:changes]:
            if what is None:
                names.pop(name, None)
            else:
                names[name] = what
        return names


class Disk:
    """Watches `root`. `at_risk` is called between any two steps, with the lock held: it may draw an image."""

    def __init__(self, root: Path, dice: random.Random) -> None:
        self.root = root
        self.dice = dice
        self.lock = threading.RLock()
        self.at_risk: Callable[[], None] = lambda: None
        self._top = _Folder()
        self._files: dict[int, _File | _Folder] = {}
        self._real: dict[str, Callable[..., Any]] = {}
        self._database: dict[str, bytes] = {}

    # --- watching -------------------------------------------------------------------------------------------------

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """From now on, until the patch is undone."""
        for name in ("open", "close", "unlink", "remove", "rename", "mkdir", "ftruncate", "fsync"):
            self._real[name] = getattr(os, name)
            patch.setattr(os, name, getattr(self, f"_{name}"))

    def write(self, fd: int, data: bytes) -> int:
        """`os.write` at the end of a file."""
        with self.lock:
            written = os.write(fd, data)
            file = self._files[fd]
            assert isinstance(file, _File)
            file.content += data[:written]
            self.at_risk()
            return written

    def sync(self, fd: int) -> None:
        """`os.fsync`: what was there when it began is certain when it ends."""
        with self.lock:
            what = self._files.get(fd)
            upto = bytes(what.content) if isinstance(what, _File) else b""
            changes = len(what.changes) if isinstance(what, _Folder) else 0
            self.at_risk()
        with self.lock:
            if isinstance(what, _File):
                what.certain = upto
            elif isinstance(what, _Folder):
                what.certain = what.now(changes)
                del what.changes[:changes]
            self.at_risk()

    _fsync = sync

    def committed(self, *, full: bool) -> None:
        """SQLite has ended a transaction."""
        with self.lock:
            if full or not self._database:
                self._database = {name: self._read(name) for name in (FILE_NAME, _WAL)}
            self.at_risk()

    def _read(self, name: str) -> bytes:
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError:
            return b""

    def _place(self, path: object) -> tuple[_Folder, str] | None:
        """The folder that a path is in, and its name there; None outside of the root."""
        inside = Path(os.fsdecode(path)) if isinstance(path, str | bytes | os.PathLike) else None
        if inside is None or not inside.is_relative_to(self.root):
            return None
        folder = self._top
        *above, name = inside.relative_to(self.root).parts or ("",)
        for each in above:
            found = folder.now()[each]
            assert isinstance(found, _Folder)
            folder = found
        return folder, name

    def _open(self, path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        with self.lock:
            fd = int(self._real["open"](path, flags, mode, **more))
            place = self._place(path)
            if place is not None and not place[1].startswith(FILE_NAME):
                folder, name = place
                if not name:
                    self._files[fd] = folder
                elif stat.S_ISREG(os.fstat(fd).st_mode):
                    found = folder.now().get(name)
                    if found is None:
                        found = _File()
                        folder.changes.append((name, found))
                    self._files[fd] = found
                else:
                    self._files[fd] = folder.now()[name]
                self.at_risk()
            return fd

    def _close(self, fd: int) -> None:
        with self.lock:
            self._files.pop(fd, None)
            self._real["close"](fd)

    def _mkdir(self, path: Any, *rest: Any, **more: Any) -> None:
        with self.lock:
            self._real["mkdir"](path, *rest, **more)
            self._changed(path, _Folder())

    def _unlink(self, path: Any, **more: Any) -> None:
        with self.lock:
            self._real["unlink"](path, **more)
            self._changed(path, None)

    _remove = _unlink

    def _rename(self, old: Any, new: Any, **more: Any) -> None:
        with self.lock:
            self._real["rename"](old, new, **more)
            place = self._place(old)
            if place is not None:
                moved = place[0].now()[place[1]]
                place[0].changes.append((place[1], None))
                self._changed(new, moved)

    def _ftruncate(self, fd: int, size: int) -> None:
        with self.lock:
            self._real["ftruncate"](fd, size)
            file = self._files.get(fd)
            if isinstance(file, _File):
                del file.content[size:]

    def _changed(self, path: Any, what: _File | _Folder | None) -> None:
        place = self._place(path)
        if place is not None and not place[1].startswith(FILE_NAME):
            place[0].changes.append((place[1], what))
            self.at_risk()

    # --- the power fails ------------------------------------------------------------------------------------------

    def image(self, at: Path) -> None:
        """Make a folder of what is left."""
        self._draw(self._top, at)
        self._draw_database(at)

    def _draw(self, folder: _Folder, at: Path) -> None:
        self._real["mkdir"](at)
        for name, what in folder.now(self.dice.randint(0, len(folder.changes))).items():
            if isinstance(what, _Folder):
                self._draw(what, at / name)
            else:
                (at / name).write_bytes(self._left(what))

    def _left(self, file: _File) -> bytes:
        certain, content = file.certain, bytes(file.content)
        if not content.startswith(certain):  # it was cut off since
            return certain if self.dice.random() < 0.5 else content
        rest = content[len(certain) :]
        kind = self.dice.randrange(4)
        if kind == 0:
            return certain
        if kind == 1:
            return content
        if kind == 2:
            return certain + rest[: self.dice.randint(0, len(rest))]
        return self._blocks(certain, content)

    def _blocks(self, certain: bytes, content: bytes) -> bytes:
        """Any of the blocks that are not certain, in the place of each other one zeros."""
        left = bytearray(certain.ljust(len(content), b"\0"))
        for start in range(len(certain) // _BLOCK * _BLOCK, len(content), _BLOCK):
            if self.dice.random() < 0.5:
                left[start : start + _BLOCK] = content[start : start + _BLOCK]
        return bytes(left[: self.dice.randint(len(certain), len(content))])

    def _draw_database(self, at: Path) -> None:
        # The main file changes only once the log is on the disk, and before the log begins anew.
        main, log = self._read(FILE_NAME), self._read(_WAL)
        if main == self._database[FILE_NAME]:
            log = self._pages(self._database[_WAL], log)
        else:
            main = self._pages(self._database[FILE_NAME], main)
        (at / FILE_NAME).write_bytes(main)
        (at / _WAL).write_bytes(log)

    def _pages(self, certain: bytes, now: bytes) -> bytes:
        """Any of the pages that differ may be the old ones."""
        chance = self.dice.choice((0.0, 0.5, 1.0))
        left = bytearray(certain)
        for start in range(0, len(now), _PAGE):
            page = now[start : start + _PAGE]
            if certain[start : start + _PAGE] != page and self.dice.random() < chance:
                left.extend(bytes(max(0, start - len(left))))
                left[start : start + len(page)] = page
        return bytes(left)
