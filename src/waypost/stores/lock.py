"""One gateway per data folder: an advisory lock that the kernel drops by itself when the process ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

import msgspec

from waypost.errors import ConfigError

FILE_NAME: Final = "waypost.lock"
_TRIES: Final = 5
_PAUSE_S: Final = 0.02
_SIZE_MAX: Final = 1024


class Running(msgspec.Struct, frozen=True):
    """The gateway that serves from a data folder. `port` is 0 until it listens."""

    pid: int
    port: int
    token: str = ""
    """What its operator routes take in place of a key, from who may read this file: its owner."""
    host: str = "127.0.0.1"
    """An address of this machine that it listens on."""

    def __repr__(self) -> str:
        return f"Running(pid={self.pid}, port={self.port})"


class FolderLock:
    """Held from `take_lock` until `give_back` or the end of the process."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def announce(self, port: int, token: str = "", host: str = "127.0.0.1") -> None:
        """Write down what is served and how to be let in, for commands on this machine."""
        _write(self._fd, Running(os.getpid(), port, token, host))

    def give_back(self) -> None:
        """Release the folder. Idempotent. The file stays: removing it would race with the next process."""
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1


def take_lock(data: Path) -> FolderLock:
    """Lock the data folder for this process; the folder is made if need be.

    Raises ConfigError when another gateway serves from it, or when it can not be written.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(data / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(
            f"The data folder {data} can not be used ({os.strerror(error.errno or 5)}). "
            "Choose another one with --data, or correct its owner and rights.",
            param="data",
        ) from None
    if not _lock(fd):
        running = _parse(fd)
        os.close(fd)
        who = f" (process {running.pid})" if running else ""
        raise ConfigError(
            f"Another gateway{who} already serves from the data folder {data}. Stop it, or choose another folder with "
            "--data: two gateways on one folder would count the same money twice.",
            param="data",
        )
    os.fchmod(fd, 0o600)  # a token will stand in it, whoever made the file
    lock = FolderLock(fd)
    lock.announce(0)
    return lock


def read_running(data: Path) -> Running | None:
    """The gateway that serves from this folder now, or None. Never blocks, and takes nothing from it."""
    try:
        fd = os.open(data / FILE_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _parse(fd)
    finally:
        os.close(fd)
    return None


def _lock(fd: int) -> bool:
    # `read_running` holds a shared lock for an instant; a gateway holds its own for as long as it lives.
    for _ in range(_TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_S)
        else:
            return True
    return False


def _write(fd: int, running: Running) -> None:
    text = msgspec.json.encode(running)
    os.pwrite(fd, text, 0)
    os.ftruncate(fd, len(text))


def _parse(fd: int) -> Running | None:
    try:
        return msgspec.json.decode(os.pread(fd, _SIZE_MAX, 0), type=Running)
    except msgspec.DecodeError:
        return None
