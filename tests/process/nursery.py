"""A process that has the gateway's modules loaded and forks `waypost` command lines: see `process.forked`.

`python nursery.py FD`: over the socket FD come requests, each with the file that is to be the child's standard output.
For each, its process id is answered, and once it has ended, how.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
from pathlib import Path

import msgspec

import waypost


class Wanted(msgspec.Struct):
    """A command line to run."""

    arguments: list[str]
    environ: dict[str, str]
    errors: str
    """The file that its standard error is added to."""


class Told(msgspec.Struct, omit_defaults=True):
    """A child was started, or has ended with this status (as of `subprocess`)."""

    pid: int
    status: int | None = None


def load() -> None:
    """Every module that a gateway may need."""
    root = Path(waypost.__file__).parent
    for file in sorted(root.rglob("*.py")):
        name = ".".join(("waypost", *file.relative_to(root).with_suffix("").parts))
        if not name.endswith(("__init__", "__main__")) and "simulator" not in name:
            __import__(name)
    __import__("sqlalchemy.dialects.sqlite")


def become(wanted: Wanted, output: int) -> None:
    """In the child: does not return."""
    from waypost.cli.entry import run

    os.dup2(output, 1)
    os.dup2(os.open(wanted.errors, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), 2)
    os.environ.clear()
    os.environ.update(wanted.environ)
    sys.argv = ["waypost", *wanted.arguments]
    status = 1
    try:
        run()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main(fd: int) -> None:
    """Until the other end of the socket closes."""
    load()
    asked = socket.socket(fileno=fd)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    waiting = selectors.DefaultSelector()
    waiting.register(asked, selectors.EVENT_READ)
    waiting.register(woken, selectors.EVENT_READ)
    while True:
        ready = {key.fileobj for key, _ in waiting.select()}
        if woken in ready:
            os.read(woken, 1024)
            while (ended := _ended()) is not None:
                asked.sendall(msgspec.json.encode(ended) + b"\n")
        if asked in ready:
            try:
                data, fds, _, _ = socket.recv_fds(asked, 1 << 20, 1)
            except ConnectionResetError:
                return
            if not data:
                return
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for each in (asked.fileno(), woken, wake):
                    os.close(each)
                become(msgspec.json.decode(data, type=Wanted), fds[0])
            os.close(fds[0])
            asked.sendall(msgspec.json.encode(Told(pid)) + b"\n")


def _ended() -> Told | None:
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return Told(pid, os.waitstatus_to_exitcode(status)) if pid else None


if __name__ == "__main__":
    main(int(sys.argv[1]))
