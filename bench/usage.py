"""What processes use, read from /proc: processor time, resident memory, and how busy the whole machine is."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold spaces; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def tree(roots: Iterable[int]) -> list[int]:
    """The processes and all their living descendants."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := _stat(int(entry))):
            children.setdefault(int(fields[1]), []).append(int(entry))
    found: list[int] = []
    queue = list(roots)
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue += children.get(pid, [])
    return found


def running_as(module: str, roots: Iterable[int]) -> list[int]:
    """Of the processes' trees, those whose command names a module."""
    found = []
    for pid in tree(roots):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if module.encode() in command.split(b"\0"):
            found.append(pid)
    return found


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not waited for does not."""
    fields = _stat(pid)
    return bool(fields) and fields[0] != "Z"


def cpu_s(roots: Iterable[int]) -> float:
    """Seconds of user and system time of the processes' trees so far, ended children included."""
    ticks = 0
    for pid in tree(roots):
        if fields := _stat(pid):
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / _TICKS


def rss_mb(roots: Iterable[int]) -> float:
    """Resident memory of the processes' trees in megabytes (10^6 bytes); shared pages count for each process."""
    pages = sum(int(fields[21]) for pid in tree(roots) if (fields := _stat(pid)))
    return pages * _PAGE / 1e6


def busy_s() -> tuple[float, float]:
    """Seconds that all processors were busy, and of these stolen by other machines on the host, since boot."""
    fields = [int(field) for field in Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:]]
    user, nice, system, _idle, _wait, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / _TICKS, steal / _TICKS
