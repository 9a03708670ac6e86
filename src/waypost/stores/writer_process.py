"""The ledger's writer as a process: started, locked, ended. What it does is in `waypost.stores.sql.posting`.

The lock is what keeps two writers off one data folder. The gateway takes it, gives it to the process it starts, and
keeps none: the kernel drops it when that process ends, however it ends. So a gateway that starts after a `kill -9`
waits until the writer of the killed one has posted the rest.
"""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from waypost.errors import StoreUnavailable
from waypost.ledger.messages import Task
from waypost.stores.seat import Seat
from waypost.stores.sql.variables import COMMAND

FILE_NAME: Final = "writer.lock"
MODULE: Final = "waypost.stores.sql.posting"
_POLL_S: Final = 0.005
#: What a command that prints the database's password may need beside `_KEPT`.
_IDENTITY: Final = ("HOME", "AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_", "KUBERNETES_")
#: Of the gateway's environment, what an interpreter may need. Providers' keys are none of the writer's business.
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "TMPDIR")


class _Holder(msgspec.Struct, frozen=True):
    pid: int


class WriterLock:
    """The right to have a writer on a data folder, as long as this process or the one it was given to lives."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def announce(self, pid: int) -> None:
        """Write down who holds it."""
        text = msgspec.json.encode(_Holder(pid))
        os.pwrite(self.fd, text, 0)
        os.ftruncate(self.fd, len(text))

    def let_go(self) -> None:
        """Close this process's share of it. Idempotent."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def take_writer_lock(data: Path, wait_s: float = 30.0) -> WriterLock:
    """Wait until no writer runs on the data folder. Raises StoreUnavailable when one still does after `wait_s`."""
    fd = os.open(data / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(fd)
                raise StoreUnavailable(
                    f"The writer of an earlier gateway{_who(data)} still posts to {data}. "
                    "Look at the load of the disk, or end that process: the intents files keep what it has not posted."
                ) from None
            time.sleep(_POLL_S)
        else:
            return WriterLock(fd)


def read_writer(data: Path) -> int | None:
    """The process id of the writer that runs on this folder, or None. Takes nothing from it."""
    try:
        fd = os.open(data / FILE_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _parse(os.pread(fd, 256, 0))
    finally:
        os.close(fd)
    return None


class WriterProcess:
    """`ledger.writer.Posting`: one running writer."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end. False when it has not ended in time."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL. What it was posting is rolled back, and is in the files."""
        self._process.kill()


class WriterLauncher:
    """`ledger.writer.Launch`: starts writers on one data folder, one at a time.

    The first one takes over the lock that was taken before recovery.
    """

    def __init__(
        self,
        data: Path,
        lock: WriterLock,
        *,
        fsync: bool,
        delay_s: float = 0.1,
        environ: Mapping[str, str] = MappingProxyType({}),
        worker: int = 0,
    ) -> None:
        """`environ`: where the database is, if it is not in the data folder. `worker`: see `Seat`."""
        self._seat = Seat(data, worker)
        self._environ = database_environment(environ)
        self._lock: WriterLock | None = lock
        self._fsync = fsync
        self._delay_s = delay_s

    def __call__(self, link: socket.socket) -> WriterProcess:
        """Raises OSError and StoreUnavailable."""
        lock, self._lock = self._lock or take_writer_lock(self._seat.folder, 0.0), None
        try:
            data, worker = str(self._seat.data), self._seat.worker
            task = Task(data, link.fileno(), lock.fd, self._fsync, self._delay_s, worker)
            process = subprocess.Popen(  # noqa: S603 - this interpreter and this module
                [sys.executable, "-P", "-m", MODULE, msgspec.json.encode(task).decode()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # its last words come over the link, into the gateway's log
                pass_fds=(link.fileno(), lock.fd),
                env={**bare_environment(), **self._environ},
            )
            lock.announce(process.pid)
        finally:
            lock.let_go()
        return WriterProcess(process)


def bare_environment() -> dict[str, str]:
    """For a process of the gateway's own: what an interpreter needs, and no provider's key."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # The same modules as the gateway's, however it found them.
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def database_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What says where the database is and who asks it."""
    kept = {name: value for name, value in environ.items() if name.startswith("WAYPOST_DATABASE_")}
    if COMMAND in kept:
        kept |= {name: value for name, value in environ.items() if name.startswith(_IDENTITY)}
    return kept


def _parse(text: bytes) -> int | None:
    try:
        return msgspec.json.decode(text, type=_Holder).pid
    except msgspec.DecodeError:
        return None


def _who(data: Path) -> str:
    pid = read_writer(data)
    return "" if pid is None else f" (process {pid})"
