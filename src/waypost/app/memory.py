"""How much memory is used, and how much there is: of the control group if it has a limit, else of the machine."""

from __future__ import annotations

import gc
import resource
from pathlib import Path

import msgspec

_ROOT = Path("/")
#: Version 1 writes "no limit" as the largest number of whole pages.
_NO_LIMIT = 1 << 60


class Memory(msgspec.Struct, frozen=True):
    """In bytes. `limit` 0: not known."""

    used: int
    limit: int


class MemoryReader:
    """Finds once where to look. The files are those of Documentation/admin-guide/cgroup-v2.rst and
    cgroup-v1/memory.rst in https://github.com/torvalds/linux (2026-11-25)."""

    def __init__(self, root: Path = _ROOT) -> None:
        self._root = root
        self._group = _limited(root)
        self._machine = _machine_bytes(root)

    def read(self, limit: int | None = None) -> Memory:
        """Now. With a `limit` that was configured, it counts what this process uses; a control group counts all of its
        processes, without the file cache that it can drop."""
        if limit is None and self._group is not None:
            return Memory(self._group.used(), self._group.limit)
        return Memory(resident_bytes(self._root), self._machine if limit is None else limit)


class _Group:
    """A control group with a limit."""

    def __init__(self, folder: Path, limit: int, usage: str, cache: str) -> None:
        self.limit = limit
        self._usage = folder / usage
        self._stat = folder / "memory.stat"
        self._cache = cache

    def used(self) -> int:
        used = _number(self._usage) or 0
        for line in _text(self._stat).splitlines():
            name, _, value = line.partition(" ")
            if name == self._cache:
                return max(0, used - int(value))
        return used


def _limited(root: Path) -> _Group | None:
    """The group with the lowest limit among this process's own and those around it."""
    found: list[_Group] = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        parts = [part for part in path.split("/") if part and part != ".."]
        if not controllers:
            base, maximum, usage, cache = (
                root / "sys/fs/cgroup",
                "memory.max",
                "memory.current",
                "inactive_file",
            )
        elif "memory" in controllers.split(","):
            base, maximum = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
            usage, cache = "memory.usage_in_bytes", "total_inactive_file"
        else:
            continue
        for depth in range(len(parts), -1, -1):
            folder = base.joinpath(*parts[:depth])
            limit = _number(folder / maximum)
            if limit and limit < _NO_LIMIT:
                found.append(_Group(folder, limit, usage, cache))
    return min(found, key=lambda group: group.limit, default=None)


def _machine_bytes(root: Path) -> int:
    for line in _text(root / "proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def _text(file: Path) -> str:
    try:
        return file.read_text("ascii", errors="replace")
    except OSError:
        return ""  # another system, or a group without a memory controller


def _number(file: Path) -> int | None:
    text = _text(file).strip()
    return int(text) if text.isdigit() else None


def resident_bytes(root: Path = _ROOT) -> int:
    """Resident memory now; where the system does not tell (macOS), the most it has been."""
    pages = _text(root / "proc/self/statm").split()
    if len(pages) > 1:
        return int(pages[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def settle_garbage() -> None:
    """What lives as long as the process is never looked at again, and the collector runs seldom: a request makes
    hardly any cycles, and looking for them cost 3 % of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
